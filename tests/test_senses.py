"""What every simulated sensor keeps to. Runs over SENSES: a new kind is tested by the line that enters it."""

import numpy as np
import pytest
from msgspec.structs import replace
from skies import ALL, busy, scene, start_of

from skywarden.geo import terrain
from skywarden.model.detection import Detections, Frame, Reason
from skywarden.model.place import Source
from skywarden.model.track import Mode
from skywarden.sensors import Reader
from skywarden.sim.scene.settings import Scene
from skywarden.sim.sense import SENSES, looks
from skywarden.sim.sky import Cover, Sense, Sent, Window

SECOND = 1_000_000_000
WINDOW = Window(30.0, 60.0)
MARKED = [kind for kind in SENSES if kind != "receivers"]  # ADS-B has no mark for what is simulated


def made(kind: str, text: str = ALL) -> tuple[Sense, Scene]:
    wanted = scene(text)
    return SENSES[kind](getattr(wanted, kind), wanted, terrain.flat(0.0), 7), wanted


def equal(one: Sent | Cover, other: Sent | Cover) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def decoded(sense: Sense, windows: list[Window], mode: Mode = Mode.SIM) -> tuple[list[Detections], dict[str, int], int]:
    """Everything that is sent, through the decoder that reads it."""
    source = Source(name=sense.source, format=sense.format, listen="udp://127.0.0.1:1", max_age_s=600.0)
    reader = Reader((source,), tuple(sense.sensors), mode)
    batches, refused, messages = [], dict[str, int](), 0
    for window in windows:
        sent = sense.sent(busy(), window)
        frame = Frame(sense.source, int(sent.time[-1]), sent.data.tobytes(), sent.lengths.astype("<u4").tobytes())
        found = reader.read(frame)
        batches += found.batches
        messages += found.messages
        for reason, count in found.refused.items():
            refused[reason] = refused.get(reason, 0) + count
    return batches, refused, messages


@pytest.mark.parametrize("kind", SENSES)
def test_a_window_gives_the_same_bytes_in_any_order(kind: str) -> None:
    sense, again = made(kind)[0], made(kind)[0]
    first, cover = sense.sent(busy(), WINDOW), sense.cover(busy(), WINDOW)
    again.sent(busy(), Window(0.0, 30.0))
    assert equal(again.sent(busy(), WINDOW), first)
    assert equal(again.cover(busy(), WINDOW), cover)
    assert len(first.time)


@pytest.mark.parametrize("kind", SENSES)
def test_messages_are_in_order_and_come_in_after_their_look(kind: str) -> None:
    sense, wanted = made(kind)
    sent = sense.sent(busy(), WINDOW)
    assert (np.diff(sent.time) >= 0).all()
    since = (sent.time - start_of(wanted)) / SECOND
    assert (since >= WINDOW.start).all()
    assert since.min() < WINDOW.end
    assert sent.lengths.sum() == len(sent.data)
    assert set(sent.sender.tolist()) <= set(range(len(sense.names)))


@pytest.mark.parametrize("kind", SENSES)
def test_what_is_sent_is_what_its_decoder_reads(kind: str) -> None:
    sense, _ = made(kind)
    batches, refused, messages = decoded(sense, [Window(0.0, 30.0), WINDOW])
    assert messages
    assert set(refused) <= {Reason.NO_REFERENCE}  # the first halves of pairs of positions
    assert batches


@pytest.mark.parametrize("kind", MARKED)
def test_nothing_simulated_enters_a_live_picture(kind: str) -> None:
    sense, _ = made(kind)
    batches, refused, _ = decoded(sense, [Window(0.0, 30.0), WINDOW], Mode.LIVE)
    assert not batches
    assert refused[Reason.SIMULATED]


@pytest.mark.parametrize("kind", SENSES)
def test_the_truth_of_detection_is_a_probability_of_known_sensors_and_targets_in_order(kind: str) -> None:
    sense, _ = made(kind)
    cover = sense.cover(busy(), WINDOW)
    assert len(cover.pd)
    assert ((cover.pd >= 0.01) & (cover.pd <= 1.0)).all()
    assert ((cover.second >= WINDOW.start) & (cover.second < WINDOW.end)).all()
    assert ((cover.sensor >= 0) & (cover.sensor < len(sense.names))).all()
    assert (np.lexsort((cover.sensor, cover.target, cover.second)) == np.arange(len(cover.pd))).all()


@pytest.mark.parametrize("kind", SENSES)
def test_a_sensor_that_is_lost_is_silent_and_covers_nothing(kind: str) -> None:
    sense, _ = made(kind, ALL + "\n[faults]\nlost = 1.0\n")
    late = Window(119.0, 120.0)  # lost at some time before
    assert len(sense.sent(busy(), late).time) + len(sense.cover(busy(), late).pd) <= 3


@pytest.mark.parametrize("kind", SENSES)
def test_every_sensor_has_a_name_a_place_and_an_interval(kind: str) -> None:
    sense, _ = made(kind)
    assert len(set(sense.names)) == len(sense.names) == len(sense.revisit) == len(sense.stands)
    assert (sense.revisit > 0).all()
    assert np.abs(np.degrees(sense.stands[:, 0]) - 29.5).max() < 1


@pytest.mark.parametrize("kind", SENSES)
def test_part_of_a_second_in_the_start_moves_no_sensor_against_the_others(kind: str) -> None:
    wanted = scene(ALL)
    later = replace(wanted.scenario, start=wanted.scenario.start.replace(microsecond=600_000))
    found = [
        SENSES[kind](getattr(one, kind), one, terrain.flat(0.0), 7).sent(busy(), WINDOW)
        for one in (wanted, replace(wanted, scenario=later))
    ]
    assert equal(*found)


@pytest.mark.parametrize("kind", ["cameras", "direction_finders"])
def test_looks_worked_on_a_few_at_a_time_are_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sense, _ = made(kind)
    sent, cover = sense.sent(busy(), WINDOW), sense.cover(busy(), WINDOW)
    monkeypatch.setattr(looks, "MOST", 7)
    assert equal(sense.sent(busy(), WINDOW), sent)
    assert equal(sense.cover(busy(), WINDOW), cover)
    assert len(cover.second)
