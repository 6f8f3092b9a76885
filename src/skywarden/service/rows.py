"""The picture and the sources' health as people's programs read them: rows with names and units (docs/api.md)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from skywarden.geo import east_north_up
from skywarden.identify import Why
from skywarden.model.assessment import Alert, Category, Identity
from skywarden.model.detection import Node
from skywarden.model.event import Answered, Output, Stepped, TrackStates, named
from skywarden.model.foreign import Foreign
from skywarden.model.place import F64, I64
from skywarden.model.track import Health, Picture, Status, TrackKind, Use
from skywarden.service.wire import FINISHED, LISTENING, SILENT_AFTER, Wire
from skywarden.track.motion import VERTICAL_NOISE
from skywarden.track.table import rows_of
from skywarden.watch import useless

SILENT, NOTHING_YET, USELESS = "silent", "nothing yet", "nothing usable"
OPEN = (LISTENING, "connected")  # states of a wire on which messages are expected
GOOD = (*OPEN, "reading", FINISHED)  # states of a source that need nobody's attention
WELL = ("ok", "goodbye")  # states of a node that need nobody's attention
OVERDUE = 3.0  # intervals without anything from a node
NO_ADDRESS = -1
STATUS = {int(status): status.name.lower() for status in Status}
KIND = {int(kind): kind.name.lower() for kind in TrackKind}
POINT = KIND[TrackKind.POINT]


class TrackRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One shown track at the picture's time."""

    number: int
    status: str
    kind: str
    latitude: float
    longitude: float
    height_m: float
    velocity: tuple[float, float, float]
    sources: list[str]
    category: str
    age_s: float
    class_: str | UnsetType = msgspec.field(name="class", default=UNSET)
    probability: float | UnsetType = UNSET
    by: str = ""
    claimed_only: bool = False
    doubts: tuple[str, ...] = ()
    icao24: str | UnsetType = UNSET
    callsign: str | UnsetType = UNSET
    squawk: str | UnsetType = UNSET
    covariance: list[list[float]] | UnsetType = UNSET


class WhyRow(msgspec.Struct, frozen=True):
    """Why a track is what it is."""

    time: int
    track: int
    label: int
    category: str
    proposed: str
    by: str
    rule: str
    claimed_only: bool
    doubts: tuple[str, ...]
    claims: dict[str, str]
    why: Why


class ForeignRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One track of another system, as that system tells it, at the picture's time."""

    sensor: str
    subject: int
    latitude: float
    longitude: float
    height_m: float
    velocity: tuple[float, float, float]
    age_s: float
    icao24: str | UnsetType = UNSET
    track: int | UnsetType = UNSET


class AlertRow(msgspec.Struct, frozen=True):
    """One warning that stands."""

    site: str
    track: int
    raised: int
    arrival: int
    early: int
    late: int
    probability: float
    stake: float


class NodeRow(msgspec.Struct, frozen=True):
    """One node of a source as it describes itself. state also "late": its status is overdue; or why it is of no use."""

    name: str
    id: str
    kind: str
    state: str
    mode: str
    age_s: float | None
    connected: bool

    @property
    def good(self) -> bool:
        return self.state in WELL


class SourceRow(msgspec.Struct, frozen=True):
    """One source: its wire and what became of its messages."""

    name: str
    state: str
    received: int
    decoded: int
    recorded: int
    refused: dict[str, int]
    last_age_s: float | None
    bytes: int
    overrun: int
    peers: int
    displaced: int
    delayed: int
    address: str
    nodes: list[NodeRow] = []

    @property
    def good(self) -> bool:
        return self.state in GOOD and all(node.good for node in self.nodes)


def tracks(
    picture: Picture, states: TrackStates, covariances: bool = True, vertical_noise: float = VERTICAL_NOISE
) -> list[TrackRow]:
    """Return a row for each shown track; covariances: with them (they are most of the size).

    vertical_noise: m^2/s^3, as in TrackerSettings.
    """
    table, names = picture.tracks, picture.sensors
    at, rows = rows_of(table.number, np.array(states.number, np.int64))  # column by column: half the time of row by row
    place = [_taken(column, at) for column in (states.latitude, states.longitude, states.height_m)]
    velocity = zip(*(_taken(column, at) for column in (states.east_m_s, states.north_m_s, states.up_m_s)), strict=True)
    numbers, address, seen_by = (column[rows].tolist() for column in (table.number, table.address, table.seen_by))
    known = {identity.track: identity for identity in picture.identities}
    nobody = Identity(0, Category.PENDING)
    identities = [known.get(number, nobody) for number in numbers]
    age = np.round((picture.time - table.seen_at[rows].max(axis=1, initial=0)) * 1e-9, 3)
    matrices: list[Any] = [UNSET] * len(rows)
    if covariances and len(rows):
        matrices = local_covariance(picture, states, rows, at, vertical_noise).tolist()
    columns = (
        numbers,
        [STATUS[status] for status in table.status[rows].tolist()],
        [KIND[kind] for kind in table.kind[rows].tolist()],
        *place,
        velocity,
        [[names[s] for s in some if s >= 0] for some in seen_by],
        [identity.category for identity in identities],
        age.tolist(),
        *_classes(identities),
        [identity.by for identity in identities],
        [identity.claimed_only for identity in identities],
        [identity.doubts for identity in identities],
        [UNSET if one == NO_ADDRESS else f"{one:06x}" for one in address],
        [identity.claims.get("callsign", UNSET) for identity in identities],
        [identity.claims.get("squawk", UNSET) for identity in identities],
        matrices,
    )
    return list(map(TrackRow, *columns))


def _classes(identities: Sequence[Identity]) -> tuple[list[str | UnsetType], list[float | UnsetType]]:
    """Return the likeliest class of each, and its probability; nothing where it was not judged yet."""
    words: list[str | UnsetType] = [UNSET if one.likeliest is None else str(one.likeliest) for one in identities]
    return words, [max(one.odds) if one.odds else UNSET for one in identities]


def _taken(column: Sequence[float], at: I64) -> list[float]:
    found: list[float] = np.array(column)[at].tolist()
    return found


def why(identity: Identity, label: int, known: Why, time: int) -> WhyRow:
    """Return why a track is what it is. label: of the tracker; time: ns."""
    one = identity
    words = one.category, one.proposed, one.by, one.why
    return WhyRow(time, one.track, label, *words, one.claimed_only, one.doubts, one.claims, known)


def foreign(told: Foreign) -> list[ForeignRow]:
    """Return a row for each track of another system."""
    at, found = told.states, []
    for k, (sensor, subject) in enumerate(zip(told.sensor, at.number, strict=True)):
        found.append(
            ForeignRow(
                sensor=sensor,
                subject=subject,
                latitude=at.latitude[k],
                longitude=at.longitude[k],
                height_m=at.height_m[k],
                velocity=(at.east_m_s[k], at.north_m_s[k], at.up_m_s[k]),
                age_s=round((at.time - told.told[k]) * 1e-9, 3),
                icao24=UNSET if told.address[k] == NO_ADDRESS else f"{told.address[k]:06x}",
                track=told.track[k] or UNSET,
            )
        )
    return found


def local_covariance(picture: Picture, states: TrackStates, rows: I64, columns: I64, vertical_noise: float) -> F64:
    """Return (n, 6, 6) covariances at the picture's time in local east, north, up; m and m/s.

    rows: (n,) in the track table; columns: (n,) in `states`. P' = F T P T^T F^T + Q; T rotates both halves, Q is that
    of white acceleration. Source: Bar-Shalom, Li, Kirubarajan 2001, section 6.2.2.
    """
    latitude, longitude = (
        np.radians(np.array(states.latitude)[columns]),
        np.radians(np.array(states.longitude)[columns]),
    )
    rotation = east_north_up(latitude, longitude)
    T = np.zeros((len(rows), 6, 6))
    T[:, :3, :3] = T[:, 3:, 3:] = rotation
    dt = (picture.time - picture.tracks.time[rows]) * 1e-9
    F = np.tile(np.eye(6), (len(rows), 1, 1))
    F[:, [0, 1, 2], [3, 4, 5]] = dt[:, None]
    level = picture.tracks.noise[rows]
    span, q = np.abs(dt)[:, None], np.stack([level, level, np.full(len(rows), vertical_noise)], axis=1)
    local = F @ T @ picture.tracks.covariance[rows] @ T.swapaxes(1, 2) @ F.swapaxes(1, 2)
    i = np.arange(3)
    local[:, i, i] += q * span**3 / 3
    local[:, i, i + 3] += q * span**2 / 2
    local[:, i + 3, i] += q * span**2 / 2
    local[:, i + 3, i + 3] += q * span
    return np.round(local, 4)


def alerts(standing: Sequence[Alert]) -> list[AlertRow]:
    """Return a row for each alert, the next arrival first."""
    ordered = sorted(standing, key=lambda a: (a.arrival, a.site, a.track))
    return [AlertRow(a.site, a.track, a.raised, a.arrival, a.early, a.late, a.probability, a.stake) for a in ordered]


def sources(
    picture: Picture, wires: Sequence[Wire], recorded: Mapping[str, int], before: Mapping[str, int], time: int
) -> list[SourceRow]:
    """Return a row for each source. before: messages that earlier processes recorded; time: ns, now."""
    health = {row.name: row for row in picture.health}
    found = []
    for wire in wires:
        row = health.get(wire.name)
        earlier = before.get(wire.name, 0)
        age = _age(wire.last_received or (row.last if row else 0), time)
        found.append(
            SourceRow(
                name=wire.name,
                state=_state(wire, age, earlier + wire.received > 0, row, time),
                received=earlier + wire.received,
                decoded=row.decoded if row else 0,
                recorded=recorded.get(wire.name, 0),
                refused=dict(row.refused) if row else {},
                last_age_s=age,
                bytes=wire.bytes,
                overrun=wire.overrun,
                peers=wire.peers,
                displaced=wire.displaced,
                delayed=wire.delayed,
                address=wire.address,
                nodes=[_node(node, row.uses.get(node.name, Use()), time) for node in row.nodes] if row else [],
            )
        )
    return found


def _node(node: Node, use: Use, time: int) -> NodeRow:
    age = _age(node.last, time)
    late = node.connected and node.interval > 0 and age is not None and age > OVERDUE * node.interval
    state = "late" if late and node.state in WELL else node.state
    if state in WELL and use.spurned > time - SILENT_AFTER * 1e9 > use.used:
        state = f"{USELESS}: {use.why}"
    return NodeRow(node.name, node.id, node.kind, state, node.mode, age, node.connected)


def _age(last: int, time: int) -> float | None:
    """Return s since a message, None if there was none or, after a clock was set back, none that can be told."""
    return None if not last or last > time + SILENT_AFTER * 1e9 else max(0.0, round((time - last) * 1e-9, 3))


def _state(wire: Wire, age: float | None, known: bool, row: Health | None, time: int) -> str:
    """Return the state of a source. age: s since its last message in any process; known: it has sent some time.

    What sends and is of no use is no better than what is silent: the sky would look empty.
    """
    if wire.state not in OPEN:
        return wire.state
    if wire.silent_after and (age is None or age > wire.silent_after):
        return SILENT if known or age is not None else NOTHING_YET
    return f"{USELESS}: {row.why}" if row and useless(row, time) else wire.state


def events(happened: Sequence[Output]) -> list[dict[str, Any]]:
    """Return what happened in a tick as rows with names; digests, columns of all states and answers are left out."""
    return [event_row(event) for event in happened if not isinstance(event, Stepped | TrackStates | Answered)]


def event_row(event: Output) -> dict[str, Any]:
    """Return an event as {"type": its name, field: value, ...}."""
    return {"type": type(event).__name__, **named(event)}


def number(value: float) -> float | None:
    """Return a number for JSON: None when there is none."""
    return round(value, 3) if math.isfinite(value) else None
