"""TLS: contexts from the files that the configuration names, what is wrong with them, and until when they hold.

TLS 1.2 or newer. A listener with `tls_ca` lets only peers in that show a certificate signed by it.
"""

import os
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.x509 import (
    Certificate,
    DNSName,
    ExtensionNotFound,
    SubjectAlternativeName,
    load_pem_x509_certificates,
)

from skywarden.config import Settings
from skywarden.errors import ConfigError
from skywarden.model.place import Source

HOW = 'docs/running.md, "TLS"'
HANDSHAKE_WITHIN = 10.0  # s
SHUTDOWN_WITHIN = 1.0  # s for the other end to say goodbye as well
OTHERS = 0o007  # of a file's mode: what every user of this computer may do with it
SOON = 14.0  # days before the end of a certificate, when it is shown
DAY = 86_400 * 1_000_000_000  # ns


class Files(NamedTuple):
    """What the settings tls_certificate, tls_key and tls_ca name. key None: it is in the certificate's file."""

    certificate: str | None = None
    key: str | None = None
    ca: str | None = None

    def stamp(self) -> tuple[tuple[int, int, int], ...]:
        """Return what changes when one of them is written anew. Raises OSError."""
        found = [os.stat(path) for path in self if path is not None]
        return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)


class Validity(NamedTuple):
    """When the certificate of one's own, or of the authority, holds that ends first. begins, expires: UTC ns."""

    file: str
    begins: int
    expires: int


class Row(NamedTuple):
    """One end's TLS, as /api/health shows it. source: None for [api]; left_d: days until it expires, < 0: it has.

    failed: handshakes; fault: why the last one did; problem: why renewed files are not used.
    """

    source: str | None
    file: str | None
    expires: int | None
    left_d: float | None
    failed: int
    fault: str | None
    problem: str | None

    @property
    def expired(self) -> bool:
        return self.left_d is not None and self.left_d < 0

    @property
    def ending(self) -> bool:
        """Say whether it ends soon, or has."""
        return self.left_d is not None and self.left_d < SOON


class Tls:
    """The TLS of a listener or a client. `context` is replaced when `renew` finds other files that are right."""

    def __init__(self, files: Files, where: str, source: str | None = None, *, server: bool = True) -> None:
        """Read the files. where: the table they stand in ("sources[0]", "api"). Raises ConfigError."""
        self.files, self.where, self.source, self.server = files, where, source, server
        self.context, self.validity, self.names = _read(files, where, server)
        self.failed, self.fault, self.problem = 0, "", ""
        self.begun = self.ended = 0  # connections; each is counted by one thread
        self._stamp = files.stamp()
        self._lock = threading.Lock()

    def renew(self) -> bool:
        """Use the files as they are now for connections to come; say whether they are right. They stay as they were
        while they are not: a certificate and its key are not replaced at the same moment.
        """
        with self._lock:
            try:
                stamp = self.files.stamp()
                if stamp != self._stamp:
                    self.context, self.validity, self.names = _read(self.files, self.where, self.server)
                    self._stamp = stamp
                self.problem = ""
            except (ConfigError, OSError) as error:
                self.problem = str(error)
        return not self.problem

    def failing(self, fault: str) -> None:
        """Count a handshake that failed. One thread calls it."""
        self.failed += 1
        self.fault = fault

    def row(self, now: int) -> Row:
        """Return what is to be shown of it. now: UTC ns."""
        found = self.validity
        left = None if found is None else round((found.expires - now) / DAY, 2)
        file, expires = (None, None) if found is None else (found.file, found.expires)
        return Row(self.source, file, expires, left, self.failed, self.fault or None, self.problem or None)


def of_source(source: Source, where: str) -> Tls | None:
    """Return a source's TLS, None when none of its addresses begins with tls://. Raises ConfigError."""
    if not any(one.startswith("tls://") for one in (*source.listens, source.connect or "")):
        return None
    files = Files(source.tls_certificate, source.tls_key, source.tls_ca)
    return Tls(files, where, source.name, server=source.connect is None)


def all_of(settings: Settings) -> Iterator[Tls | ConfigError]:
    """Yield the TLS of each source and of the interface, or what is wrong with it."""
    for index, source in enumerate(settings.sources):
        try:
            if found := of_source(source, f"sources[{index}]"):
                yield found
        except ConfigError as error:
            yield error
    try:
        if found := of_api(settings):
            yield found
    except ConfigError as error:
        yield error


def of_api(settings: Settings) -> Tls | None:
    """Return the interface's TLS, None when it has none. Raises ConfigError."""
    api = settings.api
    return Tls(Files(api.tls_certificate, api.tls_key, api.tls_ca), "api") if api.tls_certificate else None


def outside(error: BaseException) -> str:
    """Say in a few words why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message or error.reason}"
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "").upper()
        return next((words for part, words in REASONS if part in reason), reason.replace("_", " ").lower() or "no TLS")
    if isinstance(error, TimeoutError) or "taking longer" in str(error):
        return LATE
    return LEFT


LATE = f"no handshake within {HANDSHAKE_WITHIN:.0f} s"
LEFT = "left during the handshake"
NOT_TLS = "what came is not TLS"
NO_CERTIFICATE = "the other end shows no certificate"
WANTED = "the other end wants a certificate"
REFUSED = "the other end does not accept our certificate"
OLD = "no common version of TLS: 1.2 or newer is needed"
FAULTS = (LATE, LEFT, NOT_TLS, NO_CERTIFICATE, WANTED, REFUSED, OLD, "certificate not accepted")
REASONS = (  # parts of OpenSSL's names, the first that is found
    ("PEER_DID_NOT_RETURN", NO_CERTIFICATE),
    ("CERTIFICATE_REQUIRED", WANTED),
    ("ALERT_HANDSHAKE_FAILURE", REFUSED),
    ("ALERT_UNKNOWN_CA", REFUSED),
    ("ALERT_BAD_CERTIFICATE", REFUSED),
    ("ALERT_CERTIFICATE", REFUSED),
    ("CERTIFICATE_EXPIRED", REFUSED),
    ("CERTIFICATE_UNKNOWN", REFUSED),
    ("UNSUPPORTED_PROTOCOL", OLD),
    ("PROTOCOL_VERSION", OLD),
    ("NO_PROTOCOLS", OLD),
    ("HTTP_REQUEST", NOT_TLS),
    ("WRONG_VERSION_NUMBER", NOT_TLS),
    ("RECORD_LAYER_FAILURE", NOT_TLS),
    ("UNEXPECTED_MESSAGE", NOT_TLS),
    ("BAD_RECORD_TYPE", NOT_TLS),
    ("PACKET_LENGTH_TOO_LONG", NOT_TLS),
    ("UNEXPECTED_EOF", LEFT),
)


def _read(files: Files, where: str, server: bool) -> tuple[ssl.SSLContext, Validity | None, tuple[str, ...]]:
    """Return the context, what ends first, and the names in our certificate. Raises ConfigError."""
    authorities = _certificates(files.ca, f"{where}.tls_ca") if files.ca else []
    own = _certificates(files.certificate, f"{where}.tls_certificate")[:1] if files.certificate else []
    if server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        if files.ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(files.ca)
    else:
        context = ssl.create_default_context(cafile=files.ca)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # new in 3.13; sensors' own authorities often leave things out
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.certificate:
        _load_key(context, files, where)
    latest = sorted(authorities, key=lambda one: one.not_valid_after_utc)[-1:]  # an old one may stand beside its heir
    ends = [(files.certificate, one) for one in own] + [(files.ca, one) for one in latest]
    kept = [Validity(str(file), _ns(one.not_valid_before_utc), _ns(one.not_valid_after_utc)) for file, one in ends]
    return context, min(kept, key=lambda one: one.expires, default=None), _names(own)


def _certificates(path: str, where: str) -> list[Certificate]:
    try:
        return load_pem_x509_certificates(Path(path).read_bytes())
    except FileNotFoundError:
        raise ConfigError(f"{where}: {path} does not exist; make it as in {HOW}", where) from None
    except OSError as error:
        raise ConfigError(f"{where}: {path} cannot be read: {_why(error)}", where) from None
    except ValueError:
        raise ConfigError(f"{where}: {path} holds no certificate in PEM form; make it as in {HOW}", where) from None


def _load_key(context: ssl.SSLContext, files: Files, where: str) -> None:
    """Take our certificate and its key. Raises ConfigError."""
    assert files.certificate is not None
    path, setting = files.key or files.certificate, f"{where}.{'tls_key' if files.key else 'tls_certificate'}"
    try:
        text = Path(path).read_bytes()
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise ConfigError(f"{setting}: {path} does not exist; make it as in {HOW}", setting) from None
    except OSError as error:
        raise ConfigError(f"{setting}: {path} cannot be read: {_why(error)}", setting) from None
    if b"PRIVATE KEY" not in text:
        raise ConfigError(f"{setting}: {path} holds no private key in PEM form; name its file with tls_key", setting)
    if b"ENCRYPTED" in text:
        plain = f"openssl pkey -in {path} -out plain.key"
        raise ConfigError(f"{setting}: the key in {path} has a password, which nobody types here; {plain}", setting)
    if mode & OTHERS:
        raise ConfigError(f"{setting}: all users of this computer can read the key; chmod 600 {path}", setting)
    try:
        context.load_cert_chain(files.certificate, files.key)
    except ssl.SSLError as error:
        if "MISMATCH" in (error.reason or ""):
            text_of = f"the key in {path} does not belong to the certificate in {files.certificate}; name the right one"
            raise ConfigError(f"{setting}: {text_of}", setting) from None
        reason = (error.reason or "damaged").replace("_", " ").lower()
        raise ConfigError(f"{setting}: {files.certificate} and {path} cannot be used: {reason}", setting) from None


def _names(own: list[Certificate]) -> tuple[str, ...]:
    found: list[str] = []
    for one in own:
        try:
            names = one.extensions.get_extension_for_class(SubjectAlternativeName).value
        except (ExtensionNotFound, ValueError):
            continue
        found += [name.lower() for name in names.get_values_for_type(DNSName) if "*" not in name]
    return tuple(found)


def _ns(time: datetime) -> int:
    return round(time.astimezone(UTC).timestamp()) * 1_000_000_000


def _why(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
