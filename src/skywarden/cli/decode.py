"""`skywarden decode`: a file of messages in, JSON lines out."""

import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from skywarden.cli.capture import Trouble
    from skywarden.sensors import Decoder

DAY = 86_400_000_000_000  # ns
NOON = DAY // 2  # 1970-01-01; times of day without a date are put on that day
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decode(
    kind: Annotated[
        str, typer.Argument(metavar="FORMAT", help="modes, beast, sbs, asterix, sapient ... (docs/sensors.md)")
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help='A recording; "-" is stdin.')],
    near: Annotated[str | None, typer.Option(metavar="LAT,LON", help="Where the receiver stands, in degrees.")] = None,
    time: Annotated[str | None, typer.Option(metavar="ISO|NS", help="When, if the file has no date.")] = None,
    edition: Annotated[list[str] | None, typer.Option(metavar="CAT=ED", help="ASTERIX edition: 048=1.32")] = None,
) -> None:
    """Print what the messages of a file say, one JSON line each. The file may be raw, pcap or JSON lines, also .gz.

    A SAPIENT message as protobuf-JSON (FILE.json, or from stdin) is judged instead: accepted, or which rules it breaks.
    """
    if kind == "sapient" and _is_text(file):
        _judge(file)
        return
    from skywarden.cli.capture import Trouble
    from skywarden.cli.terminal import complain, note, while_read

    decoder = _decoder(kind, file, _place(near), _editions(edition or []))
    if str(file) != "-" and (file.is_dir() or not file.exists()):  # a pipe will do
        complain(f"{file} is a directory; name a file in it" if file.is_dir() else f"{file} does not exist")
        raise typer.Exit(1)
    refused: Counter[str] = Counter()
    near_time, trouble = _nanoseconds(time), Trouble()
    with while_read():
        good, last = _print_rows(decoder, file, near_time, refused, trouble)
    for line in trouble.notes:
        note(line)
    if refused:
        listed = ", ".join(f"{count} {reason}" for reason, count in refused.most_common())
        note(f"{good} decoded, {refused.total()} refused: {listed}")
    if good and last < DAY:
        note("no date in this file: times are of 1970-01-01; give a time near the capture with --time")
    if not good:
        note(f"nothing in {file} could be decoded as {kind}")
    if trouble.damage:
        complain(trouble.damage)
    if trouble.damage or not good:
        raise typer.Exit(1)


def _is_text(file: Path) -> bool:
    """Say whether it is a message as protobuf-JSON. Text is no stream: its first bytes would be too great a length."""
    from skywarden.cli.capture import DAMAGE, opened
    from skywarden.sensors.sapient.message import LONGEST

    if str(file) == "-":
        head = cast(BufferedReader, sys.stdin.buffer).peek(4)[:4]
    elif file.suffix == ".json" or not file.is_file():
        return file.is_file()
    else:
        try:
            with opened(file) as (stream, _, _):
                head = stream.read(4)
        except DAMAGE:
            return False  # who reads all of it will say so
    return int.from_bytes(head, "little") > LONGEST and head.lstrip()[:1] in (b"{", b"")


def _judge(file: Path) -> None:
    """Print whether one SAPIENT message follows the standard; exit 1 when it does not."""
    import msgspec

    from skywarden.cli.capture import DAMAGE, opened
    from skywarden.cli.terminal import complain
    from skywarden.sensors.sapient.message import from_json

    try:
        with opened(file) as (stream, _, _):
            _, faults = from_json(stream.read())
    except DAMAGE as error:
        complain(f"{file} is damaged: {error}")
        raise typer.Exit(1) from None
    row = {"file": str(file), "accepted": not faults, "faults": [fault._asdict() for fault in faults]}
    typer.echo(msgspec.json.encode(row).decode())
    if faults:
        raise typer.Exit(1)


def _decoder(kind: str, file: Path, near: tuple[float, float] | None, editions: dict[str, str]) -> "Decoder":
    from skywarden.model.place import Source
    from skywarden.model.track import Mode
    from skywarden.sensors import DECODERS

    if kind not in DECODERS:
        raise typer.BadParameter(f'"{kind}" is unknown; formats are {", ".join(DECODERS)}', param_hint="FORMAT")
    latitude, longitude = near or (None, None)
    source = Source(
        name=file.name, format=kind, file=str(file), latitude=latitude, longitude=longitude, editions=editions
    )
    return DECODERS[kind](source, (), Mode.REPLAY)


def _print_rows(
    decoder: "Decoder", file: Path, near: int, refused: Counter[str], trouble: "Trouble"
) -> tuple[int, int]:
    """Print a row for each message, count the refused ones by reason; return how many were good, and the last time."""
    import msgspec

    from skywarden.cli.capture import frames, opened
    from skywarden.cli.terminal import progress

    encode = msgspec.json.Encoder(decimal_format="number").encode
    good, last = 0, near
    out = sys.stdout.buffer
    with opened(file) as (stream, position, size), progress(f"decoding {file.name}", size) as report:
        for frame in frames(stream, decoder, file.name, near, trouble):
            last = frame.received
            lines = []
            for row in decoder.rows(frame):
                if "error" in row:
                    refused[row["error"]] += 1
                else:
                    good += 1
                lines.append(encode(row))
            out.write(b"".join(line + b"\n" for line in lines))
            report(position())
    out.flush()
    return good, last


def _place(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        latitude = longitude = float("nan")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise typer.BadParameter(f'"{text}" is not a place; write degrees: --near 49.01,2.55', param_hint="--near")
    return latitude, longitude


def _editions(items: list[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in items]
    for category, mark, _ in pairs:
        if not (mark and category.isdigit()):
            raise typer.BadParameter(f'"{category}{mark}"; write --edition 048=1.32', param_hint="--edition")
    return {category.zfill(3): edition for category, _, edition in pairs}


def _nanoseconds(text: str | None) -> int:
    """Return UTC ns of a time; without a zone it is UTC."""
    if text is None:
        return NOON
    if text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        hint = "write it like 2026-11-02T21:30:00Z, or in ns since 1970"
        raise typer.BadParameter(f'"{text}" is not a time; {hint}', param_hint="--time") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000
