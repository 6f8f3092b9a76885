"""Looking up the address of a host in a thread of its own."""

import socket
import threading


class Lookup(threading.Thread):
    """Asks for a name's address; that can take seconds, and nobody may wait for it."""

    def __init__(self, host: str) -> None:
        super().__init__(name=f"look up {host}", daemon=True)
        self._host = host
        self.found = ""
        self.start()

    def run(self) -> None:
        try:
            self.found = str(socket.getaddrinfo(self._host, None, type=socket.SOCK_STREAM)[0][4][0])
        except OSError:
            self.found = ""
