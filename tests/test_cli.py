"""The command line as people use it: what it prints where, and its exit codes."""

import gzip
import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

import pytest

from skywarden.cli import main
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, Event, Started, Tick, encode
from skywarden.model.track import Mode
from skywarden.pipeline import Line
from skywarden.record.sqlite import SqliteLog
from skywarden.sensors.modes import ModeS

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "tests/samples/modes/flight.jsonl"
PLOT = bytes.fromhex("30000dd001025460000c804000")  # CAT 048: radar 1/2 at noon, 12.5 NM, 90 degrees
SECOND = 1_000_000_000
SETTINGS = '[run]\nmode = "replay"\nclock = "data"\n[[sources]]\nname = "a"\nformat = "modes"\nfile = "a.jsonl"\n'


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: bytes
    err: str


class Cli:
    """Runs commands in this process, as `skywarden` does; a process for each would take minutes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        self._monkeypatch, self._captured = monkeypatch, capsysbinary

    def __call__(self, *arguments: object, stdin: bytes = b"") -> Done:
        self._monkeypatch.setattr(sys, "argv", ["skywarden", *map(str, arguments)])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin))))
        code = 0
        try:
            main()
        except SystemExit as e:
            code = int(e.code or 0)
        out, err = self._captured.readouterr()
        return Done(code, out, " ".join(err.decode().replace("│", " ").split()))

    def good(self, *arguments: object, stdin: bytes = b"") -> str:
        """Run what must succeed; return its stdout."""
        done = self(*arguments, stdin=stdin)
        assert done.code == 0, done.err
        return done.out.decode()

    def bad(self, code: int, *arguments: object) -> str:
        """Run what must fail; return its stderr on one line."""
        done = self(*arguments)
        assert done.code == code, done
        return done.err

    def rows(self, *arguments: object, stdin: bytes = b"") -> list[dict[str, object]]:
        """Run `decode`; return its lines."""
        return [json.loads(line) for line in self.good("decode", *arguments, stdin=stdin).splitlines()]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Cli:
    monkeypatch.chdir(tmp_path)
    return Cli(monkeypatch, capsysbinary)


def test_alone_it_prints_help_with_examples(cli: Cli) -> None:
    said = cli.good()
    assert "skywarden demo" in said
    assert "Examples" in said
    assert cli.good("--help") == said


def test_help_starts_without_the_heavy_parts() -> None:
    code = "import sys, skywarden.cli.app; print(*sorted({'numpy', 'numba', 'starlette', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b""


def test_decoding_starts_without_tracker_and_web_server() -> None:
    code = (
        "import sys; from skywarden.cli.app import app; app(sys.argv[1:], standalone_mode=False);"
        "print(*sorted({'skywarden.track', 'starlette', 'uvicorn'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, "decode", "modes", SAMPLE], capture_output=True, check=True)
    assert done.stderr.decode().splitlines()[-1] == ""


@pytest.mark.parametrize("words", [["decode", "modes", SAMPLE], ["config", "check", "site.toml"]])
def test_what_needs_no_kernel_starts_without_numba(cli: Cli, words: list[str]) -> None:
    cli.good("config", "init", "site.toml")
    code = (
        "import sys; from skywarden.cli.app import app; app(sys.argv[1:], standalone_mode=False);"
        "print('numba' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=True)
    assert done.stderr.decode().splitlines()[-1] == "False"


def test_the_version_is_the_packages(cli: Cli) -> None:
    from skywarden import __version__

    assert cli.good("version") == cli.good("--version") == f"skywarden {__version__}\n"


def test_an_unknown_command_or_option_is_an_error_of_use(cli: Cli) -> None:
    assert "No such command" in cli.bad(2, "nonsense")
    assert "No such option" in cli.bad(2, "decode", "--nonsense")


def test_config_init_writes_what_config_check_accepts(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(cli.good("config", "init"))
    assert cli.good("config", "check", path).endswith("a.toml is right\n")


def test_config_init_does_not_write_over_a_file(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("mine")
    assert "--force" in cli.bad(2, "config", "init", path)
    assert path.read_text() == "mine"
    cli.good("config", "init", "--force", path)
    assert "[run]" in path.read_text()


def test_config_check_names_every_mistake(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[run]\ntick_ms = 5\nmood = 1\n")
    assert cli.bad(2, "config", "check", path).count("line ") == 2
    assert "does not exist" in cli.bad(2, "config", "check", tmp_path / "b.toml")


def test_config_check_reads_a_byte_order_mark_and_refuses_endless_nesting(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[run]\ntick_ms = 100\n", encoding="utf-8-sig")
    assert cli.good("config", "check", path).endswith("a.toml is right\n")
    for opening, closing in ("[]", ("{a=", "}")):
        path.write_text("x = " + opening * 5000 + "1" + closing * 5000)
        assert "nested" in cli.bad(2, "config", "check", path)
    path.write_text("[" + "a." * 5000 + "a]\n")
    assert "nested" in cli.bad(2, "config", "check", path)
    path.write_text("[run]\nmode = " + "[" * 300 + "]" * 300)
    assert "nested" in cli.bad(2, "config", "check", path)


@pytest.mark.parametrize("written", ["msl", "AMSL", "sea level", "mean sea level", "MSL"])
def test_config_check_knows_other_words_for_the_geoid(cli: Cli, tmp_path: Path, written: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(f'[[sensors]]\nname = "a"\nsource = "b"\nheight_reference = "{written}"\n')
    assert 'did you mean "geoid"?' in cli.bad(2, "config", "check", path)


def test_run_refuses_addresses_that_others_can_reach(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[api]\nlisten = "0.0.0.0:0"\nplain = true\n')
    assert "--expose" in cli.bad(2, "run", "--config", path)
    assert not (tmp_path / "record").exists()


def test_run_reads_a_recording_to_its_end_and_replays_equal(cli: Cli, tmp_path: Path) -> None:
    settings = SETTINGS.replace("a.jsonl", str(SAMPLE)) + '[api]\nlisten = "127.0.0.1:0"\n'
    (tmp_path / "a.toml").write_text(settings)
    summary = json.loads(cli.good("run", "--config", "a.toml", "--for", 60, "--no-view"))
    assert summary["frames"] == len(SAMPLE.read_text().splitlines())
    info = json.loads(cli.good("record", "info", "record", "--json"))
    assert info["sources"]["a"]["messages"] == summary["frames"]
    assert cli.good("replay", "record", "--verify").startswith("equal: ")


@pytest.mark.parametrize("jsonl", ["", '[outputs]\njsonl = "-"\n'])
def test_run_without_a_view_says_on_stderr_where_page_and_record_are(cli: Cli, tmp_path: Path, jsonl: str) -> None:
    settings = SETTINGS.replace("a.jsonl", str(SAMPLE)) + '[api]\nlisten = "127.0.0.1:0"\n' + jsonl
    (tmp_path / "a.toml").write_text(settings)
    done = cli("run", "--config", "a.toml", *([] if jsonl else ["--no-view"]))
    assert done.code == 0, done.err
    assert f"page on a free port of 127.0.0.1, record in {tmp_path / 'record'}; Ctrl-C ends it" in done.err
    assert all(line.startswith(b"{") for line in done.out.splitlines())


def test_a_sapient_message_is_judged_whatever_it_comes_in(cli: Cli, tmp_path: Path) -> None:
    text = b"""{"timestamp": "2026-11-24T21:00:00Z", "nodeId": "1b7d9e40-52aa-4f0c-8d3e-90c4b6a7d218",
        "taskAck": {"taskId": "01GGYFBAXGDG7AGAHRZ6XSNY12", "taskStatus": "TASK_STATUS_ACCEPTED"}}"""
    for stdin in (text, b"\r\n " + text):
        assert cli.rows("sapient", "-", stdin=stdin) == [{"file": "-", "accepted": True, "faults": []}]
    for name, data in (("a.txt", text), ("a.JSON", text), ("a.json.gz", gzip.compress(text))):
        (tmp_path / name).write_bytes(data)
        assert cli.rows("sapient", tmp_path / name)[0]["accepted"] is True
    (tmp_path / "half.json.gz").write_bytes(gzip.compress(text)[:-20])
    assert "is damaged" in cli.bad(1, "decode", "sapient", tmp_path / "half.json.gz")
    refused = json.loads(cli("decode", "sapient", "-", stdin=b'{"nodeId": "x"}').out)
    assert not refused["accepted"]
    stream = cli("decode", "sapient", "-", stdin=b"{\0\0\0" + bytes(123))  # 123 bytes long, and no text
    assert "faults" in json.loads(stream.out)
    assert "accepted" not in json.loads(stream.out)


def test_decode_reads_plain_packed_and_piped_files_alike(cli: Cli, tmp_path: Path) -> None:
    packed = tmp_path / SAMPLE.name
    packed.write_bytes(gzip.compress(SAMPLE.read_bytes()))
    rows = cli.rows("modes", SAMPLE, "--near", "49,2.5")
    assert len(rows) == len(SAMPLE.read_text().splitlines())
    assert cli.rows("modes", packed, "--near", "49,2.5") == rows
    piped = cli.rows("modes", "-", "--near", "49,2.5", stdin=SAMPLE.read_bytes())
    assert piped == [{**row, "source": "-"} for row in rows]


def pcap(*packets: tuple[float, bytes]) -> bytes:
    """A capture of UDP packets over Ethernet."""
    found = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for time, payload in packets:
        udp = struct.pack(">HHHH", 8600, 8600, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), bytes(4)) + udp
        packet = bytes(12) + b"\x08\x00" + ip
        found += struct.pack("<IIII", int(time), int(time % 1 * 1e6), len(packet), len(packet)) + packet
    return found


def test_decode_takes_the_date_from_a_capture(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap((1_790_000_000, PLOT)))
    (row,) = cli.rows("asterix", path)
    assert (row["sac"], row["sic"], row["I048/040"]) == (1, 2, {"RHO_NM": 12.5, "THETA_deg": 90.0})
    day = 86_400 * SECOND
    assert row["time"] == 1_790_000_000 * SECOND // day * day + day // 2


@pytest.mark.parametrize("time", ["2026-11-02T13:00:00Z", "2026-11-02T14:00:00+01:00", "1793624400000000000"])
def test_decode_takes_the_date_that_it_is_told(cli: Cli, tmp_path: Path, time: str) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(PLOT)
    assert cli.rows("asterix", path, "--time", time)[0]["time"] == 1_793_620_800 * SECOND
    done = cli("decode", "asterix", path)
    assert "--time" in done.err
    assert json.loads(done.out)["time"] == 43_200 * SECOND


def test_decode_counts_what_it_refuses_and_fails_when_nothing_is_left(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(SAMPLE.read_bytes() + b"nonsense\n")
    done = cli("decode", "modes", path, "--near", "49,2.5")
    assert done.code == 0
    assert "1 malformed" in done.err
    assert json.loads(done.out.splitlines()[-1])["error"] == "malformed"
    path.write_bytes(b"nonsense\n")
    assert "nothing in" in cli.bad(1, "decode", "modes", path)


def test_decode_prints_what_stands_before_the_damage(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    lines = [json.dumps({"timestamp": 1_790_000_000 + k / 3, "frame": f"{k:028x}"}) for k in range(20_000)]
    packed = gzip.compress("\n".join(lines).encode())[:-2000]
    path.write_bytes(packed)
    done = cli("decode", "modes", path)
    assert done.code == 1
    assert "damaged" in done.err
    whole = zlib.decompressobj(wbits=31).decompress(packed)
    assert len(done.out.splitlines()) == whole.count(b"\n") + 1  # the open batch and the cut line too
    assert "refused: " in done.err


@pytest.mark.parametrize("size", [2, 5, 12])
def test_decode_of_a_file_that_is_only_the_start_of_a_gz_says_so(cli: Cli, tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(SAMPLE.read_bytes())[:size])
    assert "damaged" in cli.bad(1, "decode", "modes", path)


def test_decode_says_what_a_capture_lacks(cli: Cli, tmp_path: Path) -> None:
    path, two = tmp_path / "a.pcap", pcap((1_790_000_000, PLOT), (1_790_000_004, PLOT))
    path.write_bytes(two[:-3])
    done = cli("decode", "asterix", path)
    assert (done.code, len(done.out.splitlines())) == (0, 1)
    assert "the last packet is cut off" in done.err
    path.write_bytes(two.replace(b"\x08\x00\x45", b"\x86\xdd\x65", 1))
    assert "1 of 2 packets left out" in cli("decode", "asterix", path).err
    path.write_bytes(two.replace(b"\x08\x00\x45", b"\x86\xdd\x65"))
    assert "none of the 2 packets of this capture is a whole UDP datagram" in cli.bad(1, "decode", "asterix", path)
    path.write_bytes(two[:24])
    assert "no whole packet" in cli.bad(1, "decode", "asterix", path)
    path.write_bytes(two)
    assert cli("decode", "asterix", path).err == ""


def test_decode_sees_the_cut_end_of_a_pcapng(cli: Cli, tmp_path: Path) -> None:
    head = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    head += struct.pack("<IIHHII", 1, 20, 1, 0, 65535, 20)
    packet = pcap((0, PLOT))[40:]
    size = 32 + (len(packet) + 3) // 4 * 4
    padded = packet + bytes(-len(packet) % 4)
    block = struct.pack("<IIIIIII", 6, size, 0, 0, 0, len(packet), len(packet)) + padded + struct.pack("<I", size)
    path = tmp_path / "a.pcapng"
    path.write_bytes(head + block + block[:-5])
    done = cli("decode", "asterix", path)
    assert (done.code, len(done.out.splitlines())) == (0, 1)
    assert "the last packet is cut off" in done.err


@pytest.mark.parametrize(
    "arguments,said",
    [
        (("decode", "modez", SAMPLE), "formats are"),
        (("decode", "modes", SAMPLE, "--near", "Paris"), "--near 49.01,2.55"),
        (("decode", "modes", SAMPLE, "--near", "149,2"), "--near 49.01,2.55"),
        (("decode", "modes", SAMPLE, "--time", "yesterday"), "2026-11-02T21:30:00Z"),
        (("decode", "asterix", SAMPLE, "--edition", "1.32"), "048=1.32"),
        (("decode", "asterix", SAMPLE, "--edition", "048=9.9"), "has no edition"),
        (("replay", "no-such-record", "--speed", "0"), "is not a speed"),
    ],
)
def test_a_wrong_argument_says_what_to_write(cli: Cli, arguments: tuple[object, ...], said: str) -> None:
    assert said in cli.bad(2, *arguments)


def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(SAMPLE.read_bytes() * 200)
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "skywarden.cli", "decode", "modes", path]
    with subprocess.Popen(command, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        assert os.read(reading, 10)
        os.close(reading)
        assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0


def record(path: Path, spoiled: bool = False) -> None:
    """Make a record as the engine does, from the sample; spoiled: with another digest in the last output."""
    frames = [line + b"\n" for line in SAMPLE.read_bytes().splitlines()]
    start = ModeS.stamp(frames[0], 0) or 0
    line, log, seq = Line(), SqliteLog(path), 0
    inputs: list[Event] = [Started(start, Mode.REPLAY, SETTINGS, "0.1.0")]
    for message in frames:
        time = ModeS.stamp(message, 0) or start
        inputs += [Arrived(Frame.of("a", time, message)), Tick(time)]
    entries: list[Entry] = []
    for event in inputs:
        seq += 1
        cause = seq
        now = line.picture.time if line.picture else start
        entries.append(Entry(seq, now, cause, encode(event)))
        for caused in line.feed(cause, event):
            seq += 1
            at = line.picture.time if line.picture else start
            entries.append(Entry(seq, at, caused.cause, encode(caused.event)))
    if spoiled:
        last = entries[-1]
        entries[-1] = last._replace(payload=last.payload[:-1] + bytes([last.payload[-1] ^ 1]))
    log.append(entries)
    log.close()


def test_replay_verifies_a_record_and_writes_its_events(cli: Cli, tmp_path: Path) -> None:
    record(tmp_path / "r")
    assert cli.good("replay", tmp_path / "r", "--verify").startswith("equal: ")
    out = tmp_path / "events.jsonl"
    cli.good("replay", tmp_path / "r", "--out", out)
    events = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert events[0]["type"] == "Started"
    assert {"Arrived", "Tick", "Stepped"} <= {event["type"] for event in events}
    assert out.read_bytes() == cli.good("replay", tmp_path / "r", "--out", "-", "--speed", "10000").encode()


def test_replay_fails_with_the_first_entry_that_differs(cli: Cli, tmp_path: Path) -> None:
    record(tmp_path / "r", spoiled=True)
    last = json.loads(cli.good("record", "info", tmp_path / "r", "--json"))["last_seq"]
    assert f"differs at entry {last}" in cli.bad(1, "replay", tmp_path / "r", "--verify")


def test_record_info_tells_people_and_programs_the_same(cli: Cli, tmp_path: Path) -> None:
    record(tmp_path / "r")
    found = json.loads(cli.good("record", "info", tmp_path / "r", "--json"))
    said = cli.good("record", "info", tmp_path / "r")
    assert f"entries 1 to {found['last_seq']}" in said
    assert f"source a: {found['sources']['a']['messages']} messages" in said
    assert "no such record" in cli.bad(1, "record", "info", tmp_path / "nowhere")


def test_a_terminal_without_our_letters_shows_others_and_no_traceback() -> None:
    code = "import sys; sys.argv[1:] = ['version']\nfrom skywarden.cli import main\nmain()"
    after = "try:\n    exec(sys.argv.pop(1))\nexcept SystemExit:\n    print('\\u25b2')"
    run = [sys.executable, "-c", "import sys\n" + after, code]
    done = subprocess.run(run, env=os.environ | {"PYTHONIOENCODING": "koi8-u"}, capture_output=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, b"?"), done.stderr


def test_a_speed_beside_verify_is_refused_and_not_passed_over(cli: Cli, tmp_path: Path) -> None:
    assert "leave --speed out" in cli.bad(2, "replay", str(tmp_path), "--verify", "--speed", "2")
