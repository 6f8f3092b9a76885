"""Delivery through a program that the operator names: mail, text messages, a siren's modem.

It gets the text on standard input, and nothing else of ours: fixed arguments, no shell, no environment but PATH and
LANG, no open file, "/" as its directory, a session of its own. Time and output are limited; at the end its whole
process group is ended, whatever it has started in it.
"""

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress

from skywarden.model.recipient import Recipient
from skywarden.service.parcel import LONGEST, Parcel, Undelivered, shortened

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
PIECE = 65_536  # bytes


def send(recipient: Recipient, parcel: Parcel) -> str:
    """Run it. Raises Undelivered when it does not end well and in time."""
    try:
        process = subprocess.Popen(
            recipient.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            cwd="/",
            close_fds=True,
            start_new_session=True,
            umask=0o077,
        )
    except OSError as error:
        raise Undelivered(f"{recipient.command[0]}: {error.strerror}", perhaps=False) from error
    with process:
        try:
            said = _talk(process, parcel.body, time.monotonic() + recipient.timeout_s)
            ended = process.poll() is not None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    words = shortened(said.decode("utf-8", "replace"))
    if not ended:
        raise Undelivered(f"took longer than {recipient.timeout_s:g} s and was ended. {words}", perhaps=True)
    if process.returncode:
        raise Undelivered(f"ended with {process.returncode}. {words}", perhaps=True)
    return words or "ended well"


def _talk(process: subprocess.Popen[bytes], data: bytes, until: float) -> bytes:
    """Give it the text, take what it says, until it has ended or its time has; return the beginning of that."""
    assert process.stdin is not None
    assert process.stdout is not None
    said, left = b"", memoryview(data)
    with selectors.DefaultSelector() as ready:
        for pipe, event in ((process.stdin, selectors.EVENT_WRITE), (process.stdout, selectors.EVENT_READ)):
            os.set_blocking(pipe.fileno(), False)
            ready.register(pipe, event)
        while process.poll() is None and time.monotonic() < until:
            for key, _ in ready.select(0.02):
                if key.fileobj is process.stdin:
                    try:
                        left = left[os.write(key.fd, left[:PIECE]) :]
                    except BrokenPipeError:  # it needs no more
                        left = left[:0]
                    if not left:
                        ready.unregister(process.stdin)
                        process.stdin.close()
                else:
                    piece = os.read(key.fd, PIECE)
                    said = (said + piece)[: 4 * LONGEST]
                    if not piece:
                        ready.unregister(process.stdout)
            if not ready.get_map():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(until - time.monotonic(), 0.0))
        if process.stdout in [key.fileobj for key in ready.get_map().values()]:
            with suppress(BlockingIOError):
                said = (said + os.read(process.stdout.fileno(), PIECE))[: 4 * LONGEST]
    with suppress(OSError):
        process.stdin.close()
    return said
