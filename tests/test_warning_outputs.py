"""Warnings as CAP, CloudEvents, CoT and text: what they say, and that nothing else is ever in them."""

import itertools
import json
import re
from math import cos, hypot, radians

import allowed
import pytest
from areas_told import PLANT, SECOND, SITES, T0, ending, following, message, messages, warning
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.model.mode import Mode
from skywarden.model.place import District, Site
from skywarden.model.raid import Level
from skywarden.model.warning import Begin, SiteWarned
from skywarden.outputs.checks import ENCODERS, problems
from skywarden.outputs.message import STATUS, Reference, Status, clean
from skywarden.outputs.outline import outline

KINDS = sorted(ENCODERS)


def written(kind, one):
    return ENCODERS[kind][0](one)


@given(messages())
@settings(deadline=None, max_examples=150)
def test_any_warning_in_any_format_holds_only_what_is_allowed(one):
    for kind in KINDS:
        data = written(kind, one)
        assert problems(kind, data, one) == []
        found = allowed.READ[kind](data)
        assert found["status"] == one.status or (kind == "command" and one.mark.startswith("EXERCISE"))


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("actual", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_only_a_live_picture_for_whom_it_is_meant_is_actual(mode, actual, kind):
    one = message(warning(mode=mode), actual=actual)
    data = written(kind, one)
    found = allowed.READ[kind](data)
    assert (found["status"] == "Actual") == (mode is Mode.LIVE and actual)
    assert ("НАВЧАННЯ".encode() in data) == (mode is not Mode.LIVE)
    assert (b"EXERCISE" in data) == (mode is not Mode.LIVE)
    assert ("ТЕСТ".encode() in data) == (mode is Mode.LIVE and not actual)


def test_the_table_of_status_knows_every_mode():
    assert set(STATUS) == {(mode, actual) for mode in Mode for actual in (False, True)}
    assert [key for key, status in STATUS.items() if status is Status.ACTUAL] == [(Mode.LIVE, True)]
    assert {STATUS[Mode.EXERCISE, actual] for actual in (False, True)} == {Status.EXERCISE}


def test_an_alert_its_update_and_its_end_in_cap():
    first = warning()
    alert = allowed.cap(written("cap", message(first)))
    assert (alert["msgType"], alert["identifier"], alert["sent"]) == (
        "Alert",
        f"{T0 // SECOND}-1-0",
        "2026-11-30T00:53:20-00:00",
    )
    got = (Reference(first.identifier, first.sent),)
    second = following(first)
    update = allowed.cap(written("cap", message(second, references=got)))
    assert update["references"] == f"example.org,{first.identifier},2026-11-30T00:53:20-00:00"
    got = (*got, Reference(second.identifier, second.sent))
    over = allowed.cap(written("cap", message(ending(second), references=got)))
    assert over["msgType"] == "Cancel"
    assert len(over["references"].split(" ")) == 2
    with pytest.raises(ValueError, match="nothing to refer to"):
        written("cap", message(ending(second)))


def test_an_update_is_an_alert_to_who_got_nothing_before():
    assert allowed.cap(written("cap", message(following(warning()))))["msgType"] == "Alert"


def test_what_is_read_in_both_languages():
    data = json.loads(written("webhook", message()))["data"]
    assert data["text"]["en"] == {
        "headline": "Air threat, critical: Plant A",
        "description": "Very likely: drones, cruise missiles. First arrival about 01:01 UTC, last about 01:09 UTC. "
        "Sites: Plant A (critical).",
        "instruction": "To do: Plant A: shelter the shift, start by 00:57 UTC.",
    }
    assert data["text"]["uk"]["description"].startswith("Дуже ймовірно: БпЛА, крилаті ракети. Перше прибуття близько")
    assert (data["first_arrival"], data["last_arrival"]) == ("2026-11-30T01:01:00Z", "2026-11-30T01:09:00Z")
    assert written("command", message(language="uk")).decode().split("\n")[0] == "Повітряна загроза, критично: Plant A"


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_keeps_a_real_warning_from_leaving(kind):
    for mark in ("TEST / ТЕСТ", "EXERCISE / НАВЧАННЯ: x"):
        sites = (SiteWarned(mark, Level.CRITICAL, (Begin(mark, T0 + 60 * SECOND),)),)
        one = message(warning(area=mark, sites=sites))._replace(outline=outline(mark, (PLANT,), None))
        assert problems(kind, written(kind, one), one) == []
        assert allowed.READ[kind](written(kind, one))["status"] == "Actual"


def test_the_end_promises_nothing():
    over = ending(warning())
    text = written("command", message(over, references=(Reference("1-1-0", T0),))).decode()
    assert "no promise that nothing comes" in text
    assert "clear" not in text.lower()


CUTS = {  # what a careless or malicious change would add, and where
    "cap": [
        (b"<scope>", b"<code>41</code><scope>"),
        (b"</info>", b"<parameter><valueName>speed</valueName><value>51</value></parameter></info>"),
        (b"-00:00</sent>", b"Z</sent>"),
        (b"00</sent>", b"00.5</sent>"),
        (b"50.451,30.523", b"50.45123,30.52345"),
        (b"<circle>50.451,30.523", b"<circle>350.451,30.523"),
        (b"<sender>", b"<!-- 51 m/s --><sender>"),
        (b"<scope>Public", b'<scope course="270">Public'),
    ],
    "webhook": [
        (b'"sites":[', b'"tracks":[41],"sites":['),
        (b'"sites":[', b'"sites":[{"site":"x","level":"warn","actions":[],"bearing":12},'),
        (b'"latitude":50.451', b'"latitude":50.451234'),
        (b'"kinds":["drones"', b'"kinds":["drones from the east"'),
    ],
    "cot": [
        (b"<detail>", b'<detail><track course="270" speed="51"/>'),
        (b'type="b-a-o-pan"', b'type="a-h-A-M-F-Q"'),
        (b'lat="50.451"', b'lat="50.45123"'),
    ],
    "command": [(b"\n", b"\n41 at 50.45123 30.52345\n"), (b"\nexample", "\n\u202eexample".encode())],
}


@pytest.mark.parametrize(("kind", "cut"), [(kind, cut) for kind, cuts in CUTS.items() for cut in cuts])
def test_what_does_not_belong_there_is_seen_by_who_reads_it_independently(kind, cut):
    data = written(kind, message())
    allowed.READ[kind](data)
    changed = data.replace(*cut, 1)
    assert changed != data
    with pytest.raises(AssertionError):
        allowed.READ[kind](changed)


WRONG = {
    "cap": [
        (b"-00:00</sent>", b"Z</sent>"),
        (b"<status>Test", b"<status>Actual"),
        (b"<language>uk-UA", b"<language>ru-RU"),
        ("TEST / ТЕСТ: Air".encode(), b"Air"),
        (b"<msgType>Alert", b"<msgType>Update"),
        (b"<circle>50.451,30.523", b"<circle>30.5234,50.451"),
        (b"<circle>50.451,30.523", b"<circle>99.451,30.523"),
        (b"</alert>", b""),
    ],
    "webhook": [
        (b'"status":"Test"', b'"status":"Actual"'),
        (b"50.451", b"50.4512"),
        (b".raised", b".updated"),
        ("TEST / ТЕСТ: Air".encode(), b"Air"),
    ],
    "cot": [
        (b'opex="s"', b'opex="o"'),
        (b"<detail>", b'<detail><track course="270"/>'),
        (b"b-a-o-pan", b"a-h-A"),
        (b'lat="50.451"', b'lat="50.45123"'),
    ],
    "command": [(b"\n", b"\n\n"), ("TEST / ТЕСТ: ".encode(), b"")],
}


@pytest.mark.parametrize(("kind", "cut"), [(kind, cut) for kind, cuts in WRONG.items() for cut in cuts])
def test_what_is_wrong_is_found_before_it_leaves(kind, cut):
    one = message(actual=False)
    data = written(kind, one)
    assert problems(kind, data, one) == []
    changed = data.replace(*cut, 1)
    assert changed != data
    assert problems(kind, changed, one) != []


def test_a_meant_message_of_another_mode_is_found_whoever_wrote_it():
    live = message(warning(), actual=True)
    for kind in KINDS:
        for mode in (Mode.EXERCISE, Mode.SIM, Mode.REPLAY):
            assert problems(kind, written(kind, live), message(warning(mode=mode), actual=True)) != []


def distance(one, other):
    return 6_371_000 * radians(hypot(one[0] - other[0], (one[1] - other[1]) * cos(radians(one[0]))))


def inside(point, polygon):
    crossings = 0
    for (a, b), (c, d) in itertools.pairwise(polygon):
        if (a > point[0]) != (c > point[0]) and point[1] < (d - b) * (point[0] - a) / (c - a) + b:
            crossings += 1
    return crossings % 2 == 1


def test_a_district_without_polygon_is_the_hull_around_its_sites_and_a_site_alone_a_circle():
    sites = (PLANT, Site(name="B", latitude=50.6, longitude=30.9, radius_m=5000.0))
    found = outline("North", sites, District(name="North", sites=("Plant A", "B"), code="KATOTTG=UA80"))
    assert found.polygon[0] == found.polygon[-1]
    assert all(inside((s.latitude + dy, s.longitude + dx), found.polygon) for s in sites for dx, dy in [(0.02, 0.01)])
    assert not inside((50.0, 30.0), found.polygon)
    alone = outline("Plant A", (PLANT,), None)
    assert (alone.polygon, alone.circle) == ((), (50.451, 30.523, 3.1))
    own = ((50.1, 30.1), (50.1, 30.4), (50.3, 30.4))
    drawn = outline("North", sites, District(name="North", sites=("B",), polygon=own))
    assert drawn.polygon == (*own, own[0])


@given(st.lists(SITES, min_size=1, max_size=5), st.booleans())
@settings(deadline=None, max_examples=100)
def test_an_outline_holds_all_of_its_sites(sites, grouped):
    sites = [s for s in sites if abs(s.latitude) < 70 and abs(s.longitude - 30) < 15 and s.radius_m < 50_000]
    if not sites or (not grouped and len(sites) > 1):
        return
    found = outline("x", sites, District(name="x") if grouped else None)
    for site in sites:
        assert distance(found.circle[:2], (site.latitude, site.longitude)) * 0.98 <= found.circle[2] * 1000 - (
            site.radius_m if not grouped and len(sites) == 1 else 0
        )
        assert not found.polygon or inside((site.latitude, site.longitude), found.polygon)


def test_a_polygon_goes_out_latitude_first():
    own = ((50.1, 30.1), (50.1, 30.4), (50.3, 30.4))
    shape = outline("North", (PLANT,), District(name="North", polygon=own, code="KATOTTG=UA80"))
    one = message()._replace(outline=shape)
    data = written("cap", one).decode()
    assert "<polygon>50.100,30.100 50.100,30.400 50.300,30.400 50.100,30.100</polygon>" in data
    assert "<valueName>KATOTTG</valueName><value>UA80</value>" in data
    assert json.loads(written("webhook", one))["data"]["area"]["polygon"][1] == [50.1, 30.4]
    assert 'lat="50.200" lon="30.250"' in written("cot", one).decode()


def test_across_180_degrees_only_a_circle_is_told():
    sites = (Site(name="E", latitude=1.0, longitude=179.99), Site(name="W", latitude=1.0, longitude=-179.9))
    found = outline("x", sites, District(name="x"))
    assert found.polygon == ()
    assert abs(found.circle[1]) > 179.9
    assert found.circle[2] < 20


@given(st.text())
@settings(deadline=None)
def test_a_name_is_one_line_that_can_be_seen(text):
    found = clean(text)
    assert 1 <= len(found) <= 100
    assert re.fullmatch(allowed.NAME, found)
    assert clean(found) == found
