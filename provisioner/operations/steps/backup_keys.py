"""The keys of the backups, all from one Secret in the bot's namespace.

The Secret has a random `key` and a certificate authority. From `key` comes the password that encrypts a store's
backups; the authority signs the server's certificate, and one for each store, whose name is the store's repository. So
a new store needs no entry anywhere, and a copy of the Secret is enough to read every backup."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 20 * 365
STORE_DAYS = 30  # each backup gets a new certificate


def new_keys(host: str) -> dict[str, str]:
    """The content of the Secret for a server at `host`: key, ca.crt, ca.key, tls.crt and tls.key (PEM)."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Storewright backups")
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    authority = _unsigned(name, name, authority_key.public_key(), AUTHORITY_DAYS)
    certificate = authority.add_extension(constraints, critical=True).sign(authority_key, hashes.SHA256())
    keys = {"key": secrets.token_hex(32), "ca.crt": _pem(certificate), "ca.key": _private_pem(authority_key)}
    server, server_key = _signed(keys, "backup server", AUTHORITY_DAYS, ExtendedKeyUsageOID.SERVER_AUTH, host)
    return keys | {"tls.crt": server, "tls.key": server_key}


def client_certificate(keys: Mapping[str, str], store_id: str) -> str:
    """A certificate and its private key (PEM) by which the server knows the store."""
    return "".join(_signed(keys, store_id, STORE_DAYS, ExtendedKeyUsageOID.CLIENT_AUTH))


def password(keys: Mapping[str, str], store_id: str) -> str:
    """The password that encrypts the store's backups (64 hex digits). It never changes."""
    return hmac.new(bytes.fromhex(keys["key"]), f"store {store_id}".encode(), hashlib.sha256).hexdigest()


def _signed(
    keys: Mapping[str, str], common_name: str, days: int, usage: x509.ObjectIdentifier, host: str = ""
) -> tuple[str, str]:
    """A new certificate of the authority and its private key (PEM)."""
    authority = x509.load_pem_x509_certificate(keys["ca.crt"].encode())
    authority_key = serialization.load_pem_private_key(keys["ca.key"].encode(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)  # noqa: S101  (made above)
    key = ec.generate_private_key(ec.SECP256R1())
    unsigned = _unsigned(_name(common_name), authority.subject, key.public_key(), days)
    unsigned = unsigned.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    if host:
        unsigned = unsigned.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return _pem(unsigned.sign(authority_key, hashes.SHA256())), _private_pem(key)


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=days))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _private_pem(key: ec.EllipticCurvePrivateKey) -> str:
    pem, no_encryption = serialization.Encoding.PEM, serialization.NoEncryption()
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_encryption).decode()
