"""Every setting, format, output, command, option, event, reason and field has its row in the documentation."""

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
import pytest
import typer
from documented import asterix_rows, newest

from skywarden.cli.app import app
from skywarden.config.write import markdown
from skywarden.model import event
from skywarden.model.assessment import CLASSES, Alert
from skywarden.model.detection import Reason
from skywarden.outputs import ENCODERS, EVENT_ENCODERS
from skywarden.sensors import DECODERS
from skywarden.sensors.asterix.editions import EDITIONS
from skywarden.sensors.microphone import layout as microphone
from skywarden.sensors.modes import message as modes
from skywarden.sensors.remoteid import dji
from skywarden.sensors.remoteid import message as remoteid
from skywarden.sensors.remoteid.decoder import radio
from skywarden.sensors.remoteid.heard import Heard
from skywarden.sensors.remoteid.line import Line
from skywarden.sensors.reports import message as reports
from skywarden.sensors.sbs import line as sbs

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
UPDATE = "new rows: add them by hand; changed ones: run tests/documented.py"
FORMATS = sorted(name for name, decoder in DECODERS.items() if decoder.__module__.startswith("skywarden."))
EVENTS = [*get_args(event.Input), *get_args(event.Output)]


def rows(name: str, heading: str = "") -> list[str]:
    """Return the first column of the tables of a page, or of the part of it below a heading."""
    text = (DOCS / name).read_text()
    if heading:
        level = len(heading.split()[0])
        text = text.partition(f"\n{heading}")[2]
        assert text, f"docs/{name} has no part {heading}"
        text = re.split(rf"\n#{{1,{level}}} ", text)[0]
    return re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)


def commands(group: Any, above: str = "skywarden") -> dict[str, Any]:
    found = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, f"{above} {name}")
        else:
            found[f"{above} {name}"] = command
    return found


COMMANDS = commands(typer.main.get_command(app))


def test_every_setting_has_its_row_with_default_unit_and_limits() -> None:
    page = (DOCS / "configuration.md").read_text().splitlines()
    missing = [row for row in markdown() if row not in page]
    assert missing == [], UPDATE
    assert len([line for line in page if re.match(r"\| `\w+\.[\w.]+` \|", line)]) == len(list(markdown()))


def test_every_format_has_its_row() -> None:
    assert rows("sensors.md")[: len(FORMATS)] == FORMATS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_its_row(name: str) -> None:
    heading = next(line for line in (DOCS / "commands.md").read_text().splitlines() if line.startswith(f"## `{name}"))
    documented = set(rows("commands.md", heading))
    options = {o.opts[0] for o in COMMANDS[name].params if o.opts[0].startswith("-") and "--help" not in o.opts}
    assert options == documented


def test_every_reason_has_its_row() -> None:
    assert rows("formats.md", "## Reasons") == [reason.value for reason in Reason]


def test_every_event_has_its_row_with_its_fields() -> None:
    assert rows("formats.md", "## Events")[: len(EVENTS)] == [kind.__name__ for kind in EVENTS]
    page = (DOCS / "formats.md").read_text()
    for kind in EVENTS:
        line = next(line for line in page.splitlines() if line.startswith(f"| `{kind.__name__}`"))
        for field in kind.__struct_fields__:
            assert f"`{field}`" in line, (kind.__name__, field)
    assert set(Alert.__struct_fields__) <= set(rows("formats.md", "## Events"))


def test_every_output_has_its_row() -> None:
    assert set(rows("formats.md", "## Outputs")) == {*ENCODERS, *EVENT_ENCODERS}


def test_every_field_of_mode_s_has_its_row() -> None:
    hidden = set(modes._HIDDEN)
    fields = {field.name for field in msgspec.structs.fields(modes.Message)} - hidden
    assert fields <= set(rows("formats.md", "### Mode S"))


def test_every_field_of_remote_id_has_its_row() -> None:
    parts = {field.name: field.type for field in msgspec.structs.fields(remoteid.Said) if field.name != "other"}
    fields = set(parts)
    for name, kind in (*parts.items(), ("dji", dji.Flight)):
        inner = [kind, *get_args(kind)]
        for struct in (part for part in inner if isinstance(part, type) and issubclass(part, msgspec.Struct)):
            fields |= {name, *(f"{name}.{field.name}" for field in msgspec.structs.fields(struct))}
    heard = Heard("wifi-beacon", "", 0, b"", b"", True, -60.0)
    fields |= {*radio(Line(127, "", receiver="mast"), heard), "duplicate", "doubt"}
    assert set(rows("formats.md", "### Remote ID")) == fields


def test_every_field_of_sbs_has_its_row() -> None:
    fields = {field.name for field in msgspec.structs.fields(sbs.Message)} - {"address", "time"}
    assert set(rows("formats.md", "### SBS")) == fields


def test_every_field_of_microphone_nodes_has_its_row() -> None:
    sample = ROOT / "tests" / "samples" / "microphone" / "coast.expected.json"
    fields = {name for row in msgspec.json.decode(sample.read_bytes()) for name in row} - {"time", "source"}
    assert fields == set(rows("formats.md", "### Microphone"))


def test_the_layout_of_microphone_messages_is_the_one_that_is_read() -> None:
    page = (DOCS / "microphone.md").read_text()
    sizes = {"u1": "u8", ">u2": "u16", ">i2": "i16", ">u4": "u32", ">i4": "i32", ">u8": "u64"}
    for fields in ([*microphone.HEAD, *microphone.HEARD], [*microphone.HEAD, *microphone.ALIVE]):
        record = np.dtype(fields)
        for name, form in fields:
            assert f"| {record.fields[name][1]} | {sizes[form]} | {name} |" in page  # type: ignore[index]
    for code, word in enumerate(CLASSES):
        assert f"| {code} | {word} |" in page
    flags = page.partition("| flag | meaning |")[2].partition("| code |")[0]
    assert re.findall(r"^\| (\d+) \|", flags, re.MULTILINE) == [str(int(flag)) for flag in microphone.Flags]


def test_every_field_of_reports_has_its_row() -> None:
    kinds = (reports.DirectionFinder, reports.Camera, reports.Observer)
    fields = {"type"} | {field.name for kind in kinds for field in msgspec.structs.fields(kind)}
    assert fields <= set(rows("reports.md"))
    assert fields - {"time"} == set(rows("formats.md", "### Reports"))


def test_every_item_of_asterix_has_its_row() -> None:
    page = (DOCS / "formats.md").read_text().splitlines()
    missing = [row for category in newest() for row in asterix_rows(category) if row not in page]
    assert missing == [], UPDATE


def test_every_edition_of_asterix_is_named() -> None:
    page = (DOCS / "formats.md").read_text()
    for editions in EDITIONS.values():
        assert f"Editions that are read: {', '.join(e.edition for e in editions)}." in page


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\(([\w./-]+\.(?:md|svg|png|py|toml))", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
