"""Reports of direction finders, cameras and people: fields, errors, places, evidence, bad lines."""

import json
from math import log, nan, radians

import numpy as np
import pytest
from listening import AT, POST, SAMPLES, SECOND, lines

from skywarden import geo
from skywarden.model.assessment import CLASSES, Class
from skywarden.model.detection import Decoded, Detections, ErrorMeaning, Frame, Kind, Reason, Reporter, TimeKind
from skywarden.model.place import NorthReference, Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors import Reader
from skywarden.sensors.reports import Reports, camera, direction_finder, observer
from skywarden.sensors.reports import memory as remembered
from skywarden.sensors.reports.message import LONGEST, Spot

SOURCE = Source(name="people", format="reports", listen="tcp://127.0.0.1:9002")
SPOT = Spot(36.30, -33.10, 25.0)
FINDER = direction_finder(sensor="DF 1", number=1, time=AT, place=SPOT, azimuth_deg=87.5, sigma_deg=2.0)


def made(*sensors: Sensor, live: bool = True) -> Reports:
    return Reports(SOURCE, sensors, Mode.LIVE if live else Mode.SIM)


def decode(*found: bytes, decoder: Reports | None = None) -> Decoded:
    return (decoder or made()).decode(Frame.of("people", AT + SECOND, *found))


def only(*found: bytes, decoder: Reports | None = None) -> Detections:
    (batch,) = decode(*found, decoder=decoder).batches
    return batch


def seen(**fields: object) -> bytes:
    """Return a person's line as JSON, with other or further fields; None leaves one out."""
    report = {"type": "observer", "sensor": "phones", "number": 1, "time": AT, "who": "a8f3", "seen": True}
    report |= {"azimuth_deg": 140.0, "place": {"latitude": 36.32, "longitude": -33.05}} | fields
    return json.dumps({name: value for name, value in report.items() if value is not None}).encode() + b"\n"


def test_a_direction_finder_gives_a_direction_from_where_it_stands() -> None:
    batch = only(lines()[0])
    assert (batch.kind, batch.sensor, batch.time.tolist()) == (Kind.DIRECTION, "people/DF 1", [AT])
    assert np.degrees(batch.z[0, 0]) == pytest.approx(87.5)
    assert np.isnan(batch.z[0, 1])
    assert np.degrees(np.sqrt(batch.covariance[0, 0, 0])) == pytest.approx(2.0)
    assert batch.place is not None
    assert batch.place.position == pytest.approx(geo.ecef(radians(36.30), radians(-33.10), 25.0))
    assert [(claim.name, claim.value) for claim in batch.claims] == [("signal", "analogue video")]


def test_a_cameras_probabilities_become_evidence_without_its_own_expectation() -> None:
    evidence = only(lines()[1]).evidence
    assert evidence is not None
    said = dict(zip(CLASSES, evidence[0].tolist(), strict=True))
    assert said[Class.MULTIROTOR] == pytest.approx(log(7.0))  # 0.7 after, 0.1 before
    assert said[Class.BIRD] == pytest.approx(-log(3.0))  # 0.2 after, 0.6 before
    assert said[Class.UAV_PISTON] == pytest.approx(-log(3.0))  # what is left: 0.1 after, 0.3 before
    # Bayes' rule gives the camera's probabilities back: prior times the likelihood ratios, of three parts.
    parts = [0.1 * np.exp(said[Class.MULTIROTOR]), 0.6 * np.exp(said[Class.BIRD]), 0.3 * np.exp(said[Class.CRUISE])]
    assert np.array(parts) / sum(parts) == pytest.approx([0.7, 0.2, 0.1])


def test_a_camera_that_only_repeats_its_expectation_is_no_evidence() -> None:
    shares = {Class.BIRD: 0.8, Class.MULTIROTOR: 0.2}
    angles = {"azimuth_deg": 1.0, "elevation_deg": 2.0, "azimuth_sigma_deg": 0.1, "elevation_sigma_deg": 0.1}
    line = camera(sensor="c", number=1, time=AT, place=SPOT, classes=shares, prior=shares, **angles)
    evidence = only(line).evidence
    assert evidence is not None
    assert np.abs(evidence).max() < 1e-9
    certain = camera(
        sensor="c", number=2, time=AT, place=SPOT, classes={Class.BIRD: 1.0}, prior={Class.BIRD: 0.5}, **angles
    )
    found = only(certain).evidence
    assert found is not None
    assert np.isfinite(found).all()
    without = camera(sensor="c", number=3, time=AT, place=SPOT, classes={Class.BIRD: 1.0}, prior={}, **angles)
    assert decode(without).refused == {Reason.IMPLAUSIBLE: 1}


def test_a_person_who_sees_gives_a_wide_direction_and_one_who_hears_the_past_place() -> None:
    device, ears = only(lines()[2]), only(lines()[3])
    assert (device.kind, ears.kind) == (Kind.DIRECTION, Kind.SOUND)
    assert np.degrees(np.sqrt(device.covariance[0, 0, 0])) == pytest.approx(5.0)
    assert np.degrees(np.sqrt(ears.covariance[0, 0, 0])) == pytest.approx(15.0)
    assert ears.time_kind is TimeKind.ARRIVAL
    assert (ears.time[0], ears.sent) == (AT + 3 * SECOND, AT + 9 * SECOND)
    assert ears.time_sigma[0] > device.time_sigma[0] > 1.0
    assert device.evidence is not None
    assert device.evidence[0, CLASSES.index(Class.UAV_PISTON)] == pytest.approx(log(4.0))
    assert device.place is not None
    assert device.place.position == pytest.approx(geo.ecef(radians(POST.latitude), radians(POST.longitude), 40.0))
    assert ears.roots == ("observer 77c0",)


def test_who_reports_is_told_from_devices_and_from_others() -> None:
    said = [only(seen(who=who, trained=trained)) for who, trained in (("a", True), ("a", False), ("b", False))]
    assert [batch.reporter for batch in said] == [Reporter.OBSERVER, Reporter.CITIZEN, Reporter.CITIZEN]
    first, again, other = (batch.node.tolist() for batch in said if batch.node is not None)
    assert first == again != other
    finder = only(direction_finder(sensor="d", number=1, time=AT, place=SPOT, azimuth_deg=1.0, sigma_deg=2.0))
    assert (finder.reporter, finder.node) == (Reporter.DEVICE, None)


def test_a_circle_on_a_map_holds_95_percent() -> None:
    batch = only(lines()[4])
    assert batch.kind is Kind.PLANE
    assert np.degrees(batch.z[0]) == pytest.approx([36.4, -33.2])
    assert batch.error_meaning is ErrorMeaning.PERCENT_95
    assert batch.evidence is None  # "unknown" is no word for anything
    drawn = np.random.default_rng(1).multivariate_normal(np.zeros(2), batch.covariance[0], 20_000)  # east, north, m
    assert np.mean(np.linalg.norm(drawn, axis=-1) < 2000.0) == pytest.approx(0.95, abs=0.01)


def test_times_are_iso_with_a_zone_or_nanoseconds() -> None:
    assert only(seen(time="2026-09-21T17:33:20+03:00")).time.tolist() == [1_790_001_200_000_000_000]
    assert only(seen(time="2026-09-21T14:13:20.25Z")).time.tolist() == [AT + SECOND // 4 - 0]
    assert decode(seen(time="2026-09-21T14:13:20")).refused == {Reason.MALFORMED: 1}
    for time in ("0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59Z", -1, 2**63):
        assert decode(seen(time=time)).refused == {Reason.IMPLAUSIBLE: 1}, time


def test_a_device_that_says_it_moves_stands_where_each_report_says() -> None:
    decoder = made()
    for k, north in enumerate((36.30, 36.35)):
        line = direction_finder(
            sensor="van",
            number=k,
            time=AT,
            place=Spot(north, -33.10, 25.0),
            azimuth_deg=80.0,
            sigma_deg=2.0,
            mobile=True,
        )
        found = decode(line, decoder=decoder)
        assert not found.refused
        assert found.batches[0].place is not None
        assert found.batches[0].place.position == pytest.approx(geo.ecef(radians(north), radians(-33.10), 25.0))


def test_a_configured_place_and_north_go_before_what_is_said() -> None:
    block = Sensor(name="DF 1", source="people", latitude=36.35, longitude=-33.10, height_m=25.0)
    found = decode(FINDER, decoder=made(block))
    assert (found.messages, dict(found.refused)) == (1, {Reason.MOVED: 1})
    place = found.batches[0].place
    assert place is not None
    assert place.position == pytest.approx(geo.ecef(radians(36.35), radians(-33.10), 25.0))
    magnetic = Sensor(
        name="DF 1", source="people", latitude=36.30, longitude=-33.10, north_reference=NorthReference.MAGNETIC
    )
    turned = only(FINDER, decoder=made(magnetic)).place
    assert turned is not None
    north = turned.rotation[1] @ geo.east_north_up(radians(36.30), radians(-33.10)).T
    year = 1970 + AT / 31_556_952e9
    declination = float(geo.declination(radians(36.30), radians(-33.10), 0.0, year))
    assert np.arctan2(north[0], north[1]) == pytest.approx(declination)


def test_a_name_is_the_sources_own_unless_the_source_has_a_block_of_it() -> None:
    """Whoever may write a line would else pass for another source's radar: take its quota, its coverage, its biases."""
    sources = (SOURCE, Source(name="more", format="reports"), Source(name="coast", format="asterix"))
    radar = Sensor(name="coast radar", source="coast", sac=1, sic=1, detection_probability=0.9, max_range_m=9e4)
    reader = Reader(sources, (radar, Sensor(name="DF 1", source="people", max_range_m=8e3)), Mode.LIVE)
    written = ("coast radar", "coast", "coast/1-1", "DF 1", "people/DF 1")
    circle = {"azimuth_deg": None, "at": {"latitude": 36.4, "longitude": -33.2}, "radius_m": 900.0, "number": 2}
    said = [seen(sensor=name) for name in written] + [seen(sensor=name, **circle) for name in written]
    for source, own in ((SOURCE, {"DF 1"}), (sources[1], set[str]())):
        found = reader.read(Frame.of(source.name, AT + SECOND, *said)).batches
        wanted = [name if name in own else f"{source.name}/{name}" for name in written]
        assert [batch.sensor for batch in found] == [*wanted, *wanted]
        assert [batch.coverage is not None for batch in found] == [name in own for name in (*written, *written)]


def test_a_device_is_enrolled_where_it_first_says_it_stands() -> None:
    decoder, far = made(), Spot(36.32, -33.10)
    assert decode(FINDER, decoder=decoder).refused == {}
    spoofed = direction_finder(sensor="DF 1", number=2, time=AT, place=far, azimuth_deg=1.0, sigma_deg=2.0)
    found = decode(spoofed, decoder=decoder)
    assert dict(found.refused) == {Reason.MOVED: 1}
    assert found.batches[0].place is not None
    assert found.batches[0].place.position == pytest.approx(geo.ecef(radians(36.30), radians(-33.10), 25.0))
    nowhere = direction_finder(sensor="DF 2", number=1, time=AT, azimuth_deg=1.0, sigma_deg=2.0)
    assert decode(nowhere, decoder=decoder).refused == {Reason.SITE_UNKNOWN: 1}


def test_people_walk_about() -> None:
    there = {"latitude": 36.4, "longitude": -33.05}
    found = decode(seen(), seen(number=2, place=there))
    assert (found.messages, dict(found.refused)) == (2, {})
    places = [batch.place for batch in found.batches]
    assert places[0] is not None
    assert places[1] is not None
    assert np.linalg.norm(places[0].position - places[1].position) == pytest.approx(8880, rel=0.01)
    mended = decode(seen(place=None), seen())
    assert (mended.messages, dict(mended.refused)) == (1, {Reason.SITE_UNKNOWN: 1})


def test_a_report_twice_is_counted_once_and_two_people_are_two() -> None:
    assert decode(seen(), seen(), seen(who="b"), seen(number=2)).refused == {Reason.DUPLICATE: 1}


@pytest.mark.parametrize("mark", ["simulated", "test"])
def test_a_marked_report_never_enters_a_live_picture(mark: str) -> None:
    assert decode(seen(mark=mark)).refused == {Reason.SIMULATED: 1}
    assert decode(seen(mark=mark), decoder=made(live=False)).messages == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\n", Reason.MALFORMED),
        (b"[1, 2]\n", Reason.MALFORMED),
        (b"\xff\xfe{}\n", Reason.MALFORMED),
        (seen()[:-9] + b"\n", Reason.MALFORMED),
        (seen(type="radar"), Reason.MALFORMED),
        (seen(who=None), Reason.MALFORMED),
        (seen(azimuth_deg="north"), Reason.MALFORMED),
        (seen(azimuth_deg=nan), Reason.MALFORMED),
        (seen().replace(b"140.0", b"1e999"), Reason.MALFORMED),
        (seen(mark="real"), Reason.MALFORMED),
        (seen(what="balloon"), Reason.MALFORMED),
        (seen(extra="\xff").replace(b'"\\u00ff"', b"[" * 3000), Reason.MALFORMED),
        (seen(text="x" * LONGEST), Reason.OVERSIZE),
        (seen(text="x" * 501), Reason.IMPLAUSIBLE),
        (seen(azimuth_deg=400.0), Reason.IMPLAUSIBLE),
        (seen(place={"latitude": 91.0, "longitude": 0.0}), Reason.IMPLAUSIBLE),
        (seen(count=0), Reason.IMPLAUSIBLE),
        (seen(number=-1), Reason.IMPLAUSIBLE),
        (seen(sensor=""), Reason.IMPLAUSIBLE),
        (seen(sensor="\x1b[31m"), Reason.IMPLAUSIBLE),
        (seen(who="x" * 65), Reason.IMPLAUSIBLE),
        (seen(azimuth_deg=None), Reason.IMPLAUSIBLE),
        (seen(at={"latitude": 36.4, "longitude": -33.2}, radius_m=100.0), Reason.IMPLAUSIBLE),
        (seen(time_sent=AT - 5 * SECOND), Reason.IMPLAUSIBLE),
        (FINDER.replace(b'"sigma_deg":2.0', b'"sigma_deg":0.0'), Reason.IMPLAUSIBLE),
    ],
)
def test_a_bad_line_is_counted_under_its_reason(line: bytes, reason: Reason) -> None:
    found = decode(line, seen())
    assert (found.messages, dict(found.refused)) == (1, {reason: 1})


def test_made_up_names_end_at_a_limit_and_shut_out_nobody_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MAX_SENSORS", 3)
    decoder = made(Sensor(name="post", source="people"))
    found = decode(*(seen(sensor=f"s{k}") for k in range(5)), decoder=decoder)
    assert dict(found.refused) == {Reason.QUOTA: 2}
    assert decode(seen(sensor="s0", number=9), seen(sensor="post"), decoder=decoder).messages == 2


def test_memory_of_copies_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MAX_RECENT", 20)
    decoder = made()
    decode(*(seen(number=k) for k in range(100)), decoder=decoder)
    assert len(decoder.state.recent) <= 20
    assert decode(seen(number=99), decoder=decoder).refused == {Reason.DUPLICATE: 1}


def test_the_encoder_leaves_out_what_is_not_said() -> None:
    line = observer(sensor="phones", number=1, time=AT, who="a", seen=False, azimuth_deg=1.0)
    assert json.loads(line) == {
        "type": "observer", "sensor": "phones", "number": 1, "time": AT, "who": "a", "seen": False, "azimuth_deg": 1.0,
    }  # fmt: skip
    assert line.endswith(b"}\n")


def test_the_sample_is_what_the_encoder_writes() -> None:
    assert (SAMPLES / "reports" / "coast.jsonl").read_bytes() == b"".join(lines())
