"""The live view: what is urgent first, words beside colours, any size, two languages."""

import io
import os
import pty
import re
import select
import string
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console
from service_samples import NOW, SECOND, columns, picture, published

from skywarden.model.assessment import Alert, Category, Identity
from skywarden.model.detection import Reason
from skywarden.model.place import Site
from skywarden.model.raid import Group, Heading, Kind, Level, Raids, SiteState, Span, Start
from skywarden.model.track import Mode, Status
from skywarden.record import segment
from skywarden.service import tls
from skywarden.service.notices import FAULTS
from skywarden.service.publish import DEGRADED, NOT_RECORDED, OK, STALLED, Published, Publisher
from skywarden.service.reload import Configured
from skywarden.service.rows import GOOD, NOTHING_YET, SILENT
from skywarden.service.view import View, picture_svg, render
from skywarden.service.view_page import minutes
from skywarden.service.wire import FAST, QUIET, Wire
from skywarden.service.words import LANGUAGES, language


def drawn(shown: Published | None, tongue: str = "en", width: int = 140, height: int = 40, stale: float = 0.0) -> str:
    console = Console(width=width, height=height, file=io.StringIO(), record=True, color_system="truecolor")
    console.print(render(shown, tongue, width, height, stale))
    return console.export_text()


def coloured(shown: Published, stale: float = 0.0) -> str:
    console = Console(width=140, file=io.StringIO(), record=True, color_system="truecolor", force_terminal=True)
    console.print(render(shown, "en", 140, 40, stale))
    return console.export_text(styles=True)


def line(text: str, word: str) -> str:
    return next(one for one in text.splitlines() if word in one)


def test_the_header_says_mode_time_age_and_counts() -> None:
    header = drawn(published()).splitlines()[0]
    for word in (
        "skywarden",
        "LIVE",
        "DEGRADED",
        "2023-11-14 22:13:20Z",
        "data 0.5 s",
        "tracks 3",
        "alerts 1",
        "p99 80 ms",
    ):
        assert word in header
    assert "NOT RECORDED" not in header
    assert "NOT RECORDED" in drawn(published(not_recorded=True, fault="disk full")).splitlines()[0]


def test_an_arrival_is_shown_as_it_is_now_whenever_it_was_judged() -> None:
    shown = replace(picture(), alerts=())
    now = line(drawn(published(picture=shown)), "Plant A")
    assert "02:05" in now
    threats = replace(shown.threats, time=shown.threats.time - 40 * SECOND)
    before = line(drawn(published(picture=replace(shown, threats=threats))), "Plant A")
    assert before == now.replace("02:05", "01:25")


FULL = "record/segment-000001.sqlite: the disk is full: free some space; memory is full too, and what comes is lost"
JUMP = NOW - 3600 * SECOND  # 21:13:20
LOST = {"radar": 12, "adsb": 30}
TROUBLE = {"not_recorded": True, "fault": FULL, "lost": LOST, "stepped_s": 10.0, "stepped_at": JUMP}


def test_a_fault_a_loss_and_a_jump_of_the_clock_are_told_by_name_below_the_header() -> None:
    lines = drawn(published(**TROUBLE)).splitlines()
    assert lines[1].strip() == f"record: {FULL}"
    assert lines[2].startswith("42 messages were not recorded (adsb 30, radar 12) and are not acknowledged")
    assert lines[3].startswith("the computer's clock jumped by +10.0 s at 21:13:20Z; times go on from before")
    assert "jumped by -3600.0 s" in drawn(published(stepped_s=-3600.0, stepped_at=NOW))
    for width, height in ((40, 40), (80, 24)):
        text = " ".join(drawn(published(**TROUBLE), width=width, height=height).split())
        for words in ("the disk is full", "42 messages were not recorded", "jumped by +10.0 s at 21:13:20Z"):
            assert words in text
    assert "restart to acknowledge" not in drawn(published(**TROUBLE))  # a full disk would not let it start
    assert "not acknowledged; restart to acknowledge these sources again" in drawn(published(lost=LOST))


def test_what_health_does_not_say_the_view_does_not_say() -> None:
    """A second jump back, a disk that answers again, nothing lost: nothing stands there."""
    plain = drawn(published())
    assert drawn(published(stepped_s=0.0, stepped_at=NOW, fault=None, lost={})) == plain
    for word in ("jumped", "not recorded", "record:"):
        assert word not in plain


def test_trouble_is_told_in_ukrainian_too() -> None:
    lines = drawn(published(**TROUBLE), "uk").splitlines()
    assert "диск заповнено: звільніть місце; пам'ять теж заповнена" in lines[1]
    assert lines[2].startswith("не записано повідомлень: 42 (adsb 30, radar 12)")
    assert lines[3].startswith("годинник комп'ютера стрибнув на +10.0 с о 21:13:20Z")
    for fault in (*segment._WORDS.values(), *segment._OS_WORDS.values()):
        assert fault in FAULTS or not fault.startswith("the disk")


def test_a_refused_configuration_and_what_needs_a_new_start_are_told_in_both_languages() -> None:
    wrong = Configured(NOW, changed=True, refused="line 3: sites[0].radius = 3\nline 4: run.tick = 1")
    for tongue, words in (("en", "the new configuration was refused"), ("uk", "нову конфігурацію відхилено")):
        said = drawn(published(config=wrong), tongue)
        assert f"{words}" in said
        assert "line 3: sites[0].radius = 3; line 4: run.tick = 1" in said
        assert published(wires=published().wires[:1]).state == OK
        assert published(wires=published().wires[:1], config=wrong).state == DEGRADED
    stays = Configured(NOW, changed=False, stays=("run.mode", "record.path"))
    assert "these settings stay until a new start: run.mode, record.path" in drawn(published(config=stays))
    assert "лише після перезапуску: run.mode, record.path" in drawn(published(config=stays), "uk")
    assert "the configuration file has changed" in drawn(published(config=Configured(NOW, changed=True)))
    assert "файл конфігурації змінено" in drawn(published(config=Configured(NOW, changed=True)), "uk")
    assert "config" not in drawn(published(config=Configured(NOW)))


def test_who_sends_too_fast_stands_beside_the_state_in_both_languages() -> None:
    fast = msgspec.structs.replace(published().wires[0], state=f"listening: {FAST} 192.0.2.7")
    for tongue, words in (
        ("en", "listening: faster than max_rate: 192.0.2.7"),
        ("uk", "слухає: швидше за max_rate: 192"),
    ):
        shown = published(wires=(fast,))
        assert words in drawn(shown, tongue)
        assert shown.state == DEGRADED


def test_what_a_path_says_cannot_change_the_screen() -> None:
    assert "\x1b" not in drawn(published(not_recorded=True, fault="\x1b[2J: the disk is full: free some space"))


@pytest.mark.parametrize("mode", list(Mode))
def test_each_mode_has_its_word(mode: Mode) -> None:
    shown = published(picture=replace(picture(), mode=mode))
    assert LANGUAGES["en"][mode] in drawn(shown).splitlines()[0]


def test_the_age_of_the_data_turns_red_at_three_seconds() -> None:
    red, green = "\x1b[1;31m", "\x1b[32m"
    assert f"{green}data 0.5 s" in coloured(published())
    assert f"{red}data 3.5 s" in coloured(published(time=NOW + 3 * SECOND))
    assert f"{red}data 4.5 s" in coloured(published(), stale=4.0)
    silent = Wire("new", "listening", 0, 0, 0, 0, 0, "udp://127.0.0.1:8600")
    assert f"{red}data - " in coloured(published(wires=(silent,)))


def test_the_site_with_the_next_arrival_stands_first_with_its_interval() -> None:
    text = drawn(published())
    assert re.search(r"Plant A\s+02:05\s+01:52-02:20\s+2\s+▲ ALERT", text)
    assert text.index("Plant A") < text.index("Harbour")
    assert re.search(r"Harbour\s+not watched: all around", text)


def test_the_track_that_raised_an_alert_stands_first() -> None:
    late = Alert("Harbour", 3, NOW, NOW + 900 * SECOND, NOW, NOW, 0.5, NOW)
    text = drawn(published(picture=replace(picture(), alerts=(late,))))
    rows = [one for one in text.splitlines() if "°" in one]
    assert [re.match(r"(▲ )?\s*(\d+)", one.strip()).group(2) for one in rows] == ["3", "1", "2"]  # type: ignore[union-attr]
    assert rows[0].strip().startswith("▲ 3")
    for word in ("coasting", "pending", "36.020 -30.960", "300", "50", "323°", "radar-1"):
        assert word in rows[0]
    for word in ("RYR1AB cannot be", "neutral", "aeroplane 80 %"):
        assert word in rows[2]


def test_each_source_has_state_counters_and_the_top_reason() -> None:
    text = drawn(published())
    assert re.search(r"radar\s+listening\s+100\s+90\s+95\s+10 malformed\s+0.5 s", text)
    assert re.search(r"adsb\s+waiting: connection refused\s+0\s+0\s+0\s+-", text)
    assert text.index("waiting: connection") < text.index("listening")


def test_clients_sent_away_stand_beside_the_state() -> None:
    full = Wire("radar", "connected", 100, 4000, 0, NOW, 64, "tcp://127.0.0.1:8600", 3)
    assert "connected (3 clients sent away)" in drawn(published(wires=(full,)))
    assert "(витіснено клієнтів: 3)" in drawn(published(wires=(full,)), "uk")


def test_an_address_that_has_gone_silent_is_trouble_and_named() -> None:
    lost = Wire("radar", f"listening: {QUIET} udp://127.0.0.1:8600", 100, 4000, 0, NOW, 0, "udp://127.0.0.1:8600")
    good = Wire("adsb", "listening", 100, 4000, 0, NOW, 0, "udp://127.0.0.1:1")
    shown = published(wires=(good, lost))
    assert shown.state == "degraded"
    text = drawn(shown)
    assert "listening: nothing for 10 s at udp://127.0.0.1:8600" in text
    assert text.index("\nradar ") < text.index("\nadsb ")
    assert "слухає: 10 с нічого на udp://127.0.0.1:8600" in drawn(shown, "uk", 200)


@pytest.mark.parametrize("tongue", LANGUAGES)
@pytest.mark.parametrize("trouble", [{}, TROUBLE], ids=["", "trouble"])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (200, 60), (40, 12)])
def test_the_view_fits_the_terminal_however_much_there_is(
    tongue: str, width: int, height: int, trouble: dict[str, Any]
) -> None:
    sites = tuple(Site(name=f"Site {i}", latitude=36.0, longitude=-31.0) for i in range(20))
    wires = tuple(Wire(f"source {i}", "listening", 1, 1, 0, NOW, 0, "udp://127.0.0.1:1") for i in range(30))
    shown = published(500, sites=sites, wires=wires, **trouble)
    lines = drawn(shown, tongue, width, height).rstrip("\n").split("\n")
    assert len(lines) <= height
    assert all(len(one) <= width for one in lines)
    hidden = {24: 16, 30: 14, 60: 4, 12: 20}[height]  # of 21 sites
    if trouble:
        assert LANGUAGES[tongue]["sites"] in "\n".join(lines)
        return
    assert f"({LANGUAGES[tongue]['more'].format(n=hidden)})" in line("\n".join(lines), LANGUAGES[tongue]["sites"])


def test_the_header_has_the_state_and_the_age_of_the_source_missed_longest() -> None:
    one = Wire("a", "listening", 5, 5, 0, NOW - SECOND // 2, 0, "udp://127.0.0.1:1")
    dead = Wire("b", "listening", 5, 5, 0, NOW - 60 * SECOND, 0, "udp://127.0.0.1:2")
    assert " OK " in drawn(published(wires=(one,))).splitlines()[0]
    assert " STALLED " in drawn(published(wires=(one,)), stale=5.0).splitlines()[0]
    assert "data 0.5-60.0 s" in drawn(published(wires=(one, dead))).splitlines()[0]
    assert "\x1b[1;31mdata 0.5-60.0 s" in coloured(published(wires=(one, dead)))
    header = drawn(published(wires=(one, dead), not_recorded=True), width=80).splitlines()[0]
    assert "NOT RECORDED" in header
    assert "DEGRADED" not in header


def test_sources_in_trouble_come_first_and_those_never_heard_last() -> None:
    def wire(name: str, state: str, last: int) -> Wire:
        return Wire(name, state, 1, 1, 0, last, 0, "udp://127.0.0.1:1")

    never = Wire("never", "listening", 0, 0, 0, 0, 0, "udp://127.0.0.1:1")
    wires = (
        never,
        wire("works", "listening", NOW),
        wire("silent", "listening", 1),
        wire("shut", "cannot listen: x", 0),
    )
    text = drawn(published(wires=wires))
    places = [text.index(f"{name} ") for name in ("\nsilent", "\nshut", "\nworks", "\nnever")]
    assert places == sorted(places)


def test_sources_get_the_room_that_sites_and_tracks_leave() -> None:
    wires = tuple(Wire(f"source {i}", "listening", 1, 1, 0, NOW, 0, "udp://127.0.0.1:1") for i in range(12))
    assert drawn(published(2, wires=wires, sites=()), height=24).count("source ") == 12
    assert drawn(published(200, wires=wires, sites=()), height=24).count("source ") == 5


@pytest.mark.parametrize(("east", "north", "said"), [(-0.1, 60.0, "000°"), (60.0, 0.0, "090°"), (0.0, 0.0, "000°")])
def test_a_heading_is_from_000_to_359(east: float, north: float, said: str) -> None:
    states = msgspec.structs.replace(columns(1), east_m_s=[east], north_m_s=[north])
    assert said in drawn(published(1, states=states))


@pytest.mark.parametrize("tongue", LANGUAGES)
@pytest.mark.parametrize("width", [40, 50, 60, 69])
def test_a_narrow_terminal_gets_fewer_columns_and_none_cut(tongue: str, width: int) -> None:
    one = Wire("radar", "listening", 100, 4000, 0, NOW - SECOND // 2, 0, "udp://127.0.0.1:8600")
    text = drawn(published(wires=(one,)), tongue, width)
    assert "…" not in text
    for word in ("Plant A", "▲", LANGUAGES[tongue]["live"], LANGUAGES[tongue]["listening"]):
        assert word in text


def test_an_empty_picture_and_none_at_all_can_be_drawn() -> None:
    assert "no data yet" in drawn(None)
    assert "даних ще немає" in drawn(None, "uk")
    assert "Tracks" in drawn(published(0, wires=(), sites=()))


def test_what_a_target_claims_cannot_change_the_screen() -> None:
    evil = Identity(1, Category.UNKNOWN, {"callsign": "[red]\x1b[2J[/x]"})
    sites = (Site(name="[blink]", latitude=1.0, longitude=2.0),)
    text = drawn(published(picture=replace(picture(), identities=(evil,)), sites=sites))
    assert "[red]?[2J[/x]" in text
    assert "[blink]" in text
    assert "\x1b" not in text


def test_times_are_minutes_and_seconds_and_never_negative() -> None:
    assert [minutes(s) for s in (-5, 0, 59.6, 61, 3600, 7384)] == [
        "00:00",
        "00:00",
        "01:00",
        "01:01",
        "60:00",
        "123:04",
    ]


def test_both_languages_have_all_words_and_the_same_blanks() -> None:
    english, ukrainian = LANGUAGES["en"], LANGUAGES["uk"]
    assert english.keys() == ukrainian.keys()
    for word, text in ukrainian.items():
        assert text
        blanks = [[name for _, name, _, _ in string.Formatter().parse(t) if name] for t in (english[word], text)]
        assert blanks[0] == blanks[1]
    shown = [
        *Mode,
        *Category,
        *Reason,
        OK,
        DEGRADED,
        NOT_RECORDED,
        STALLED,
        SILENT,
        NOTHING_YET,
        *GOOD,
        *FAULTS,
        *tls.FAULTS,
        *(s.name.lower() for s in (Status.CONFIRMED, Status.COASTING)),
    ]
    assert all(word in english for word in shown)


def test_ukrainian_is_drawn_in_ukrainian() -> None:
    text = drawn(published(), "uk")
    for word in (
        "НАЖИВО",
        "Є ЗБОЇ",
        "0.5 с",
        "80 мс",
        "підтверджено",
        "не за форматом",
        "Об'єкти",
        "ТРИВОГА",
        "Підстанція",
        "слухає",
        "за прогнозом",
    ):
        assert word in text
    for word in ("Sites", "Tracks", "Sources", "confirmed", "listening", "ALERT", "malformed", "DEGRADED"):
        assert word not in text


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "uk_UA.UTF-8"}, "uk"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "uk_UA.UTF-8", "SKYWARDEN_LANG": "en"}, "en"),
        ({"LANG": "C", "SKYWARDEN_LANG": "uk"}, "uk"),
        ({"LANG": "uk_UA.UTF-8", "LC_ALL": "C"}, "en"),
    ],
)
def test_the_language_follows_the_environment(environment: dict[str, str], expected: str) -> None:
    assert language(environment) == expected


def test_a_picture_for_documents_is_well_formed_svg_with_the_view_in_it(tmp_path: Path) -> None:
    path = tmp_path / "view.svg"
    picture_svg(published(), path)
    assert ET.fromstring(path.read_text("utf-8")).tag.endswith("svg")
    text = path.read_text("utf-8").replace("&#160;", " ")
    assert "Plant A" in text
    assert "▲ ALERT" in text


def test_the_live_view_draws_on_a_terminal_and_leaves_it_as_it_was() -> None:
    publisher = Publisher()
    publisher.publish(published(), [])
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        console = Console(file=terminal, width=80, height=24, force_terminal=True, color_system="standard")
        view = View(publisher, "en", console)
        view.start()
        seen = b""
        while b"Plant A" not in seen:
            assert select.select([ours], [], [], 5)[0], "nothing was drawn"
            seen += os.read(ours, 65536)
        view.stop()
        while select.select([ours], [], [], 0.1)[0]:
            seen += os.read(ours, 65536)
    os.close(ours)
    assert seen.index(b"\x1b[?1049h") < seen.index(b"Plant A") < seen.index(b"\x1b[?1049l")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_site_with_alerts_has_a_line_that_says_what_to_start_and_who_comes(width: int) -> None:
    span = Span(0.8, NOW + 60 * SECOND, NOW + 90 * SECOND, NOW + 200 * SECOND)
    start = Start("shelter", NOW + 30 * SECOND, 0.0, 0.1, NOW)
    group = Group(Heading("Plant A", Kind.DRONES, 6), (1, 2), span)
    state = SiteState("Plant A", Level.CRITICAL, NOW, span, 0, (start,))
    shown = published()
    shown = replace(shown, picture=replace(shown.picture, raids=Raids(NOW, (), (group,), (state,))))
    lines = drawn(shown, width=width).splitlines()
    (told,) = [one.rstrip() for one in lines if one.startswith("Plant A: ")]
    assert told.startswith("Plant A: shelter by ")
    assert len(told) <= width
    assert width < 60 or "2 drones from W" in told
    assert any(one.startswith("Plant A ") and "CRITICAL" in one for one in lines)
