"""Signed roots of a record's tree, and the key that signs them.

The key is made at the first start and kept outside of the record. Who holds only the record cannot sign another root;
who has a copy of a checkpoint from elsewhere (a page, another centre) can tell whether the record still is that one.
"""

import os
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from skywarden.errors import RecordError

SEED = 32  # bytes of a private key, and of a public one


class Checkpoint(NamedTuple):
    """The tree's root when it had `size` leaves, signed. time: ns, of the last entry; first: seq of the first leaf."""

    size: int
    first: int
    time: int
    root: bytes
    key: bytes
    signature: bytes

    @property
    def seq(self) -> int:
        """Return the last entry that it covers."""
        return self.first + self.size - 1

    def signed_by_its_key(self) -> bool:
        """Say whether the signature fits what it signs."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(
                self.signature, text(self.size, self.first, self.time, self.root)
            )
        except (InvalidSignature, ValueError):
            return False
        return True


def text(size: int, first: int, time: int, root: bytes) -> bytes:
    """Return what is signed."""
    return f"skywarden checkpoint\n{size}\n{first}\n{time}\n{b64encode(root).decode()}\n".encode()


class Key:
    """A private key. public: 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, size: int, first: int, time: int, root: bytes) -> Checkpoint:
        """Return the checkpoint of a tree."""
        return Checkpoint(size, first, time, root, self.public, self.sign_text(text(size, first, time, root)))

    def sign_text(self, data: bytes) -> bytes:
        """Return the signature of any text; texts of different meaning begin with different words."""
        return self._key.sign(data)


def beside(record: Path) -> Path:
    """Return where the key of a record is when nobody says otherwise: next to its directory, never in it."""
    return record.parent / f"{record.name}.key"


def public_at(path: Path) -> Path:
    """Return where the public keys of a key file are listed, one in a line: who verifies needs no private one."""
    return path.with_name(path.name + ".pub")


def known(path: Path) -> set[bytes]:
    """Return the public keys that were ever used with a key file, as far as they are here."""
    keys = set()
    with suppress(OSError):
        for line in public_at(path).read_bytes().split():
            with suppress(ValueError):  # a power cut may leave half a line; it must not hide the others
                keys.add(bytes.fromhex(line.decode()))
    return {key for key in keys if len(key) == SEED}


def key_at(path: Path) -> Key:
    """Return the key in a file; make it, for its owner alone, when it is not there. Raises RecordError.

    It has its name only when it is whole and on the disk, so that a power cut leaves none or all of it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        key = Key(path.read_bytes())
        if key.public not in known(path):
            with public_at(path).open("a+b") as file:
                file.seek(0)
                torn = not (file.read() or b"\n").endswith(b"\n")
                file.write(b"\n" * torn + key.public.hex().encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        words = f"the key of the record cannot be had: {error.strerror}; name another file with [record] key"
        raise RecordError(f"{path}: {words}") from error
    except ValueError:
        raise RecordError(f"{path} is not a key of {SEED} bytes: name another file with [record] key") from None
    return key


def _make(path: Path) -> None:
    half = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(os.urandom(SEED))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was quicker: that one's it is
            os.link(half, path)
    finally:
        half.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
