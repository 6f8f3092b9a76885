"""A shift's summary: everything of it is there, nothing of what was before or after, no place of a track, no markup."""

import re
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest
import raid
import shift_record as made
import why_world as world
from typer.testing import CliRunner

from skywarden.cli.app import app
from skywarden.model.act import Act, Shelve
from skywarden.model.deed import Acted, Taken
from skywarden.model.event import Announced, Entry, Lost, Refused, decode, encode
from skywarden.model.raid import Level
from skywarden.record.reading import SqliteRecord
from skywarden.record.sqlite import SqliteLog
from skywarden.review import shift_events
from skywarden.review.lists import MOST, Some
from skywarden.review.one_pass import shift
from skywarden.review.shift import Shift
from skywarden.review.shift_print import html, lines
from skywarden.review.shift_rows import MOST as ROWS
from skywarden.review.shift_rows import Page, page
from skywarden.review.shift_words import SHIFT
from skywarden.review.words import WHY, of

BEGIN, END = made.at(0), made.at(60)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.written(tmp_path_factory.mktemp("shift") / "record")


def summed(path: Path, begin: int = BEGIN, end: int = END) -> Shift:
    return shift(SqliteRecord(path), begin, end, lambda seq: None)


def worded(path: Path, language: str = "en") -> Page:
    return page(summed(path), "record", language)


def table(path: Path, title: str) -> list[tuple[str, ...]]:
    shown = worded(path)
    return [row for one in (*shown.standing, *shown.happened) if one.title == title for row in one.rows]


def test_what_stands_at_the_end_is_what_was_not_ended(record: Path) -> None:
    now = summed(record).standing
    assert set(now.alerts) == {(made.PORT, 1), (made.PLANT, 7)}
    assert [(shelf.position, shelf.heading, shelf.until) for shelf in now.shelves.values()] == [
        ("desk", made.WEST, made.at(90))
    ]
    assert list(now.said) == [7]
    assert list(now.feeds) == ["brigade"]
    assert [(one.partner, one.track, one.by) for one in now.handed.values()] == [("battery", 7, made.OLENA.name)]
    assert list(now.faults) == [f"radar {made.NASTY}"]
    assert now.quarantined == {"hill": ("quarantine", made.at(4))}
    assert now.levels == {made.PLANT: Level.CRITICAL}
    assert {name: (cell.watched, cell.since) for name, cell in now.watched.items()} == {
        made.PLANT: (False, made.at(40)),
        made.PORT: (False, made.at(-600)),
    }


def test_an_acknowledgement_ends_the_waiting_for_what_was_before_it(record: Path) -> None:
    first, second = summed(record).announced
    assert (first.who, first.acknowledged, first.to) == ("Ivan", made.at(6), "")
    assert (second.who, second.escalated, second.to) == ("", made.at(9), "centre")
    (waits,) = summed(record).standing.waiting.values()
    assert (waits.since, waits.to) == (made.at(7), "centre")
    ((*_, answer), (*_, none)) = table(record, "Announcements")
    assert answer == "20:06:00Z, Ivan, after 60 s"
    assert none == "not acknowledged; centre told 20:09:00Z"


def test_a_raid_has_its_sites_kinds_and_worst_level_and_older_ones_are_not_there(record: Path) -> None:
    (one,) = summed(record).raids.values()
    assert list(one.sites) == [made.PLANT, made.YARD]
    assert list(one.kinds) == ["drones", "cruise missiles"]
    assert (one.level, one.aloud, one.listed, one.first, one.last, one.ended) == (
        Level.CRITICAL,
        2,
        1,
        made.at(5),
        made.at(8),
        0,
    )


def test_alerts_of_a_site_are_counted_in_the_span_only(record: Path) -> None:
    sites = summed(record).sites
    assert {name: (one.raised, one.cleared, one.level) for name, one in sites.items()} == {
        made.PLANT: (2, 1, Level.CRITICAL)
    }
    assert {row[0]: row[2] for row in table(record, "Alerts that stand")} == {"Port": "1", "Plant": "7"}


def test_every_act_is_there_with_who_did_it_and_what_became_of_it(record: Path) -> None:
    rows = [(who, what, outcome) for _, who, what, outcome in table(record, "Decisions, acts and what became of them")]
    olena = f"{made.OLENA.name} (supervisor)"
    ivan = "Ivan (operator)"
    own = "by itself"
    reason = "it is not shelved: it was taken back, or its time is over"
    assert rows == [
        (ivan, "acknowledged raid 1 at desk", "done"),
        (olena, f'drones from W for Plant shelved at desk until 21:30:00Z: "own tests {made.NASTY}"', "done"),
        (ivan, f'cruise missiles from S for {made.YARD} shelved at desk until 20:20:00Z: "twice"', "done"),
        (own, f"cruise missiles from S for {made.YARD} at desk announced again", ""),
        (ivan, "drones from W for Plant at desk off the shelf", f"refused: {reason}"),
        (olena, f'track 7 is hostile: "seen {made.NASTY}"', "done"),
        (olena, 'track 8 is neutral: "airliner"', "done"),
        (olena, 'words on track 8 taken back: "it is not"', "done"),
        (ivan, 'track 9 is suspect: "low"', "done"),
        (own, "words on track 9 hold no more", ""),
        (olena, f'brigade gets the picture until 22:00:00Z: "joint watch {made.NASTY}"', "done"),
        (olena, 'police gets the picture until 22:00:00Z: "x"', "done"),
        (ivan, "police gets the picture no more", "done"),
        (olena, 'coast guard gets the picture until 20:19:00Z: "y"', "done"),
        (own, "feed to coast guard over", ""),
        (ivan, 'advice 4: changed Team 2 "closer"', "done"),
        (ivan, f'tower put in quarantine until 21:30:00Z: "bent {made.NASTY}"', "done"),
        (olena, 'tower out of the quarantine of a person: "mended"', "done"),
        (olena, 'dune is to be believed until 21:30:00Z: "checked"', "done"),
        (ivan, 'dune is not to be believed on a person\'s word any more: "was not"', "done"),
        (olena, "track 7 handed over to brigade", "done"),
        (own, f"hand-over of track 7 to brigade over: its time is over {made.NASTY}", ""),
        (olena, "track 7 handed over to battery", "done"),
        (ivan, "acknowledged raid 1 at desk", "not known: the record ends before"),
    ]


def test_every_kind_of_act_has_its_words_and_its_place() -> None:
    assert set(get_args(Act)) == set(shift_events._WORDS) == set(shift_events._HOLDS)


def test_the_record_and_the_sensors_say_what_was_wrong(record: Path) -> None:
    said = [what for _, what in table(record, "The record and the system")]
    assert said == [
        f"started, version 2, picture LIVE; {2 * 60} s without a record before",
        f"mail was not told (gave up): no route {made.NASTY}",
        "the computer's clock jumped by -12.000 s",
        "all hand-overs ended: the record was lost for a while",
        "fault of the program (ValueError): one tick changed nothing",
        "HOLE: 30 messages, 40 entries from 20:32:30Z on are not recorded",
    ]
    assert [what for _, what in table(record, "Sensors' faults")] == [
        f"radar {made.NASTY}: wrong clock",
        "mast: wrong place",
        "mast: fault over",
        "hill: in quarantine (others differ)",
        f"tower: in quarantine (Ivan; bent {made.NASTY})",
        "tower: quarantine over",
    ]
    assert table(record, "Refused input by source") == [(f"source {made.NASTY}", "42", "malformed 40, checksum 2")]
    assert [what for _, what in table(record, "Watched and not watched")] == [
        "Plant: watched",
        "Plant: not watched, from: NE low, E low",
    ]
    assert [what for _, what in table(record, "Told to others, as nobody acknowledged")] == [
        "raid 1 at desk: centre was told"
    ]


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", ["en", "uk"])
def test_nothing_that_people_or_sensors_write_becomes_markup(record: Path, language: str) -> None:
    text = html(worded(record, language), of(SHIFT, language), language)
    found = Reader()
    found.feed(text)
    table_tags = {"table", "thead", "tbody", "tr", "th", "td", "section", "div", "p", "h1", "h2"}
    assert found.tags == table_tags | {"html", "head", "meta", "title", "style", "body"}
    assert found.attributes == {"lang", "charset", "http-equiv", "content", "name", "class"}
    assert found.text.count('<script>alert("1")</script>') >= 10
    assert "<script" not in text
    assert not re.search(r"https?:|url\(|@import|src=|href=", text)
    assert "{site}" in found.text  # a name is not filled in


@pytest.mark.parametrize("language", ["en", "uk"])
def test_no_place_of_a_track_is_printed(record: Path, language: str) -> None:
    text = html(worded(record, language), of(SHIFT, language), language)
    text += "\n".join(lines(worded(record, language), of(SHIFT, language)))
    for number in (made.LATITUDE, made.LONGITUDE):
        assert f"{number:.2f}" not in text


def test_the_command_prints_it_safely_and_writes_the_page(record: Path, tmp_path: Path) -> None:
    out = tmp_path / "shift.html"
    times = ["--from", "20:00", "--to", "21:00"]
    done = CliRunner().invoke(app, ["shift", str(record), *times, "--out", str(out), "--language", "en"])
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.stdout
    assert "\\x1b[31m" in done.stdout
    assert out.read_text() == html(worded(record), of(SHIFT, "en"), "en")
    done = CliRunner().invoke(app, ["shift", str(record), *times, "--language", "uk"])
    assert done.stdout.startswith("Підсумок зміни")


def test_a_mistake_in_the_times_says_what_to_write(record: Path, tmp_path: Path) -> None:
    for options, said in (
        (["--from", "soon"], "21:30"),
        (["--to", "2001-01-01T00:00Z", "--from", "2002-01-01T00:00Z"], "before --to"),
        (["--language", "de"], "write en or uk"),
    ):
        done = CliRunner().invoke(app, ["shift", str(record), *options], env={"COLUMNS": "200", "TERM": "dumb"})
        assert done.exit_code == 2
        assert said in done.output
    done = CliRunner().invoke(app, ["shift", str(tmp_path / "nowhere")])
    assert "there is no such record" in str(done.exception)


def test_long_lists_are_shortened_and_say_by_how_much(tmp_path: Path) -> None:
    w = made.Writer()
    w.entries = made.events()
    for k in range(MOST + 50):
        w.act(51 + k / 1000, made.IVAN, Shelve("desk", f"site {k}", made.WEST.kind, "W", made.at(90), "x"))
        w.follows(51 + k / 1000, Refused(f"source {k}", "malformed", 1))
    log = SqliteLog(tmp_path / "long")
    log.append(w.entries)
    log.close()
    found = summed(tmp_path / "long")
    assert len(list(found.acts)) == MOST
    text = "\n".join(lines(page(found, "r", "en"), of(SHIFT, "en")))
    assert f"{found.acts.count - ROWS} earlier ones are not shown" in text
    assert f"{len(found.standing.shelves) - ROWS} more are not shown" in text
    assert len(text.splitlines()) < 400


def test_some_keeps_the_newest_and_counts_all() -> None:
    some: Some[int] = Some()
    for k in range(MOST + 3):
        some.add(k)
    assert (some.count, next(iter(some)), len(list(some))) == (MOST + 3, 3, MOST)


def acts(engine: raid.Engine, second: int) -> list[Acted]:
    picture = engine.line.picture
    if second != 30 or picture is None or not picture.raids.groups:
        return []
    one = picture.raids.groups[0].heading
    shelve = Shelve("", one.site, one.kind, one.word, picture.time + 600 * made.SECOND, "exercise")
    return [Acted(picture.time, world.OLENA, shelve)]


def test_a_real_raid_leaves_standing_what_the_picture_has(tmp_path: Path) -> None:
    path = world.recorded(tmp_path / "real", more=acts)  # type: ignore[arg-type]
    engine = raid.Engine(SqliteLog(path))  # recovered: the picture at the end
    picture = engine.line.picture
    engine.log.close()  # type: ignore[attr-defined]
    assert picture is not None
    found = summed(path, world.world().start, picture.time)
    now = found.standing
    assert set(now.alerts) == {(one.site, one.track) for one in picture.alerts} != set()
    assert {one.arrival for one in now.alerts.values()} == {one.arrival for one in picture.alerts}
    assert tuple(now.shelves.values()) == picture.held.shelves != ()
    assert [(w.position, w.raid, w.since, w.last, w.to) for w in now.waiting.values()] == [
        (w.position, w.raid, w.since, w.last, w.to) for w in picture.held.waiting
    ]
    assert now.levels == {one.site: one.level for one in picture.raids.sites if one.level is not Level.QUIET}
    assert [cell.blind != () for cell in now.watched.values()] == [not cell.watched for cell in now.watched.values()]
    aloud = [
        e for e in map(decode, (one.payload for one in world.entries(path))) if isinstance(e, Announced) and e.aloud
    ]
    assert found.announced.count == len(aloud)
    taken = [e for e in map(decode, (one.payload for one in world.entries(path))) if isinstance(e, Taken)]
    assert [one.refused for one in taken] == [one.refused for one in found.acts] == [""]


def test_after_a_hole_what_stands_is_what_the_state_says(tmp_path: Path) -> None:
    path = world.recorded(tmp_path / "real", more=acts)  # type: ignore[arg-type]
    engine = raid.Engine(SqliteLog(path))
    picture, state = engine.line.picture, engine.line.save()
    engine.log.close()  # type: ignore[attr-defined]
    assert picture is not None
    first = world.entries(path)[0]
    hole = Entry(2, picture.time, 2, encode(Lost(picture.time, picture.time, 9, {}, state)))
    log = SqliteLog(tmp_path / "hole")
    log.append([first, hole])
    log.close()
    now = summed(tmp_path / "hole", 0, picture.time).standing
    assert set(now.alerts) == {(one.site, one.track) for one in picture.alerts} != set()
    assert tuple(now.shelves.values()) == picture.held.shelves != ()
    assert now.watched[world.SITE.name].blind


@pytest.mark.parametrize("words", [SHIFT, WHY])
def test_both_languages_say_the_same_things(words: dict[str, tuple[str, str]]) -> None:
    for key, (english, ukrainian) in words.items():
        names = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (english, ukrainian)]
        assert names[0] == names[1], key
        assert english != ukrainian or not re.search("[a-z]", re.sub(r"\{\w+\}", "", english)), key
