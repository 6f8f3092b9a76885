"""Why an alert was given: it is run again and compared, and followed back to every raw message that it rests on."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import raid
import why_world as world
from typer.testing import CliRunner

from skywarden.cli.app import app
from skywarden.errors import RecordError
from skywarden.model.act import Acknowledge, Categorise
from skywarden.model.assessment import Category
from skywarden.model.deed import Acted
from skywarden.model.detection import WIDTH, Kind, detections
from skywarden.model.event import AlertRaised, Entry, Input, Stepped, Tick, decode, encode
from skywarden.record import segment
from skywarden.record.reading import SqliteRecord
from skywarden.record.retention import Keep
from skywarden.record.sqlite import SqliteLog
from skywarden.review import why as why_module
from skywarden.review.find import Asked
from skywarden.review.meaning import meaning
from skywarden.review.one_pass import shift
from skywarden.review.why import Explained, explain, sought
from skywarden.review.why_text import lines
from skywarden.review.words import WHY, of

SITE = world.SITE.name
SECOND = world.SECOND
EARTH = np.array([[3.7e6, 2.1e6, 4.7e6, 1.0, 0.0, 0.0]])  # ECEF m, m/s


def acts(engine: raid.Engine, second: int) -> list[Input]:
    """Olena says what the first track is, and acknowledges; Petro may not."""
    picture = engine.line.picture
    if second != 30 or picture is None:
        return []
    label = int(picture.tracks.label[picture.tracks.number == 1][0])
    said = Categorise(1, label, Category.SUSPECT, "flies as <they> do")
    (waits,) = picture.held.waiting
    seen = Acknowledge("", waits.raid, waits.last)
    time = picture.time
    return [Acted(time, world.OLENA, said), Acted(time, world.PETRO, said), Acted(time, world.OLENA, seen)]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.recorded(tmp_path_factory.mktemp("why") / "record", more=acts, kept=20)


def why(path: Path, asked: Asked = Asked(), quick: bool = False) -> Explained:  # noqa: B008 - it is frozen
    opened = SqliteRecord(path)
    return explain(opened, sought(opened, asked, lambda seq: None), lambda seq: None, quick)


def alert_of(path: Path) -> Entry:
    return next(e for e in world.entries(path) if isinstance(decode(e.payload), AlertRaised))


@pytest.mark.parametrize("track", [1, 2])
def test_every_message_of_a_flight_is_listed_and_no_other(record: Path, track: int) -> None:
    found = why(record, Asked(track=track, alone=True))
    listed = [(one.seq, one.message) for one in found.measured]
    # the receiver hears the first flight first, so it has the first number
    assert set(listed) == world.truth(record, track - 1, found.moment.until)
    assert len(listed) == len(set(listed)) > 200
    assert found.equal
    assert found.whole
    assert {one.sensor for one in found.measured} == {"adsb", "hill"}


def test_what_is_listed_are_the_bytes_of_the_record(record: Path) -> None:
    frames = {entry.seq: decode(entry.payload).frame for entry in world.entries(record) if b"Arrived" in entry.payload}
    for one in why(record, Asked(track=1, alone=True)).measured:
        frame = frames[one.seq]
        assert list(frame.messages())[one.message - 1] == one.data
        assert (frame.source, frame.received, len(frame)) == (one.source, one.received, one.messages)
        own = {"latitude", "longitude", "height_m", "icao24"} if one.sensor == "adsb" else {"range_km", "bearing_deg"}
        assert own <= set(one.says)


def test_the_newest_alert_is_run_again_and_equal(record: Path) -> None:
    found = why(record)
    entry = alert_of(record)
    assert found.equal
    assert found.moment.entry == entry
    assert found.compared.outputs > 0
    assert max(one.seq for one in found.measured) < found.moment.until <= entry.seq


def test_a_later_moment_of_an_alert_rests_on_more(record: Path) -> None:
    first, later = why(record), why(record, Asked(SITE, 1, at=world.world().start + 90 * SECOND))
    assert later.equal
    assert later.moment.entry != first.moment.entry
    assert len(later.measured) > len(first.measured)


def altered(entry: Entry, kind: type, change: dict[str, object]) -> Entry:
    event = decode(entry.payload)
    if not isinstance(event, kind):
        return entry
    if isinstance(event, AlertRaised):
        return entry._replace(payload=encode(AlertRaised(msgspec.structs.replace(event.alert, **change))))
    return entry._replace(payload=encode(msgspec.structs.replace(event, **change)))


def test_an_alert_that_was_altered_is_told(record: Path, tmp_path: Path) -> None:
    path = world.rewritten(record, tmp_path / "altered", lambda e: altered(e, AlertRaised, {"probability": 0.99}))
    found = why(path)
    assert not found.equal
    assert found.compared.difference is not None
    assert found.compared.difference.seq == found.moment.last
    done = CliRunner().invoke(app, ["why", str(path), "--language", "en"])
    assert done.exit_code == 1
    assert "DIFFERS" in done.stdout
    assert msgspec.json.decode(CliRunner().invoke(app, ["why", str(path), "--json"]).stdout)["replay"]["equal"] is False


def test_any_output_before_the_alert_that_was_altered_is_told(record: Path, tmp_path: Path) -> None:
    first = next(e for e in world.entries(record) if isinstance(decode(e.payload), Stepped))
    path = world.rewritten(
        record, tmp_path / "a", lambda e: altered(e, Stepped, {"digest": "0" * 16}) if e.seq == first.seq else e
    )
    found = why(path)
    assert not found.equal
    assert found.shown is None
    assert "DIFFERS" in "\n".join(lines(found, "en", 5))


def test_an_old_state_is_used_only_where_the_track_is_younger(tmp_path: Path) -> None:
    path = world.recorded(tmp_path / "late", world.late(1, 75), kept=5)
    found = why(path, Asked(track=2, alone=True))
    assert found.start > 0
    assert found.equal
    assert found.whole
    listed = {(one.seq, one.message) for one in found.measured}
    assert listed == world.truth(path, 1, found.moment.until)
    old = why(path, Asked(track=1, alone=True))
    assert old.start == 0
    assert {(one.seq, one.message) for one in old.measured} == world.truth(path, 0, old.moment.until)


def test_a_state_in_which_the_track_is_already_is_not_enough(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However late it was confirmed: what had begun it was before the state."""
    monkeypatch.setattr(why_module, "BEFORE", -1000 * SECOND)
    found = why(record, Asked(track=1, alone=True))
    assert found.start == 0
    assert found.whole


def test_a_record_whose_beginning_was_deleted_is_run_from_its_state_and_says_so(tmp_path: Path) -> None:
    path = world.recorded(tmp_path / "cut", kept=20, keep=Keep(segment=1))
    before = why(path, Asked(track=1, alone=True))
    first, _ = segment.files(path)
    first.unlink()
    found = why(path, Asked(track=1, alone=True))
    assert found.equal
    assert not found.whole
    assert found.start > 0
    assert found.measured == [one for one in before.measured if one.seq > found.start] != []
    now = shift(SqliteRecord(path), 0, found.moment.time, lambda seq: None)
    assert now.known
    assert set(now.standing.alerts) == {(SITE, 1)}  # raised in what was deleted


def test_quick_is_equal_too_and_says_what_it_lacks(record: Path) -> None:
    asked = Asked(track=1, alone=True)
    found, all_of_it = why(record, asked, quick=True), why(record, asked)
    assert found.start > 0
    assert found.equal
    assert not found.whole
    assert found.measured == [one for one in all_of_it.measured if one.seq > found.start]
    assert "before entry" in "\n".join(lines(found, "en", 5))


def test_what_people_did_is_listed_with_their_names(record: Path) -> None:
    steps = {step.what: step for step in why(record).steps if step.what != "categorised"}
    said = [step for step in why(record).steps if step.what == "categorised"]
    assert [(step.said["who"], step.said["refused"]) for step in said] == [
        ("Olena <b>", ""),
        ("Petro", "that needs the role operator"),
    ]
    assert steps["acknowledged"].said["who"] == "Olena <b>"
    text = "\n".join(lines(why(record, Asked(track=1, alone=True)), "en", 5))
    assert 'Olena <b> says it is suspect: "flies as <they> do"' in text
    assert "suspect, says Olena <b>" in text


def test_why_this_site_is_said_with_distance_and_time(record: Path) -> None:
    found = why(record, Asked(track=1, alone=True))
    assert found.shown is not None
    (way,) = found.shown.ways
    east, north, _ = world.PLACES[0] + world.VELOCITIES[0] * world.SECONDS
    site_east, site_north = 2230.0, 2224.0  # m of the site from the radar
    assert way.distance_m == pytest.approx(((east - site_east) ** 2 + (north - site_north) ** 2) ** 0.5, rel=0.02)
    assert way.speed_m_s == pytest.approx(75, abs=8)
    assert way.heading_deg == pytest.approx(90, abs=6)
    assert way.threat is not None


@pytest.mark.parametrize("language", ["en", "uk"])
def test_the_command_prints_all_of_it(record: Path, language: str) -> None:
    arguments = ["why", str(record), "--alert", f"{SITE}:1", "--frames", "2", "--language", language]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert {"en": "byte for byte", "uk": "побайтово"}[language] in done.stdout
    assert done.stdout.count("\n      7b22") == 2
    assert "{" not in done.stdout


def test_json_has_bytes_as_digits_and_all_steps(record: Path) -> None:
    done = CliRunner().invoke(app, ["why", str(record), "--track", "1", "--frames", "all", "--json"])
    row = msgspec.json.decode(done.stdout)
    assert row["measurements"]["count"] == len(row["measurements"]["listed"]) > 200
    assert bytes.fromhex(row["measurements"]["listed"][0]["data"]).startswith(b'{"timestamp"')
    assert row["replay"]["equal"] is True
    assert row["shown"]["ways"][0]["site"] == SITE
    assert {"confirmed", "raised", "acknowledged"} <= {step["what"] for step in row["history"]}


def test_a_record_in_use_can_be_asked(tmp_path: Path) -> None:
    engine = raid.Engine(SqliteLog(tmp_path / "used"))
    for turn in world.world().turns[:10]:
        engine.turn(turn)
    assert why(tmp_path / "used").equal
    engine.turn(world.world().turns[10])
    engine.log.close()


def frames_only(path: Path) -> Path:
    log = SqliteLog(path)
    inputs = [event for turn in world.world().turns[:5] for event in turn]
    log.append([Entry(seq, world.world().start, seq, encode(event)) for seq, event in enumerate(inputs, 1)])
    log.close()
    return path


def mistakes(record: Path, tmp_path: Path) -> Iterator[tuple[list[str], int, str]]:
    yield [str(tmp_path / "nowhere")], 1, "there is no such record"
    yield [str(record), "--alert", "Plant: A:77"], 1, "Plant: A:1 ("
    yield [str(record), "--alert", "no number"], 2, "write site and track"
    yield [str(record), "--track", "77"], 1, "there are, the newest last: 1, 2"
    yield [str(record), "--track", "1", "--alert", "Plant: A:1"], 2, "not both"
    yield [str(record), "--at", "2001-01-01"], 1, "until 2001-01-01"
    yield [str(record), "--at", "soon"], 2, "21:30"
    yield [str(record), "--track", "1", "--at", "2001-01-01"], 1, "write a later --at"
    yield [str(record), "--frames", "some"], 2, "or all"
    yield [str(record), "--language", "xx"], 2, "write en or uk"
    yield [str(frames_only(tmp_path / "frames"))], 1, "skywarden run --from"


def test_a_mistake_says_what_to_write(record: Path, tmp_path: Path) -> None:
    for arguments, code, said in mistakes(record, tmp_path):
        done = CliRunner().invoke(app, ["why", *arguments], env={"COLUMNS": "300", "TERM": "dumb"})
        if code == 1:
            assert isinstance(done.exception, RecordError), (arguments, done.output)
            assert said in str(done.exception), (arguments, done.exception)
        else:
            assert done.exit_code == code, (arguments, done.output)
            assert said in done.output, (arguments, done.output)


def test_ticks_alone_do_not_lengthen_the_list(record: Path) -> None:
    """A track that coasts keeps what it had."""
    found = why(record, Asked(track=1, alone=True))
    times = [one.received for one in found.measured]
    assert times == sorted(times)
    last = decode(next(e for e in world.entries(record) if e.seq == found.moment.until).payload)
    assert isinstance(last, Tick)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("language", ["en", "uk"])
def test_every_kind_of_measurement_is_said_in_words(kind: Kind, language: str) -> None:
    n = WIDTH[kind]
    z = np.array([[0.5, 0.1, 0.2, -3.0, 0.0, 0.0][:n]]) if kind not in (Kind.POSITION, Kind.TRACK) else EARTH[:, :n]
    batch = detections(kind, "s", 0, np.zeros(1, np.int64), z, np.eye(n)[None], address=np.array([0xABCDEF]))
    says = meaning(batch, 0)
    assert len(says) >= 2
    text = ", ".join(of(WHY, language)(f"says {name}", value=value) for name, value in says.items())
    assert "abcdef" in text
    assert "says " not in text.replace("says it is", "")


def test_what_is_missing_in_a_measurement_is_not_said() -> None:
    z = np.array([[8460.0, np.radians(-90.0), np.nan, np.nan]])
    batch = detections(Kind.POLAR, "s", 0, np.zeros(1, np.int64), z, np.eye(4)[None])
    assert meaning(batch, 0) == {"range_km": "8.46", "bearing_deg": "270.0"}
