"""The report page: complete, safe, small, in both languages, and nothing on it overlaps."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import numpy as np
import pytest
import small_raid
from small_raid import Flight

from skywarden.score.figures import figures
from skywarden.score.level import plane
from skywarden.score.measures import MEASURES
from skywarden.score.report import page
from skywarden.score.svg import LETTER, axis, span, thinned
from skywarden.score.verdict import Judged, verdict
from skywarden.score.words import WORDS

VOID = {"meta", "input"}


class Reader(HTMLParser):
    """Checks that tags close, and keeps texts by the tag that they stand in."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self.refers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            assert name not in {"style", "src", "href"}, (tag, name)
            if name == "id":
                self.ids.append(str(value))
            if name in {"aria-labelledby", "for"}:
                self.refers.append(str(value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, _ in attrs:
            assert name != "style"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)


def made(flights: list[Flight], name: str = "small", **changed: bytes) -> str:
    files = small_raid.files(flights) | {key.replace("_", "."): value for key, value in changed.items()}
    judged = verdict([small_raid.case(files, name)])
    return page(judged, figures(judged, np.random.default_rng(1)))


@pytest.fixture(scope="module")
def judged() -> tuple[Judged, ...]:
    return verdict([small_raid.case(small_raid.files(small_raid.raid(3, 14)))])


@pytest.fixture(scope="module")
def report(judged: tuple[Judged, ...]) -> str:
    return page(judged, figures(judged, np.random.default_rng(1)))


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader


def test_the_page_is_well_formed_and_its_labels_lead_somewhere(report: str) -> None:
    reader = read(report)
    assert reader.open == []
    assert len(set(reader.ids)) == len(reader.ids)
    assert set(reader.refers) <= set(reader.ids)


def test_the_page_asks_nobody_for_anything(report: str) -> None:
    assert re.findall(r"https?:|//[a-z]|url\(|@import|fetch\(|XMLHttp", report) == []
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', report)
    assert policy
    assert policy[1].startswith("default-src 'none'")
    for tag in ("style", "script"):
        text = re.findall(rf"<{tag}>(.*?)</{tag}>", report, re.DOTALL)
        assert len(text) == 1
        assert f"{tag}-src 'sha256-{b64encode(sha256(text[0].encode()).digest()).decode()}'" in policy[1]


def test_every_drawing_is_there_and_has_marks_on_it(report: str) -> None:
    for name in ("verdict", "leads", "alarms", "inside", "reliability", "gospa", "counts", "errors", "coverage"):
        drawn = re.search(rf'<svg [^>]*aria-labelledby="h-{name}">(.*?)</svg>', report, re.DOTALL)
        assert drawn, name
        assert re.search(r'class="(c\d|line s\d)', drawn[1]), name
        assert "nan" not in drawn[1].lower().replace("finance", "")


def boxes(drawn: str, language: str) -> list[tuple[float, float, float, float, str]]:
    found = []
    for kind, x, y, anchor, said in re.findall(
        r'<text class="([^"]*)" x="([-\d.]+)" y="([-\d.]+)" text-anchor="(\w+)">([^<]*)</text>', drawn
    ):
        if {"en": "uk", "uk": "en"}[language] in kind.split() or not said:
            continue
        wide = LETTER * len(said)
        left = float(x) - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
        found.append((left, float(y) - 10, left + wide, float(y) + 2, said))
    return found


@pytest.mark.parametrize("language", ["en", "uk"])
def test_no_two_labels_of_a_drawing_overlap(report: str, language: str) -> None:
    apart(report, language)


def test_long_names_have_two_lines_and_overlap_nothing() -> None:
    long = "Tarrowness power station"
    kinds = ("one-way UAV with a piston engine", "thing-without-any-space-in-its-name", "decoy")
    files = small_raid.files([Flight(kind, k % 2, k, 40_000, 50, kind=kind) for k, kind in enumerate(kinds)])
    files = {name: data.replace(b"Alpha", long.encode()) for name, data in files.items()}
    judged = verdict([small_raid.case(files)])
    text = page(judged, figures(judged, np.random.default_rng(1)))
    assert f"<g><title>{long}</title>" in text
    assert ">Tarrowness power<" in text
    apart(text, "en")


def apart(report: str, language: str) -> None:
    for drawn in re.findall(r'<svg viewBox="0 0 480[^>]*>(.*?)</svg>', report, re.DOTALL):
        level = re.sub(r'<g transform="translate.*?</g>', "", drawn)  # the title of y stands upright at the edge
        texts = boxes(level, language)
        assert len(texts) > 4
        for k, (left, top, right, bottom, said) in enumerate(texts):
            assert left > -8, said
            assert right < 488, said
            for a, b, c, d, other in texts[:k]:
                assert right <= a + 2 or c <= left + 2 or bottom <= b or d <= top, (said, other)


def test_the_map_moves_what_flew(report: str, judged: tuple[Judged, ...]) -> None:
    data = json.loads(re.search(r'id="data">(.*?)</script>', report, re.DOTALL)[1])
    given = judged[0].case
    assert len(data["targets"]) == len(given.truth.names)
    assert len(data["tracks"]) == len(given.tracks.names)
    latitude, longitude = (np.radians(np.mean([s[k] for s in small_raid.SITES])) for k in ("latitude", "longitude"))
    for number, (first, kind, *steps) in enumerate(data["targets"]):
        rows = given.truth.id == number
        places = plane(given.below[rows], latitude, longitude)
        moved = np.cumsum(np.array(steps).reshape(-1, 2), axis=0) * data["unit"]
        second = (given.truth.time[rows] - given.span()[0]) / 1e9
        kept = (first + np.arange(len(moved))) * data["dt"]
        close = np.abs(second[:, None] - kept).argmin(axis=0)
        assert np.abs(places[close] - moved).max() < 250 * (0.5 + data["dt"] / 2)
        assert kind == int(given.truth.names[number] != "liner")
    assert [site["name"] for site in data["sites"]] == ["Alpha", "Bravo"]
    assert all(a < b for site in data["sites"] for a, b in site["alarm"])


def test_birds_and_their_tracks_have_a_mark_of_their_own() -> None:
    flights = [Flight("a", 0, 0.5, 40_000, 50), Flight("b", 0, 3.0, 40_000, 15, kind="bird", raid=False, miss=9000.0)]
    data = json.loads(re.search(r'id="data">(.*?)</script>', made(flights), re.DOTALL)[1])
    assert [kind for _, kind, *_ in data["targets"]] == [1, 2]
    assert [kind for _, kind, *_ in data["tracks"]] == [1, 2]


def test_many_sensors_of_one_kind_are_a_crowd_and_few_are_not() -> None:
    flights = [Flight("a", 0, 0.5, 40_000, 50)]
    many = [*small_raid.SENSORS, *[{**small_raid.SENSORS[1], "name": f"ears-{k}"} for k in range(5000)]]
    data = json.loads(re.search(r'id="data">(.*?)</script>', made(flights, sensors_json=dumped(many)), re.DOTALL)[1])
    assert sum(1 - crowd for _, _, crowd in data["sensors"]) == 1  # the radar
    assert 1000 < sum(crowd for _, _, crowd in data["sensors"]) <= 3000


def dumped(rows: list[dict[str, object]]) -> bytes:
    return json.dumps(rows).encode()


def test_names_from_files_cannot_become_markup() -> None:
    evil = '<script>alert(1)</script>"'
    text = made([Flight("a", 0, 0.5, 40_000, 50, kind="<b>x</b>")], evil)
    read(text)
    assert "<script>alert" not in text
    assert "<b>x" not in text


def test_a_page_without_alerts_arrivals_and_coverage_says_so() -> None:
    flights = [Flight("a", 0, 0.5, 40_000, 50)]
    empty = small_raid.files(flights)
    text = made(
        flights, alerts_csv=empty["alerts.csv"].split(b"\n")[0], arrivals_csv=empty["arrivals.csv"].split(b"\n")[0]
    )
    reader = read(text)
    assert WORDS["nothing-arrivals"][0] in reader.texts["span"]
    assert "nan" not in re.findall(r"<svg.*?</svg>", text, re.DOTALL).__str__().lower()


def test_a_page_without_any_attack_says_so() -> None:
    text = made([Flight("liner", 0, 0.5, 60_000, 230, raid=False)])
    assert WORDS["nothing-attacks"][0] in read(text).texts["span"]


def test_every_word_and_definition_is_in_both_languages() -> None:
    cyrillic = re.compile("[а-яіїєґ]")
    pairs = {**WORDS, **{name: (row.english, row.ukrainian) for name, row in MEASURES.items()}}
    for key, (english, ukrainian) in pairs.items():
        if key not in {"percent", "language"}:
            assert not cyrillic.search(english.lower()), key
            assert cyrillic.search(ukrainian.lower()), key


def test_every_figure_has_a_row_and_every_row_a_figure(judged: tuple[Judged, ...]) -> None:
    assert {one.name for one in figures(judged, np.random.default_rng(1))} == set(MEASURES)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (3.2, 17.9), (0, 0), (-4, 1e6), (0.001, 0.0013), (5, float("nan"))])
def test_an_axis_has_round_ticks_around_its_values(low: float, high: float) -> None:
    found = axis(low, high)
    assert 3 <= len(found.ticks) <= 12
    if np.isfinite(high):
        assert found.low <= low <= high <= found.high
    steps = np.diff(found.ticks)
    assert np.allclose(steps, steps[0])
    assert round(steps[0] / 10 ** np.floor(np.log10(steps[0]) + 1e-9), 6) in {1, 2, 5}
    assert span(3.2, 17.9).low == 3.2


def test_a_thinned_curve_keeps_its_mean() -> None:
    y = np.random.default_rng(1).normal(size=(2, 5000))
    x, thin = thinned(np.arange(5000.0), y)
    assert thin.shape == (2, 400)
    assert (np.diff(x) > 0).all()
    assert thin.mean(axis=1) == pytest.approx(y.mean(axis=1), abs=0.01)
