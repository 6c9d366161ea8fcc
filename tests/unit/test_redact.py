"""No secret of a store is told in a log tail."""

from provisioner.operations.steps.readiness import redact

SECRET = {"admin-password": "s3cret", "database-password": "s3cret-and-longer", "empty": ""}


def test_every_value_goes_the_longer_ones_whole() -> None:
    log = "login s3cret failed; postgres://medusa:s3cret-and-longer@db and s3cret again"
    assert redact(log, SECRET) == "login ••• failed; postgres://medusa:•••@db and ••• again"


def test_nothing_else_goes() -> None:
    assert redact("listening on 9000", SECRET) == "listening on 9000"
