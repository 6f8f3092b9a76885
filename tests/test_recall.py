"""Settings in a record: all of them, and readable by versions that call them otherwise."""

import json
from typing import Any

import msgspec
import pytest
import raid

from skywarden.config import Settings, parse, recall, recalled, resolved
from skywarden.config.recall import Renamed, upgraded
from skywarden.errors import ConfigError, RecordError
from skywarden.model.event import Entry, Started, Tick, decode, encode
from skywarden.model.track import Mode
from skywarden.pipeline import Line
from skywarden.record import MemoryLog
from skywarden.replay import compare, recover
from skywarden.service.clock import HostClock
from skywarden.service.engine import Engine

(STARTED,) = raid.inputs(0)[0]
SETTINGS = STARTED.settings
ODD = """
[alert]
hold_s = 0.1
[[sources]]
name = "радар"
format = "asterix"
listen = ["udp://127.0.0.1:8600", "udp://127.0.0.1:8601"]
editions = {"048" = "1.30"}
"""


@pytest.mark.parametrize("text", ["", SETTINGS, ODD])
def test_what_is_recorded_is_what_was_meant(text: str) -> None:
    assert recalled(resolved(parse(text))) == parse(text)


def test_everything_is_recorded_also_what_was_not_written() -> None:
    kept = json.loads(resolved(Settings()))
    assert kept["layout"] == recall.LAYOUT
    assert kept["settings"]["tracker"]["drop_after_s"] == 9.0
    assert set(kept["settings"]) == set(Settings.__struct_fields__)


def test_the_engine_records_them_beside_the_text() -> None:
    log = MemoryLog()
    Engine(parse(SETTINGS), SETTINGS, log, HostClock(), lambda _: None).close()
    event = decode(next(log.entries()).payload)
    assert (event.settings, recalled(event.resolved)) == (SETTINGS, parse(SETTINGS))


def changed(**tables: Any) -> str:
    kept = json.loads(resolved(parse(SETTINGS)))
    for name, table in tables.items():
        kept["settings"][name] |= table
    return json.dumps(kept)


def test_a_value_is_the_recorded_one_whatever_the_text_means_today() -> None:
    line = Line()
    line.feed(1, Started(raid.START, Mode.SIM, "[alert]\nname_of_then = 1\n", "1", changed(alert={"hold_s": 7.0})))
    assert line.settings.alert.hold_s == 7.0
    assert line.settings.sites == parse(SETTINGS).sites


def test_an_unknown_setting_is_left_out_and_a_missing_one_has_its_default() -> None:
    assert recalled(changed(alert={"of_later": 1}, run={"of_later": {}})) == parse(SETTINGS)
    kept = json.loads(resolved(Settings()))
    del kept["settings"]["tracker"]
    del kept["settings"]["alert"]["hold_s"]
    assert recalled(json.dumps(kept)) == Settings()


def test_limits_of_today_do_not_bind_values_of_then() -> None:
    with pytest.raises(ConfigError):
        parse("[run]\ntick_ms = 1\n")
    assert recalled(changed(run={"tick_ms": 1})).run.tick_ms == 1


def test_renamed_settings_are_read_under_their_old_names() -> None:
    renames = (
        Renamed(2, "alert.hold", "hold_s"),
        Renamed(2, "sites.radius", "radius_km"),
        Renamed(3, "sites.radius_km", "radius_m"),
        Renamed(3, "run.speed", None),
        Renamed(2, "nothing.like.it", "x"),
    )
    old = {"alert": {"hold": 5.0}, "sites": [{"radius": 1}, {"radius": 2}], "run": {"speed": 3}}
    new = {"alert": {"hold_s": 5.0}, "sites": [{"radius_m": 1}, {"radius_m": 2}], "run": {}}
    assert upgraded(old, 1, renames) == new
    assert upgraded({"alert": {"hold": 5.0}}, 2, renames) == {"alert": {"hold": 5.0}}  # another setting, of layout 2


def test_a_record_of_the_first_format_is_read_from_its_text() -> None:
    fields = msgspec.msgpack.decode(encode(STARTED))
    assert fields.pop("resolved") == ""
    line = Line()
    line.feed(1, decode(msgspec.msgpack.encode(fields)))
    assert line.settings == parse(SETTINGS)
    assert compare(raid.record(turns=3)).difference is None  # its Started has the text alone


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ('{"layout": 99, "settings": {}}', "layout 99, this version reads 1: update skywarden"),
        (changed(run={"tick_ms": "soon"}), r"Expected `int`, got `str` - at `\$.run.tick_ms`"),
        ("no JSON", "malformed"),
        (changed(run={"mode": "war"}), "war"),
    ],
)
def test_what_cannot_be_read_names_the_entry_the_version_and_the_reason(kept: str, words: str) -> None:
    payload = encode(Started(raid.START, Mode.SIM, SETTINGS, "7.8.9", kept))
    log = MemoryLog()
    log.append([Entry(1, raid.START, 1, payload)])
    for read in (lambda: compare(log.entries()), lambda: recover(log)):
        with pytest.raises(RecordError, match=r"entry 1: the settings that skywarden 7\.8\.9 recorded") as raised:
            read()
        raised.match(words)


def test_a_snapshot_keeps_its_settings_in_the_same_way() -> None:
    line = Line()
    line.feed(1, STARTED)
    line.feed(2, Tick(raid.START))
    saved = msgspec.msgpack.decode(line.save())
    other = msgspec.msgpack.encode(saved | {"settings": changed(alert={"hold_s": 7.0, "of_later": 1})})
    restored = Line.restore(other)
    assert restored.settings.alert.hold_s == 7.0
    assert restored.picture.time == line.picture.time
