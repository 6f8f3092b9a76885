"""Registration in the running system: what has settled, window by window, and group by group, into new corrections.

All follows from the settled chain: what it took in, and in which tenth of a second of its own time. So equal items give
equal corrections, and these hold for what is measured LATER than what they follow from, which is not settled yet
and may be still to come: each measurement is corrected the same whenever it comes.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

import msgspec
import numpy as np

from skywarden.model.detection import Kind
from skywarden.model.place import F64, I64, Place, Sensor
from skywarden.model.registered import Group, Registered
from skywarden.model.track import Picture
from skywarden.track import match, strays, versions
from skywarden.track import register as online
from skywarden.track.beliefs import records
from skywarden.track.biases import BiasSettings
from skywarden.track.group import finite, forgotten, grown, joining, packed, unpacked
from skywarden.track.measured import FIX, ORDINARY, Measured
from skywarden.track.overheard import HEARD, before
from skywarden.track.pool import Rows
from skywarden.track.registration import configured
from skywarden.track.settings import TrackerSettings
from skywarden.track.strange import trusted
from skywarden.track.targets import ADDRESSED, APART, LABEL, TARGET, aliased, chosen, joined, named

WINDOW = 10_000_000_000  # ns; of the settled chain's time, that a step takes in
LATER = 30_000_000_000  # ns after `settle_slow_s`, from which what is found holds: steps have their turn until then
AHEAD = 10_000_000_000  # ns; what came until now may be so much ahead, and was corrected already
MOVED = 10.0  # m; plots from so far off where a sensor is enrolled are not used
TURNED = 1e-3  # of a component of its axes; nor those that count from another north: that is no bias of theirs
QUIET = 600_000_000_000  # ns; who was not heard for so long has no fault any more: nobody could tell if it is mended
AGAIN = 3  # steps of a group that break, one after another, until it begins anew
BEHIND, MORE = 3 * WINDOW, 4  # ns, steps; so far behind it takes more steps a tick
DIGITS = 16  # of a hash
SETTINGS = BiasSettings()


class Went(NamedTuple):
    """What registration knows now, and how many steps broke."""

    registered: Registered
    faults: int


def starts(sensors: Sequence[Sensor], settings: TrackerSettings) -> tuple[object, ...]:
    """Return all that registration starts from; with anything else it begins anew."""
    return tuple(sensors), settings.register_sensors, settings.settle_slow_s


def anew(picture: Picture, sensors: Sequence[Sensor], settings: TrackerSettings) -> Picture:
    """Return the picture with what is configured of sensors' biases, and nothing found yet; and who is configured."""
    found = configured(sensors)
    known = Registered(versions=found, since=picture.time + AHEAD) if settings.register_sensors else Registered()
    measure = tuple(sensor.name for sensor in sensors if sensor.node is None)  # single microphones have no plots
    compared = replace(picture.chains.compared, enrolled=measure)
    return replace(picture, registrations=found, chains=replace(picture.chains, registered=known, compared=compared))


def restarted(registered: Registered) -> Registered:
    """Return what there is to go on from if nothing that was heard can be used: what is applied stays."""
    return Registered(versions=registered.versions, since=registered.since)


def went_on(
    registered: Registered,
    heard: Sequence[Rows],
    names: tuple[str, ...],
    times: tuple[int, int],
    settings: TrackerSettings,
) -> Went:
    """Take in what a chain has heard; one group's step of one window, if one is whole.

    names: of the chain's sensors. times: ns, until when the chain has settled, and of the picture.
    """
    until, time = times
    registered = replace(registered, heard=(*registered.heard, *(rows for rows in heard if len(rows))))
    behind = until - registered.until if registered.until else 0
    faults, steps = 0, max(MORE, behind // WINDOW) if behind > BEHIND else 1
    for _ in range(steps):
        registered = _waited(registered, until)
        if not registered.heard or until < registered.until + WINDOW:
            break
        if registered.done == 0:
            registered = _enrolled(registered, names)
        if registered.groups:
            registered, broken = _next(registered, names, time, settings)
            faults += broken
        if registered.done >= len(registered.groups):
            registered = _over(registered)
    return Went(registered, faults)


def _waited(registered: Registered, until: int) -> Registered:
    """Begin with the window of what was heard first; what was corrected by another configuration is left out."""
    if registered.done or not registered.heard:
        return registered
    if not registered.until or until >= registered.until + WINDOW:
        parts = [rows[records(rows, HEARD)["time"] >= registered.since] for rows in registered.heard]
        parts = [rows for rows in parts if len(rows)]
        first = min((int(records(rows, HEARD)["time"].min()) for rows in parts), default=0)
        begin = max(registered.until, first // WINDOW * WINDOW)
        return replace(registered, until=begin, heard=tuple(parts))
    return registered


def _window(registered: Registered) -> Rows:
    """Return what was heard in the window, by time and name: each quantum was one part, or none."""
    end = registered.until + WINDOW
    parts = [records(rows, HEARD) for rows in registered.heard]
    rows = np.concatenate([np.zeros(0, HEARD), *(part[part["time"] < end] for part in parts)])
    return rows[np.lexsort((rows["name"], rows["time"]))]


def _over(registered: Registered) -> Registered:
    """Go on to the next window."""
    end = registered.until + WINDOW
    parts = [rows[records(rows, HEARD)["time"] >= end] for rows in registered.heard]
    needed = versions.needed(registered.versions, end)
    after = replace(registered, until=end, done=0, heard=tuple(rows for rows in parts if len(rows)), versions=needed)
    return replace(after, digest=_digest(after))


def _digest(registered: Registered) -> str:
    said = registered.versions, registered.standing, registered.since, registered.until, registered.left
    groups = [(one.names, one.time, one.aliases.tolist(), one.tries.tolist(), one.failed) for one in registered.groups]
    return sha256(msgspec.msgpack.encode((said, groups))).hexdigest()[:DIGITS]


def _enrolled(registered: Registered, names: tuple[str, ...]) -> Registered:
    """Put sensors that are heard for the first time into groups, in the order in which the chain met them.

    Groups lose no sensor, so who is left over stays so until registration begins anew.
    """
    rows, groups = _window(registered), list(registered.groups)
    known, last = {name for group in groups for name in group.names}, versions.newest(registered.versions)
    left = set(registered.left)
    plots = rows[rows["kind"] != Kind.POSITION]
    sensors, first = np.unique(plots["sensor"], return_index=True)
    for sensor, row in zip(sensors.tolist(), first.tolist(), strict=True):
        if names[sensor] in known:
            continue
        place = Place(plots["position"][row].copy(), plots["rotation"][row].copy())
        bias, k = versions.bias(last.get(names[sensor])), joining(place.position, groups)
        if k == len(groups):
            register = online.begun([place], SETTINGS, registered.until, bias[None])
            groups.append(Group((names[sensor],), packed(register), registered.until, heard=(registered.until,)))
        elif k is not None:
            register = grown(unpacked(groups[k]), place, bias, SETTINGS)
            groups[k] = _with(groups[k], names[sensor], register, registered.until)
        else:
            left.add(names[sensor])
    return replace(registered, groups=tuple(groups), left=tuple(sorted(left)))


def _with(group: Group, name: str, register: online.Register, time: int) -> Group:
    """Return a group with one sensor more, at the end of its register. time: ns, when it was heard."""
    heard = (*group.heard, time)
    return replace(group, names=(*group.names, name), columns=packed(register), heard=heard)


def _next(
    registered: Registered, names: tuple[str, ...], time: int, settings: TrackerSettings
) -> tuple[Registered, int]:
    """Let the next group take the window in. What breaks it is left out; what breaks it again and again ends it."""
    k, end = registered.done, registered.until + WINDOW
    group, groups = registered.groups[k], list(registered.groups)
    registered = replace(registered, done=k + 1)
    try:
        group, register = _stepped(group, _window(registered), names, registered)
    except Exception:  # noqa: BLE001 - a fault of ours must not stop a tick: registration goes on with what was
        groups[k] = _broken(group, registered)
        return replace(registered, groups=tuple(groups)), 1
    groups[k] = group
    since = max(end + round(settings.settle_slow_s * 1e9) + LATER, time + AHEAD)
    new = versions.found(registered.versions, register, group.names, SETTINGS, since)
    astray = {one.sensor for one in group.strays}  # what little of theirs is joined may be of others
    new = tuple(one for one in new if one.sensor not in astray)
    mine = versions.standing(register, group.names, SETTINGS, group.strays)
    gone = {name for name, last in zip(group.names, group.heard, strict=True) if last <= end - QUIET}
    mine = tuple(one._replace(fault="") if one.sensor in gone else one for one in mine)
    others = [one for one in registered.standing if one.sensor not in group.names]
    return replace(
        registered,
        groups=tuple(groups),
        versions=tuple(sorted((*registered.versions, *new), key=lambda one: (one.sensor, one.version))),
        standing=tuple(sorted((*others, *mine))),
    ), 0


def _broken(group: Group, registered: Registered) -> Group:
    if group.failed + 1 < AGAIN:
        return replace(group, failed=group.failed + 1)
    old, last = unpacked(group), versions.newest(registered.versions)
    places = [Place(position, rotation) for position, rotation in zip(old.position, old.rotation, strict=True)]
    biases = np.array([versions.bias(last.get(name)) for name in group.names])
    return Group(
        group.names,
        packed(online.begun(places, SETTINGS, registered.until + WINDOW, biases)),
        registered.until + WINDOW,
        heard=group.heard,
    )


def _stepped(group: Group, rows: Rows, names: tuple[str, ...], registered: Registered) -> tuple[Group, online.Register]:
    """Return a group after a window. Raise FloatingPointError for what are no numbers."""
    register, end = unpacked(group), registered.until + WINDOW
    rows, sensor = _mine(rows, group, names, register)
    aliases = aliased(group.aliases, rows, end)
    found = chosen(rows, named(rows, aliases), sensor, register)
    heard, measured_by = rows[found.rows], sensor[found.rows]
    time, z = before(heard, names, registered.versions)
    good = time >= 0
    one = np.ones(int(good.sum()))
    told = Measured(
        time[good],
        heard["time_sigma"][good],
        measured_by[good],
        found.target[good],
        z[good],
        heard["covariance"][good],
        ORDINARY[0] * one,
        ORDINARY[1] * one,
    )
    order = np.argsort(told.time, kind="stable")
    told = Measured._make(column[order] for column in told)
    register = online.step(register, told, end, SETTINGS)
    if not finite(register):
        raise FloatingPointError("registration has come to numbers that are none")
    aliases = _apart(aliases, register, rows, sensor)
    register, aliases, tries = _matched(register, aliases, group.tries)
    last = tuple(end if k in sensor else time for k, time in enumerate(group.heard))
    after = replace(group, columns=packed(register), time=end, aliases=aliases, tries=tries, failed=0, heard=last)
    after = replace(after, strays=tuple(one for one in after.strays if _heard(after, one.sensor) > end - QUIET))
    return strays.watched(after, told, register), register


def _heard(group: Group, name: str) -> int:
    """Return when a sensor of a group was heard last, ns."""
    return group.heard[group.names.index(name)]


def _mine(rows: Rows, group: Group, names: tuple[str, ...], register: online.Register) -> tuple[Rows, I64]:
    """Return what concerns a group, and (n,) which of its sensors measured each, FIX none."""
    row = {name: k for k, name in enumerate(group.names)}
    by = np.array([row.get(name, -2) for name in names], np.int64)[rows["sensor"]]
    fix = rows["kind"] == Kind.POSITION
    away: F64 = np.linalg.norm(rows["position"] - register.position[np.maximum(by, 0)], axis=1)
    turned = np.abs(rows["rotation"] - register.rotation[np.maximum(by, 0)]).max((1, 2), initial=0.0)
    keep = fix | ((by >= 0) & (away < MOVED) & (turned < TURNED))
    return rows[keep], np.where(fix, FIX, by)[keep]


def _apart(aliases: I64, register: online.Register, rows: Rows, sensor: I64) -> I64:
    """Return the aliases without those whose plots do not fit their target, while most of their sensor's plots fit."""
    votes, fits = register.paths.votes, trusted(register.strange)
    well = fits[:-1] & (np.sign(votes[:, :-1]).sum(0) > 0)
    for slot, k in np.argwhere((votes[:, :-1] < 0) & well).tolist():
        mine = np.unique(rows["label"][sensor == k])
        at = (aliases[:, TARGET] == register.paths.label[slot]) & np.isin(aliases[:, LABEL], mine)
        aliases = aliases.copy()
        aliases[at, TARGET], aliases[at, APART] = aliases[at, LABEL], 1
    return aliases


def _matched(register: online.Register, aliases: I64, tries: I64) -> tuple[online.Register, I64, I64]:
    """Join paths that are of one target: pairs that agree, in one window after another until they are believed."""
    among = match.abreast(register, SETTINGS)
    labels = register.paths.label[among.slot]
    some = [p for p in match.pairs(register, among, SETTINGS) if labels[p.one] < ADDRESSED]
    earlier = {(a, b, j): n for a, b, n, j in tries.tolist()}
    now, gone = dict[tuple[int, int, int], int](), list[int]()
    for key in sorted({(p.jumped, p.sensor) for p in some}):
        agree = match.agreeing(register, among, [p for p in some if (p.jumped, p.sensor) == key], SETTINGS)
        counted = {(int(labels[p.one]), int(labels[p.other]), p.jumped): p for p in agree}
        now |= {each: earlier.get(each, 0) + 1 for each in counted}
        if sum(now[each] for each in counted) < match.ENOUGH:
            continue
        for one, other, jumped in counted:
            aliases = _renamed(aliases, one, other, register.time)
            gone.append(int(among.slot[counted[one, other, jumped].one]))
            del now[one, other, jumped]
    kept = np.array([(a, b, n, j) for (a, b, j), n in now.items()], np.int64).reshape(-1, 4)
    return forgotten(register, gone) if gone else register, aliases, kept


def _renamed(aliases: I64, one: int, other: int, until: int) -> I64:
    """Return the aliases with a label as one of another target, and all that were its own."""
    aliases = aliases.copy()
    aliases[aliases[:, TARGET] == one, TARGET] = other
    return joined(aliases, one, other, until)
