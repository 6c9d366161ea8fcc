"""The keys of the backups: certificates that the server accepts, and a password for each store."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provisioner.operations.steps import backup_keys

HOST = "storewright-backup.storewright.svc"
KEYS = backup_keys.new_keys(HOST)


def certificate_in(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def usages(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_server_and_stores_have_certificates_of_one_authority_for_one_use_each() -> None:
    authority = certificate_in(KEYS["ca.crt"])
    server, store = certificate_in(KEYS["tls.crt"]), certificate_in(backup_keys.client_certificate(KEYS, "s1"))
    for certificate in (server, store):
        certificate.verify_directly_issued_by(authority)
    assert usages(server) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert usages(store) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [HOST]


def test_name_in_a_stores_certificate_is_its_repository_and_its_key_is_new_each_time() -> None:
    first, second = (backup_keys.client_certificate(KEYS, "a1b2c3") for _ in range(2))
    [name] = certificate_in(first).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "a1b2c3"
    assert "PRIVATE KEY" in first
    assert first != second


@pytest.mark.parametrize(("keys", "store"), [(KEYS, "s2"), (backup_keys.new_keys(HOST), "s1")], ids=["store", "keys"])
def test_password_is_another_for_each_store_and_each_installation(keys: Mapping[str, str], store: str) -> None:
    password = backup_keys.password(KEYS, "s1")
    assert password == backup_keys.password(KEYS, "s1")
    assert len(password) == 64
    assert backup_keys.password(keys, store) != password
