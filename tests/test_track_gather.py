"""Batches as looks, against plain loops; and what the filter knows between two ticks, in and out again."""

from dataclasses import fields, replace

import numpy as np
import pytest
from track_world import START, Flight, Radar, Sky, batch

from skywarden.model.detection import Kind
from skywarden.model.event import Started, Tick
from skywarden.model.track import Beliefs, Mode
from skywarden.pipeline import Line
from skywarden.saved import digest
from skywarden.sensors import take
from skywarden.track.beliefs import closed, opened, without
from skywarden.track.gather import QUANTUM, gather
from skywarden.track.items import items, together
from skywarden.track.pool import GROUP, LEAF, TARGET
from skywarden.track.settings import TrackerSettings
from skywarden.track.table import existences

SETTINGS = TrackerSettings(detection_probability=0.7, false_alarms_per_km2=3e-3)
PLACES = [Radar("r", 3000.0 * k, 0.0).place for k in range(3)]
WIDTHS = {Kind.POSITION: 3, Kind.PLANE: 2, Kind.POLAR: 4, Kind.DIRECTION: 2}


def some(rng, sensor, kind):
    """Return a batch whose times spread over seconds, in any order."""
    n, width = int(rng.integers(1, 12)), WIDTHS[kind]
    t = np.round(rng.uniform(-3.0, 3.0, n), int(rng.integers(0, 3)))
    root = rng.normal(size=(n, width, width))
    return batch(
        kind,
        sensor,
        t,
        rng.normal(size=(n, width)),
        root @ root.swapaxes(1, 2),
        place=PLACES[rng.integers(3)] if kind in (Kind.POLAR, Kind.DIRECTION) else None,
        subject=rng.integers(-1, 3, n),
        number=rng.permutation(n) + int(rng.integers(1000)),
        address=rng.integers(-1, 9, n),
        time_sigma=rng.uniform(0.0, 1.0, n),
        revisit=float(rng.choice([0.001, 0.2, 4.0])),
    )


def batches(rng):
    kinds = list(WIDTHS)
    return [some(rng, f"sensor {rng.integers(4)}", kinds[rng.integers(4)]) for _ in range(rng.integers(1, 6))]


def senses_of(given):
    """Return what makes two rows be of one sensor: name, kind, place and revisit."""
    return [
        (one.sensor, one.kind, b"" if one.place is None else one.place.position.tobytes(), one.revisit) for one in given
    ]


def looks_of(given, names):
    """Return looks as [(batch, row), ...] each, in order. names: of each row of each batch. By plain loops."""
    parts = {}
    for k, sense in enumerate(senses_of(given)):
        for i, time in enumerate(given[k].time.tolist()):
            longest = min(0.1, max(sense[3], 0.05) / 2)
            slot = (time // QUANTUM, int(time % QUANTUM // round(longest * 1e9)))
            parts.setdefault((sense, slot), []).append((time, names[k][i], k, i))
    found = []
    for (sense, _), rows in parts.items():
        turns, often = {}, {}
        for time, name, k, i in sorted(rows):
            subject = int(given[k].subject[i] if given[k].subject[i] >= 0 else given[k].address[i])
            subject = 0 if given[k].kind in (Kind.PLANE, Kind.DIRECTION) else subject
            turn = often.get(subject, 0) if subject >= 0 else 0
            often[subject] = turn + 1
            turns.setdefault(turn, []).append((time, name, k, i))
        for turn, some in turns.items():
            low, high = some[0][0], some[-1][0]
            found.append(((low + (high - low) // 2, *sense[:2]), turn, [(k, i) for _, _, k, i in some]))
    return sorted(found, key=lambda look: look[0])


def flat(given):
    return [(k, i) for k, one in enumerate(given) for i in range(len(one))]


@pytest.mark.parametrize("seed", range(40))
def test_looks_are_what_plain_loops_make_of_the_batches(seed):
    rng = np.random.default_rng(seed)
    given, known = batches(rng), ("sensor 2", "gone")
    new = items(given, SETTINGS)
    found = gather(new, known)
    rows = flat(given)
    names = [[int(new.rows["name"][rows.index((k, i))]) for i in range(len(one))] for k, one in enumerate(given)]
    wanted = looks_of(given, names)
    made = [[rows[j] for j in found.origin[look["begin"] : look["end"]]] for look in found.looks]
    assert sorted(made) == sorted(part for _, _, part in wanted)
    assert found.looks["time"].tolist() == [look[0][0] for look in wanted]
    assert sorted(found.origin.tolist()) == list(range(len(rows)))
    assert not len(found.repeated)
    seen = [given[part[0][0]].sensor for part in made]
    assert found.sensors == (*known, *(name for name in dict.fromkeys(seen) if name not in known))
    for row, part in zip(found.looks, made, strict=True):
        one, mine = given[part[0][0]], slice(row["begin"], row["end"])
        width = WIDTHS[one.kind]
        assert found.sensors[row["sensor"]] == one.sensor
        assert np.array_equal(found.given.z[mine, :width], [given[k].z[i] for k, i in part])
        assert np.isnan(found.given.z[mine, width:]).all()
        assert np.array_equal(found.given.covariance[mine, :width, :width], [given[k].covariance[i] for k, i in part])
        for name in ("time", "time_sigma", "address"):
            assert getattr(found.given, name)[mine].tolist() == [getattr(given[k], name)[i] for k, i in part]
        assert found.given.name[mine].tolist() == [names[k][i] for k, i in part]
        assert row["kind"] == one.kind
        assert row["whole"] == 0
        assert row["missable"] == (one.kind in (Kind.POSITION, Kind.POLAR))
        assert row["revisit"] == max(one.revisit, 0.05)
        assert row["detection"] == 0.7
        assert row["clutter"] == (1.0 if one.kind == Kind.DIRECTION else pytest.approx(3e-9))  # 1/m^2
        if one.place is not None:
            assert np.array_equal(row["position"], one.place.position)
            assert np.array_equal(row["rotation"], one.place.rotation)
    assert not found.given.code.any()
    assert not found.given.label.any()


def shuffled(rng, given):
    """Return the rows of some batches in other batches of other sizes, in any order; none is cut off its sensor."""
    parts = [take(one, np.arange(len(one)) == i) for one in given for i in range(len(one))]
    return [parts[k] for k in rng.permutation(len(parts))]


@pytest.mark.parametrize("seed", range(20))
def test_neither_order_nor_messages_nor_repetition_matter(seed):
    rng = np.random.default_rng(seed)
    given = batches(rng)
    first = gather(items(given, SETTINGS), ())
    for _ in range(6):
        other = shuffled(rng, given)
        extra = [other[k] for k in rng.integers(0, len(other), 3)]
        for found in (
            gather(items([*other, *extra], SETTINGS), ()),
            gather(together([items(some, SETTINGS) for some in (other[:3], extra, other[3:]) if some]), ()),
        ):
            assert found.looks.tobytes() == first.looks.tobytes()
            assert found.sensors == first.sensors
            assert len(found.repeated) == 3
            for name in first.given._fields:
                assert getattr(found.given, name).tobytes() == getattr(first.given, name).tobytes()


def test_names_follow_from_all_that_is_said_and_who_says_it():
    rng = np.random.default_rng(1)
    one = some(rng, "a", Kind.POLAR)
    changes = [("sensor", "b"), ("kind", Kind.SOUND)]
    for name in ("z", "covariance", "time", "time_sigma", "address", "subject"):
        column = getattr(one, name).copy()
        column[0] = np.nextafter(column[0], np.inf) if column.dtype == float else column[0] + 1
        changes.append((name, column))
    names = set()
    for name, value in changes:
        other = items([replace(one, **{name: value})], SETTINGS) if name != "kind" else items([one], SETTINGS)
        names.add(int(other.rows["name"][0]))
    assert len(names) == len(changes)  # the one with its kind left as it was stands for the first
    many = items([batch(Kind.POLAR, "grid", np.zeros(40_000), grid(), np.eye(4))], SETTINGS).rows["name"]
    assert len(np.unique(many)) == 40_000  # 0.00018 expected equal
    assert 0 < many.min() <= many.max() < 2**52
    bits = (many[:, None] >> np.arange(52)) & 1
    assert abs(bits.mean(0) - 0.5).max() < 0.015  # 6 sigma


def grid():
    """Return (40000, 4) round numbers, as a coarse radar reports them: few bits of them differ."""
    ranges, azimuths = np.meshgrid(1000.0 + 50.0 * np.arange(200), np.radians(np.arange(200)))
    return np.stack([ranges.ravel(), azimuths.ravel(), np.full(40_000, np.nan), np.full(40_000, np.nan)], 1)


# beliefs


@pytest.fixture(scope="module")
def crowd():
    """Return a sky whose filter holds a group of targets, and others."""
    flights = [Flight(60.0 * k, 40.0 * k, 900, 60, 0.5) for k in range(4)] + [Flight(9000.0, 0.0, 900, 60, 0.5)]
    sky = Sky(flights, [Radar("r", 9000.0, -6000.0, revisit=1.0, false_alarms=5.0)])
    for second in range(4, 40):
        sky.run(float(second))
        groups = sky.picture.beliefs.groups.view(GROUP)
        if len(groups) and groups["size"].max() >= 3:
            return sky
    raise AssertionError("no group came about")


def held(beliefs):
    return opened(beliefs, (5, 5), len(beliefs.sensors), TrackerSettings())


def in_use(memory):
    targets, leaves, groups = memory.counts[:3]
    return memory.targets[:targets], memory.leaves[:leaves], memory.groups[:groups]


def same(one, other):
    assert one.layout == other.layout
    arrays = [f.name for f in fields(one) if f.name != "layout"]
    return [name for name in arrays if getattr(one, name).tobytes() != getattr(other, name).tobytes()] == []


def nobody(beliefs):
    return np.zeros(len(beliefs.targets), bool)


def test_beliefs_go_in_and_come_out_as_they_were(crowd):
    beliefs = crowd.picture.beliefs
    memory = held(beliefs)
    assert memory.counts.tolist() == [len(beliefs.targets), len(beliefs.leaves), len(beliefs.groups), 0]
    assert same(closed(memory, nobody(beliefs)), beliefs)
    assert same(without(beliefs, nobody(beliefs)), beliefs)
    assert not any(getattr(beliefs, f.name).flags.writeable for f in fields(beliefs) if f.name != "layout")


def test_nothing_goes_in_and_comes_out():
    memory = held(Beliefs())
    assert memory.counts.tolist() == [0, 0, 0, 0]
    assert len(closed(memory, np.zeros(0, bool)).targets) == 0


@pytest.mark.parametrize("count", [0, 2])
def test_a_state_whose_records_are_of_another_version_is_not_gone_on_from(crowd, count):
    """Else each tick would fail on them, and the picture stand still."""
    line = Line()
    line.feed(1, Started(START, Mode.SIM, "", ""))
    other = replace(crowd.picture.beliefs, targets=np.zeros(count, "V7"), layout="another")
    line.picture = replace(crowd.picture, beliefs=other)
    with pytest.raises(ValueError, match="of another version"):
        Line.restore(line.save())
    line.picture = crowd.picture
    assert same(Line.restore(line.save()).picture.beliefs, crowd.picture.beliefs)


def exists(beliefs):
    """Return of each label its existence and the leaf's mean that shows it, from the records, by plain loops."""
    targets, leaves, groups = beliefs.targets.view(TARGET), beliefs.leaves.view(LEAF), beliefs.groups.view(GROUP)
    found = {}
    for t, target in enumerate(targets):
        mine = [g for g in groups if t in g["member"][: g["size"]].tolist()]
        if not mine:
            leaf = leaves[target["leaf"]]
            found[int(target["label"])] = (float(leaf["existence"]), leaf["mean"].tobytes())
            continue
        (group,) = mine
        k, total, shown = group["member"][: group["size"]].tolist().index(t), 0.0, None
        for weight, chosen in zip(group["weight"][: group["count"]], group["choice"][: group["count"], k], strict=True):
            if chosen >= 0:
                assert leaves[chosen]["target"] == t
                total += weight * leaves[chosen]["existence"]
                shown = leaves[chosen] if shown is None else shown  # they fall in weight
        found[int(target["label"])] = (float(total), shown["mean"].tobytes())
    return found


def test_existence_is_summed_over_joint_hypotheses(crowd):
    beliefs = crowd.picture.beliefs
    memory, wanted = held(beliefs), exists(beliefs)
    existence, leaf = existences(*in_use(memory))
    labels = memory.targets["label"][: len(existence)].tolist()
    assert existence == pytest.approx([wanted[label][0] for label in labels], rel=1e-12)
    assert [memory.leaves["mean"][i].tobytes() for i in leaf] == [wanted[label][1] for label in labels]
    assert existence == pytest.approx(crowd.picture.tracks.existence, rel=1e-12)


def test_targets_that_are_taken_out_leave_the_others_as_they_were(crowd):
    beliefs = crowd.picture.beliefs
    groups = beliefs.groups.view(GROUP)
    group = groups[groups["size"].argmax()]
    n, before = len(beliefs.targets), exists(beliefs)
    labels = beliefs.targets.view(TARGET)["label"]
    for gone in (group["member"][:1], group["member"][1 : group["size"]], [n - 1], [0, n - 1], range(n)):
        away = np.isin(np.arange(n), gone)
        found = without(beliefs, away)
        assert same(closed(held(beliefs), away), found)
        left = labels[~away].tolist()
        assert found.targets.view(TARGET)["label"].tolist() == left
        assert set(found.leaves.view(LEAF)["target"].tolist()) == set(range(len(left)))
        after = exists(found)
        assert after == {label: before[label] for label in left}
        existence, _ = existences(*in_use(held(found)))
        assert existence == pytest.approx([before[label][0] for label in left], rel=1e-12)


def test_a_target_taken_out_of_a_group_does_not_come_back(crowd):
    beliefs = crowd.picture.beliefs
    groups = beliefs.groups.view(GROUP)
    member = int(groups[groups["size"].argmax()]["member"][0])
    label = int(beliefs.targets.view(TARGET)["label"][member])
    gone = np.isin(np.arange(len(beliefs.targets)), [member])
    tracks = crowd.picture.tracks.take(~gone)
    sky = Sky(crowd.flights, [Radar("r", 9000.0, -6000.0, revisit=1.0)], t=crowd.t)
    sky.picture = replace(crowd.picture, tracks=tracks, beliefs=without(beliefs, gone))
    sky.run(crowd.t + 5.0)
    assert label not in sky.picture.tracks.label
    assert np.isfinite(sky.picture.tracks.mean).all()
    assert len(sky.shown()) >= 4


def test_beliefs_survive_a_restart_to_the_bit(crowd):
    line = Line()
    line.feed(1, Started(START, Mode.SIM, "", ""))
    line.feed(2, Tick(START + 10**8))
    line.picture = replace(crowd.picture, mode=Mode.SIM)
    again = Line.restore(line.save())
    assert same(again.picture.beliefs, crowd.picture.beliefs)
    assert digest(again.picture) == digest(line.picture)
    for one in (line, again):
        one.feed(3, Tick(crowd.picture.time + 10**8))
    assert digest(again.picture) == digest(line.picture)
