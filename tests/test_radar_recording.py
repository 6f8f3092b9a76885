"""A real radar recording, sent twice as two networks did, over UDP to a whole installation."""

import json
import socket
import time
import urllib.request
from pathlib import Path

import pytest

from skywarden import pipeline
from skywarden.model.event import Arrived, decode
from skywarden.pcap import packets
from skywarden.pipeline import Line
from skywarden.record.reading import SqliteRecord
from skywarden.replay import is_input
from skywarden.service.app import App

PCAP = Path(__file__).parents[1].parent / "shared" / "data" / "asterix" / "cat_034_048.pcap"
SETTINGS = """
[run]
mode = "replay"
clock = "data"
[[sources]]
name = "radars"
format = "asterix"
listen = "udp://127.0.0.1:0"
[record]
path = "{record}"
[api]
listen = "127.0.0.1:0"
"""


@pytest.mark.skipif(not PCAP.exists(), reason="../shared/data is not here")
def test_each_plot_of_two_networks_is_used_once_and_unknown_radars_are_kept(tmp_path, monkeypatch):
    payloads = [payload for _, payload in packets(PCAP.read_bytes())]
    app = App(SETTINGS.format(record=tmp_path / "record"))
    app.start()
    try:
        deadline = time.monotonic() + 60
        while not (address := app.wires[0].address) or address.endswith(":0"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        host, port = address.removeprefix("udp://").split(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for payload in payloads:
                sender.sendto(payload, (host, int(port)))
                time.sleep(0.002)
        row = {"recorded": 0}
        while row["recorded"] < 100:
            assert time.monotonic() < deadline, row
            time.sleep(0.05)
            with urllib.request.urlopen(f"{app.address}api/health", timeout=5) as answer:
                row = json.load(answer)["sources"][0]
    finally:
        app.stop()
    entries = list(SqliteRecord(tmp_path / "record").entries())
    frames = [e.frame for e in map(decode, (e.payload for e in entries if is_input(e))) if isinstance(e, Arrived)]
    kept = [message for frame in frames for message in frame.messages()]
    assert kept == payloads  # raw, in order, the other radars' too
    line, used = Line(), 0
    track = pipeline.track

    def counted(picture, batches, *rest):
        nonlocal used
        used += sum(len(batch) for batch in batches)
        return track(picture, batches, *rest)

    monkeypatch.setattr(pipeline, "track", counted)
    for entry in entries:
        if is_input(entry):
            line.feed(entry.seq, decode(entry.payload))
    refused = line.picture.health[0].refused
    assert refused["duplicate"] == 50  # each of 50 payloads came twice
    assert line.picture.sensors == ("radars/25-12",)  # the only one that says where it stands
    assert refused["site unknown"] == 41  # messages of the six others
    assert line.picture.health[0].decoded == 9
    assert used == len(line.picture.tracks) > 0  # no target has two plots in 0.44 s
