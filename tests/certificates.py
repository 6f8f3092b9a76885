"""Certificates for the tests of TLS: an authority, and what it signs."""

import datetime
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Made(NamedTuple):
    """A certificate and its key, in files."""

    certificate: str
    key: str


class Authority:
    """Signs certificates. pem: its own."""

    def __init__(self, folder: Path, name: str = "test authority", days: float = 3650) -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._own = self._signed(name, self._key, days, authority=True)
        self.pem = str(folder / f"{name}.pem")
        Path(self.pem).write_bytes(self._own.public_bytes(serialization.Encoding.PEM))

    def make(self, name: str, days: float = 365, begins: float = -1, names: tuple[str, ...] = ()) -> Made:
        """Write a certificate for 127.0.0.1, localhost and other names. days, begins: from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = Made(str(self._folder / f"{name}.pem"), str(self._folder / f"{name}.key"))
        signed = self._signed(name, key, days, begins=begins, names=names)
        Path(made.certificate).write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        kinds = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        Path(made.key).write_bytes(key.private_bytes(serialization.Encoding.PEM, *kinds))
        Path(made.key).chmod(0o600)
        return made

    def _signed(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        days: float,
        authority: bool = False,
        begins: float = -1,
        names: tuple[str, ...] = (),
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self._name)])
        mine = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        theirs = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + min(begins, days - 1) * DAY)
            .not_valid_after(now + days * DAY)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(mine, critical=False)
            .add_extension(theirs, critical=False)
        )
        if authority:
            usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        else:
            known = [x509.DNSName(one) for one in ("localhost", *names)]
            alternative = x509.SubjectAlternativeName([*known, x509.IPAddress(ip_address("127.0.0.1"))])
            builder = builder.add_extension(alternative, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def client(self, made: Made | None = None) -> ssl.SSLContext:
        """Return the context of a client that believes this authority; made: what it shows of itself."""
        context = ssl.create_default_context(cafile=self.pem)
        if made is not None:
            context.load_cert_chain(*made)
        return context
