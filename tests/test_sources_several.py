"""One source at several addresses, and what all sources share."""

import socket
from pathlib import Path

import pytest
from inbox_samples import LOOP, collect, messages, running, send, source, until

from skywarden.model.detection import Frame
from skywarden.model.place import Source
from skywarden.model.track import Mode
from skywarden.sensors import Reader
from skywarden.sensors.asterix import Asterix
from skywarden.service.sources import Inbox


def test_one_source_listens_at_several_addresses() -> None:
    with running(source(listen=(LOOP, LOOP, "tcp://127.0.0.1:0"))) as inbox:
        until(lambda: inbox.wires()[0].state == "listening")
        addresses = inbox.wires()[0].address.split(", ")
        assert [a.split("://")[0] for a in addresses] == ["udp", "udp", "tcp"]
        ports = [int(a.rpartition(":")[2]) for a in addresses]
        assert len(set(ports)) == 3
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for number in ports[:2]:
                sock.sendto(b"same", ("127.0.0.1", number))
        assert messages(collect(inbox, 2)) == [b"same", b"same"]
        with socket.create_connection(("127.0.0.1", ports[2])) as client:
            client.sendall(b"line\n")
            assert messages(collect(inbox, 1)) == [b"line\n"]
            assert inbox.wires()[0].peers == 1
        assert inbox.wires()[0].received == 3


def test_of_several_addresses_the_one_in_use_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"udp://127.0.0.1:{taken.getsockname()[1]}"
        with running(source(listen=(LOOP, address))) as inbox:
            assert inbox.wires()[0].state == f"cannot listen: address in use ({address})"


def test_an_address_that_falls_silent_while_another_hears_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skywarden.service.wire.SILENT_AFTER", 0.5)
    with running(source(listen=(LOOP, LOOP, LOOP, "tcp://127.0.0.1:0"))) as inbox:
        first, second, _, last = inbox.wires()[0].address.split(", ")  # the third is a spare and hears nothing

        def hears(state: str, address: str) -> bool:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"x", ("127.0.0.1", int(address.rpartition(":")[2])))
            return inbox.wires()[0].state == state

        until(lambda: hears("listening", second) and inbox.wires()[0].received)
        until(lambda: hears(f"listening: nothing for 10 s at {second}", first))
        until(lambda: hears("listening", second))
        with socket.create_connection(("127.0.0.1", int(last.rpartition(":")[2]))) as client:
            client.sendall(b"line\n")
            until(lambda: hears(f"connected: nothing for 10 s at {second}, {last}", first))
        until(lambda: inbox.wires()[0].state == "listening")  # all are silent: that is the source's own state


def test_a_radar_on_two_networks_is_decoded_once_and_its_copies_are_counted() -> None:
    raw = (Path(__file__).parent / "samples/asterix/coast.raw").read_bytes()
    lengths = Asterix.split(raw)
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    blocks = [raw[s : s + n] for s, n in zip(starts, lengths, strict=True)]
    radar = Source(name="radar", format="asterix", listen=(LOOP, LOOP), max_age_s=86_400, max_lead_s=86_400)
    with running(radar, decoders={"asterix": Asterix}) as inbox:
        ports = [int(a.rpartition(":")[2]) for a in inbox.wires()[0].address.split(", ")]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for block in blocks:
                for number in ports:
                    sock.sendto(block, ("127.0.0.1", number))
        frames = collect(inbox, 2 * len(blocks))

    def read(some: list[Frame]) -> tuple[int, int]:
        reader = Reader([radar], [], Mode.LIVE)
        found = [reader.read(frame) for frame in some]
        return sum(len(b) for d in found for b in d.batches), sum(d.refused.get("duplicate", 0) for d in found)

    once = read([Frame.of("radar", frames[0].received, block) for block in blocks])
    twice = read(frames)
    assert once[0] > 0
    assert twice == (once[0], once[1] + len(blocks))


def test_all_sources_together_have_a_limit_and_who_has_little_waiting_may_go_on() -> None:
    with running(source("flood", listen=LOOP), source("good", listen=LOOP), total=2_000_000) as inbox:

        def flood(times: int) -> int:
            """Send 1 MB a time; return how many of the 20 datagrams of the last time were lost."""
            before = inbox.wires()[0]
            send(inbox, *[b"f" * 50_000] * 20)
            until(lambda: sum(counts(inbox)) == before.received + before.overrun + 20)
            lost = inbox.wires()[0].overrun - before.overrun
            return flood(times - 1) if times > 1 else lost

        assert flood(2) == 0
        assert flood(1) == 20
        assert len(messages(inbox.take(1.0))) == 40
        assert flood(1) == 0  # 2 MB are still being worked on, but it has nothing waiting
        assert flood(1) == 20
        send(inbox, b"good", index=1)
        until(lambda: inbox.wires()[1].received == 1)
        inbox.take(1.0)
        inbox.take(0.0)
        assert flood(2) == 0


def counts(inbox: Inbox) -> tuple[int, int]:
    wire = inbox.wires()[0]
    return wire.received, wire.overrun
