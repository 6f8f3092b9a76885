"""Take a network card away and put it back, in a network of our own: run by test_multicast_card.py under unshare.

Arguments: a multicast group, and the card "v0" or its address, at which the group is joined. Prints the states.
"""

import subprocess
import sys

from inbox_samples import collect, messages, running, source, until
from test_multicast import free_port, send

CARD, CARD6 = "10.2.0.1", "fd00:2::1"


def put() -> None:
    for command in (
        "link add v0 type veth peer name v1",
        "link set v0 up",
        "link set v1 up",
        f"address add {CARD}/24 dev v0",
        f"-6 address add {CARD6}/64 dev v0 nodad",
    ):
        subprocess.run(["ip", *command.split()], check=True)


def main(group: str, interface: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    put()
    host, number = f"[{group}]" if ":" in group else group, free_port()
    listens = (f"udp://{host}:{number}@{interface}", "udp://127.0.0.1:0")
    with running(source(listen=listens), expose=True) as inbox:
        send(group, number, "v0", b"before")
        assert messages(collect(inbox, 1)) == [b"before"]
        for wait in (True, False):  # away for long, and for less than one look
            subprocess.run(["ip", "link", "delete", "v0"], check=True)
            if wait:
                until(lambda: inbox.wires()[0].state != "listening")
                print(inbox.wires()[0].state)
            put()
            heard = inbox.wires()[0].received

            def hears(before: int = heard) -> bool:
                send(group, number, "v0", b"after")
                return inbox.wires()[0].received > before

            until(hears)
            assert inbox.wires()[0].state == "listening"


main(*sys.argv[1:])
