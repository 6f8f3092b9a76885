"""Receiving from sockets without giving the interpreter away.

`socket.recv` lets other threads run during each call. While another thread computes, the receiver then waits a whole
switch interval (5 ms) for each datagram: 200 a second instead of 200,000. On Linux we therefore call recvmmsg and
recv directly, holding the interpreter: they never block here, and one call brings up to BATCH datagrams.
Elsewhere the plain calls are used.
"""

import ctypes
import os
import socket
import sys
from dataclasses import dataclass
from errno import EAGAIN, EINTR

import numpy as np

BATCH = 256  # datagrams per call
LARGEST = 65_536  # bytes; no datagram is larger
MSG_DONTWAIT = 0x40  # Linux
NAME = 28  # bytes of a sockaddr_in6, the longer one
HOST = {socket.AF_INET: (4, 8), socket.AF_INET6: (8, 24)}  # where the host stands in a sockaddr


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """struct mmsghdr: a msghdr and how many bytes came."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("padding", ctypes.c_int),
        ("received", ctypes.c_uint32),
    )


def _library() -> ctypes.PyDLL | None:
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    library = ctypes.PyDLL(None, use_errno=True)
    if not hasattr(library, "recvmmsg"):
        return None
    library.recvmmsg.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p,
    ]  # fmt: skip
    library.recv.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    library.recv.restype = ctypes.c_ssize_t
    return library


@dataclass(frozen=True, slots=True)
class Datagrams:
    """Datagrams of one call.

    data: their bytes without gaps; lengths: of each; read: how many, empty ones included; hosts: who sent each, as the
    bytes of an address.
    """

    data: bytes
    lengths: list[int]
    read: int
    hosts: list[bytes]


class Receiver:
    """Buffers for one thread that reads many non-blocking sockets. fast: use the direct calls where there are any."""

    def __init__(self, fast: bool = True) -> None:
        self._library = _library() if fast else None
        self._buffer = bytearray(BATCH * LARGEST)
        self._view = memoryview(self._buffer)
        if self._library is not None:
            self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._buffer))
            self._prepare()

    def _prepare(self) -> None:
        self._vectors = (_Vector * BATCH)()
        self._messages = (_Message * BATCH)()
        self._names = bytearray(BATCH * NAME)
        names = ctypes.addressof(ctypes.c_char.from_buffer(self._names))
        self._table = ctypes.addressof(self._messages)
        for i, (vector, message) in enumerate(zip(self._vectors, self._messages, strict=True)):
            vector.base, vector.length = self._address + i * LARGEST, LARGEST
            message.name = names + i * NAME
            message.vectors = ctypes.addressof(self._vectors) + i * ctypes.sizeof(_Vector)
            message.vector_count = 1
        words = np.frombuffer(memoryview(self._messages).cast("B"), np.uint32).reshape(BATCH, -1)
        self._received = words[:, _Message.received.offset // 4]
        self._name_lengths = words[:, _Message.name_length.offset // 4]

    def datagrams(self, sock: socket.socket) -> Datagrams:
        """Return the next datagrams that wait at a socket, BATCH at most. Raises OSError when the socket is broken."""
        if self._library is None:
            return self._datagrams_one_by_one(sock)
        self._name_lengths[:] = NAME  # the kernel writes there how long each was
        count = self._library.recvmmsg(sock.fileno(), self._table, BATCH, MSG_DONTWAIT, None)
        if count < 0:
            _raise_unless_empty(ctypes.get_errno())
            return Datagrams(b"", [], 0, [])
        lengths = self._received[:count].tolist()
        view = self._view
        data = b"".join([view[start : start + n] for start, n in zip(range(0, count * LARGEST, LARGEST), lengths)])  # noqa: B905
        names, (first, last) = bytes(self._names[: count * NAME]), HOST[sock.family]
        hosts = [names[at + first : at + last] for at, n in zip(range(0, count * NAME, NAME), lengths) if n]  # noqa: B905
        return Datagrams(data, [n for n in lengths if n], count, hosts)

    def _datagrams_one_by_one(self, sock: socket.socket) -> Datagrams:
        end, lengths, read, hosts = 0, [], 0, []
        while read < BATCH:
            try:
                n, name = sock.recvfrom_into(self._view[end : end + LARGEST])
            except (BlockingIOError, InterruptedError):
                break
            read += 1
            if n:
                lengths.append(n)
                hosts.append(socket.inet_pton(sock.family, name[0].partition("%")[0]))
                end += n
        return Datagrams(bytes(self._view[:end]), lengths, read, hosts)

    def stream(self, sock: socket.socket, most: int) -> bytes | None:
        """Return up to `most` bytes of a stream; b"" when there are none now, None at its end. Raises OSError."""
        most = min(most, len(self._buffer))
        if self._library is None:
            try:
                n = sock.recv_into(self._view[:most])
            except (BlockingIOError, InterruptedError):
                return b""
        else:
            n = self._library.recv(sock.fileno(), self._address, most, MSG_DONTWAIT)
            if n < 0:
                _raise_unless_empty(ctypes.get_errno())
                return b""
        return bytes(self._view[:n]) if n else None


def _raise_unless_empty(number: int) -> None:
    if number not in (EAGAIN, EINTR):
        raise OSError(number, os.strerror(number))
