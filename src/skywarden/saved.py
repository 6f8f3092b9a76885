"""The state between two ticks as bytes, and its hash."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import Frame
from skywarden.model.registered import Registered
from skywarden.model.track import Beliefs, Picture
from skywarden.track.chain import DIGITS


class Saved(msgspec.Struct, frozen=True):
    """The whole state of a `Line` between two ticks. decoders: source -> what its decoder holds."""

    picture: Picture | None
    decoders: dict[str, bytes]
    settings: str
    pending: list[tuple[int, Frame]]


def _array_out(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [value.dtype.str, list(value.shape), _narrow(value)]
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(type(value))


def _narrow(value: NDArray[np.generic]) -> bytes:
    """Return an array's bytes; of records without those at the end that are 0 in all: what nobody has heard."""
    if value.dtype.kind != "V" or not len(value):
        return value.tobytes()
    table = np.ascontiguousarray(value).view(np.uint8).reshape(len(value), -1)
    used = np.flatnonzero(table.any(0))
    return table[:, : used[-1] + 1 if len(used) else 0].tobytes()


def _array_in(_: type, value: Any) -> Any:
    dtype, shape, data = value
    kind = np.dtype(dtype)
    if kind.kind == "V" and len(data) < shape[0] * kind.itemsize:
        some = np.frombuffer(data, np.uint8).reshape(shape[0], -1)
        data = np.pad(some, ((0, 0), (0, kind.itemsize - some.shape[1]))).tobytes()
    return np.frombuffer(data, kind).reshape(shape)


encoded = msgspec.msgpack.Encoder(enc_hook=_array_out, order="deterministic").encode
decoded = msgspec.msgpack.Decoder(Saved, dec_hook=_array_in).decode


def digest(picture: Picture) -> str:
    """Return the hash over a picture, the same wherever the same picture is reached.

    What waits is not in it, but all that it came to; of the settled chain and registration, their own hashes. SHA-256,
    for which processors have instructions: of a thousand tracks, hashed each tick, it takes 0.9 ms, BLAKE2b 2.2.
    """
    settled = replace(picture.chains.settled, beliefs=Beliefs(), sensors=())
    registered = Registered(digest=picture.chains.registered.digest)
    chains = replace(picture.chains, settled=settled, waiting=(), rebuilt=None, registered=registered)
    return sha256(encoded(replace(picture, chains=chains))).hexdigest()[:DIGITS]
