"""Who and what each track is: evidence in, odds and category out. A stage of `pipeline.step`.

What is said is added up at once. What it comes to is worked out anew once a second for each track, a part of them in
each tick, so that no tick takes long; and at once for a track that is new. In ticks in which microphones are heard only
those are worked out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.identify.category import CATEGORIES, WORDS, IdentifySettings, Known, ruled
from skywarden.identify.claims import claimed
from skywarden.identify.doubts import doubted, on_tracks
from skywarden.identify.flying import flown
from skywarden.identify.noted import spoken_by, statements, together
from skywarden.identify.own import Plans, Seen, own, says_own
from skywarden.identify.rows import Rows, added, renamed, stored, viewed
from skywarden.identify.single import Ears, overheard
from skywarden.identify.weigh import Views, stake, weighed
from skywarden.model.assessment import ALARMING, FRIENDS, Category, Family, Identity
from skywarden.model.detection import Detections, Kind, enrolled_of
from skywarden.model.evidence import Evidence
from skywarden.model.place import F64, I64, Flight
from skywarden.model.track import Tracks
from skywarden.model.turn import due

SECOND = 1_000_000_000
FIFTH = SECOND // 5
LATELY = 30 * SECOND  # ns; for so long a measurement or a claim of a track counts as one of now
MANY_NAMES = 256  # from which those that no row needs any more are let go
DIGITS = 3  # of probabilities, as people read them


@dataclass(frozen=True, slots=True)
class Before:
    """What was known at the tick before. time: ns."""

    identities: tuple[Identity, ...]
    evidence: Evidence
    time: int


class Heard(NamedTuple):
    """One tick's detections. matches: parallel to batches, (m,) label of the track that each updated, 0 none.

    sensors: names, to which `Tracks.seen_by` points.
    """

    batches: Sequence[Detections]
    matches: Sequence[I64]
    sensors: Sequence[str]


class Aside(NamedTuple):
    """Who is in quarantine, sensors and sources, and who measures by the configuration and is not: names."""

    names: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()


class Given(NamedTuple):
    """What is configured. ears: what is assumed of single microphones. flights: of our own. ground: m, its height.

    aside: who clears nothing, and who else measures.
    """

    settings: IdentifySettings = IdentifySettings()
    ears: Ears = Ears()
    flights: Sequence[Flight] = ()
    ground: float = 0.0
    aside: Aside = Aside()


def identify(
    before: Before, tracks: Tracks, heard: Heard, time: int, given: Given
) -> tuple[tuple[Identity, ...], Evidence]:
    """Return one identity for each numbered track, in the order of the tracks, and the evidence on all. time: ns."""
    seen = _seen(before.evidence.seen, tracks, heard, time)
    measured, itself = seen[:, 1] > time - LATELY, seen[:, 2] > time - LATELY
    said, names = statements(heard.batches, heard.matches)
    calls = [batch for batch in heard.batches if batch.kind is Kind.PRESENCE] if _listens(time) else []
    for looks, source, name in overheard(calls, tracks, itself & ~measured, given.ears):
        said.append(looks)
        names[name] = source
    rows = renamed(viewed(before.evidence.rows), tracks.label, tracks.number)
    identities = claimed(before.identities, tracks, heard.batches, heard.matches)
    due = np.flatnonzero(tracks.number)[_due(tracks, identities, time if calls else before.time, time)]
    if len(due):
        said.append(flown(tracks, due, time, given.ground))
    if said:
        every = together(said)
        rows = added(rows, every._replace(key=_keys(every.key, tracks)), time)
    known = doubted(before.evidence.claimed, heard.batches, heard.matches, time)
    evidence = _evidence(before.evidence, rows, names)
    evidence = replace(evidence, seen=seen, claimed=known)
    if len(due):
        doubts = on_tracks(known, tracks.label[due])
        vouched = _vouched(tracks, due, heard.sensors, given.aside, time)
        identities = _judged(identities, (tracks, due, vouched), evidence, doubts, (time, given))
        names_of_flights = {one.flight for one in identities if one.flight}
        begun = {*evidence.begun, *names_of_flights} & {flight.name for flight in given.flights}
        evidence = replace(evidence, begun=tuple(sorted(begun)))
    return identities, evidence


def _keys(label: I64, tracks: Tracks) -> I64:
    """Return (n,) the keys of labels: their numbers, minus themselves before they have one."""
    if not len(tracks):
        return -label
    order = np.argsort(tracks.label)
    at = order[np.minimum(np.searchsorted(tracks.label, label, sorter=order), len(order) - 1)]
    return np.where((tracks.label[at] == label) & (tracks.number[at] > 0), tracks.number[at], -label)


def _evidence(before: Evidence, rows: Rows, names: dict[str, int]) -> Evidence:
    """Return what is kept: of names, once there are many, those that rows need."""
    known = {**before.names, **names} if names else before.names
    if len(known) > MANY_NAMES:
        used = {*np.unique(rows["source"]).tolist()}
        known = {name: source for name, source in known.items() if source in used}
    return replace(before, rows=stored(rows), names=known)


def _listens(time: int) -> bool:
    """Return whether single microphones are heard in this tick: in one fifth of a second of each, in turn.

    So each node is heard every five seconds, which is worth most of what five reports a second apart are.
    """
    return time // FIFTH % 5 == time // SECOND % 5


def _due(tracks: Tracks, identities: Sequence[Identity], last: int, time: int) -> NDArray[np.bool_]:
    """Return (n,) which numbered tracks are to be judged now: once a second each, and at once who never was."""
    number = tracks.number[tracks.number > 0]
    new = np.array([not identity.odds for identity in identities], bool)
    return np.asarray(new | due(number, last, time), bool)


def _seen(before: I64, tracks: Tracks, heard: Heard, time: int) -> I64:
    """Return (n, 4) for all tracks, in their order, as `Evidence.seen` has it."""
    found = np.zeros((len(tracks), 4), np.int64)
    found[:, 0] = np.where(tracks.number > 0, tracks.number, -tracks.label)
    order = np.argsort(before[:, 0])
    for key in (-tracks.label, found[:, 0]) if len(before) else ():  # under its old name, and under its number
        at = order[np.minimum(np.searchsorted(before[:, 0], key, sorter=order), len(before) - 1)]
        same = before[at, 0] == key
        found[same, 1:] = before[at[same], 1:]
    by_label = np.argsort(tracks.label)
    for batch, matched in zip(heard.batches, heard.matches, strict=True):
        some = matched > 0
        if not some.any() or batch.kind is Kind.TRACK or not len(tracks):
            continue
        rows = by_label[np.minimum(np.searchsorted(tracks.label, matched, sorter=by_label), len(by_label) - 1)]
        some &= tracks.label[rows] == matched
        ours, itself = enrolled_of(batch), batch.family is Family.CLAIM
        for column, which in ((1, some & ours), (2, some & itself), (3, some & ~ours & (not itself))):
            found[rows[which], column] = time
    found.flags.writeable = False
    return found


def _vouched(tracks: Tracks, rows: I64, names: Sequence[str], aside: Aside, time: int) -> NDArray[np.bool_]:
    """Return (m,) whether somebody has measured tracks lately who is not in quarantine; all, if nobody is in it."""
    if not aside.names:
        return np.ones(len(rows), bool)
    good = [k for k, name in enumerate(names) if name in aside.others]
    by, at = tracks.seen_by[rows], tracks.seen_at[rows]
    return np.asarray((np.isin(by, good) & (at > time - LATELY)).any(1), bool)


def _rules(known: Known, vouched: NDArray[np.bool_], given: Given) -> tuple[list[int], list[bool]]:
    """Return which rule holds for each, and who would be a friend if who is in quarantine were believed."""
    rules = ruled(known._replace(civil=known.civil & vouched, own=known.own & vouched), given.settings).tolist()
    if known.sure is None:
        return rules, [False] * len(rules)
    believed = known._replace(sure=None, suspect=np.zeros_like(known.suspect))
    return rules, [CATEGORIES[rule] in FRIENDS for rule in ruled(believed, given.settings).tolist()]


def _stakes(of: tuple[Rows, Views], number: I64, moved: NDArray[np.bool_]) -> F64:
    """Return (m,) stakes by some rows of evidence. moved: (m,) whom anybody has moved: it counts no less by that."""
    rows, views = of
    worst, at = stake(views), np.flatnonzero(moved)
    if len(at):
        worst[at] = np.maximum(worst[at], stake(weighed(rows, number[at])))
    return worst


def _judged(
    identities: tuple[Identity, ...],
    of: tuple[Tracks, I64, NDArray[np.bool_]],
    evidence: Evidence,
    doubts: list[tuple[str, ...]],
    now: tuple[int, Given],
) -> tuple[Identity, ...]:
    """Return the identities, those of some tracks worked out anew.

    of: all tracks, which, and whether somebody measures each who is not in quarantine.
    doubts: what cannot be true of what each says. now: ns, and what is configured.
    """
    (time, given), (every, due, vouched), rows = now, of, viewed(evidence.rows)
    tracks, seen = every.take(due), evidence.seen[due]
    place = {identity.track: k for k, identity in enumerate(identities)}
    at = [place[number] for number in tracks.number.tolist()]
    by_others, by_itself, by_anybody = (seen[:, 1:] > time - LATELY).T
    others = rows[~spoken_by(rows, given.aside.names)] if given.aside.names else rows
    moved = tracks.number[by_itself | by_anybody]
    views = weighed(rows, tracks.number, moved)
    sure = weighed(others, tracks.number, moved) if given.aside.names else None
    plans = Plans(given.flights, evidence.begun, given.ground)
    flights = own(plans, every, Seen(due, [identities[k].flight for k in at], seen[:, 1]), time)
    known = Known(
        *views,
        suspect=np.array([identities[k].proposed is Category.SUSPECT for k in at], bool),
        civil=by_others & by_itself & np.array([not said for said in doubts], bool),
        age=(time - np.where(tracks.since > 0, tracks.since, time)) * 1e-9,
        own=np.array([flight != "" for flight in flights], bool),
        says_own=says_own(given.flights, [identities[k].claims for k in at], tracks, time),
        sure=sure,
    )
    rules, perhaps = _rules(known, vouched, given)
    only = (~by_others & ~by_anybody & (seen[:, 2] > 0)).tolist()
    after = list(identities)
    worst = _stakes((rows, views), tracks.number, by_itself | by_anybody)
    worst = worst if sure is None else np.maximum(worst, _stakes((others, sure), tracks.number, by_itself | by_anybody))
    chances, stakes = (np.round(part, DIGITS).tolist() for part in (views.all.odds, worst))
    columns = zip(at, rules, chances, stakes, only, flights, doubts, perhaps, strict=True)
    for k, rule, row, at_stake, alone, flight, said, friend in columns:
        after[k] = msgspec.structs.replace(
            after[k],
            category=CATEGORIES[rule],
            proposed=CATEGORIES[rule],
            odds=tuple(row),
            why=WORDS[rule],
            by="",
            claimed_only=alone,
            flight=flight,
            doubts=said,
            perhaps_friend=friend,
            stake=1.0 if CATEGORIES[rule] in ALARMING else at_stake,
        )
    return tuple(after)
