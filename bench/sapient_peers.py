"""SAPIENT against nodes written on two other binding packages, each in an environment of its own.

Each peer registers, says where it is, sends 1,000 detections (places and bearings in turn), has a task and an alert
refused, says goodbye, and connects again 100 times. sapient-pydantic's models check every message that we send.
--sample writes what both peers say into tests/samples/sapient, for `./check`.
"""

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from harness import ROOT, Server, free_port, report, running, toml

PEERS = {  # package -> its version, the id of its node
    "sapient-py": ("0.1.0", "4d1c2b3a-0f9e-4d8c-b7a6-958473625140"),
    "sapient-pydantic": ("0.1.0", "7a6b5c4d-3e2f-4a1b-8c9d-0e1f2a3b4c5d"),
}
SAMPLES = ROOT / "tests" / "samples" / "sapient"
SAMPLE_DETECTIONS = 6
ANSWERS = 4  # to one conversation without reconnects: error, registration, task, alert


def peer(package: str, *arguments: str) -> bytes:
    """Run bench/sapient_peer.py where a package is; make that place first if need be."""
    version, _ = PEERS[package]
    place = ROOT / ".peers" / f"{package}-{version}"
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", f"{package}=={version}"], check=True)
    script = Path(__file__).with_name("sapient_peer.py")
    return subprocess.run([python, script, *arguments], check=True, capture_output=True).stdout


def converse(server: Server, port: int, package: str, detections: int, reconnects: int) -> dict[str, Any]:
    """Let one peer talk; return what it saw and what we counted."""
    import json

    before = server.sources()["nodes"]
    seen = json.loads(peer(package, str(port), PEERS[package][1], str(detections), str(reconnects)))
    said = before["received"] + detections + reconnects + 6
    server.wait_recorded({"nodes": said}, 10.0)
    after = server.sources()["nodes"]
    refused = {k: n - before["refused"].get(k, 0) for k, n in after["refused"].items()}
    return seen | {
        "received": after["received"] - before["received"],
        "used": after["decoded"] - before["decoded"],
        "refused": {k: n for k, n in refused.items() if n},
    }


def main() -> int:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detections", type=int, default=1000)
    parser.add_argument("--reconnects", type=int, default=100)
    parser.add_argument("--sample", action="store_true")
    asked = parser.parse_args()
    if asked.sample:
        for package, (_, node_id) in PEERS.items():
            (SAMPLES / f"{package}.bin").write_bytes(peer(package, "--write", node_id, str(SAMPLE_DETECTIONS)))
        return 0
    port = free_port()
    text = "\n".join(
        [
            toml("[run]", {"mode": "exercise"}),
            toml("[[sources]]", {"name": "nodes", "format": "sapient", "listen": f"tcp://127.0.0.1:{port}"}),
        ]
    )
    with tempfile.TemporaryDirectory() as directory, running(Path(directory), text) as server:
        found = {name: converse(server, port, name, asked.detections, asked.reconnects) for name in PEERS}
    rows = []
    for name, seen in found.items():
        wanted = asked.detections + asked.reconnects + 5
        good = (
            seen["registered"]
            and seen["task"][0] == seen["alert"][0] == 2
            and seen["answers"] == ANSWERS + asked.reconnects
            and seen["used"] == wanted
            and seen["refused"] == {"not registered": 1}
        )
        rows.append((name, f"{seen['used']} of {wanted} used, {seen['answers']} valid answers", good))
    report(found, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
