"""Log tails show no value of a store's Secret."""

from provisioner.operations.steps.readiness import redact

SECRET = {"admin-password": "s3cret", "database-password": "s3cret-and-longer", "empty": ""}


def test_every_value_is_replaced_and_longer_values_first() -> None:
    log = "login s3cret failed; postgres://medusa:s3cret-and-longer@db and s3cret again"
    assert redact(log, SECRET) == "login ••• failed; postgres://medusa:•••@db and ••• again"


def test_other_text_stays() -> None:
    assert redact("listening on 9000", SECRET) == "listening on 9000"
