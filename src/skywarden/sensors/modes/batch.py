"""What was heard in one frame, as Detections and as rows to print."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from skywarden import geo
from skywarden.model.assessment import Family
from skywarden.model.detection import (
    NO_ADDRESS,
    Claim,
    Decoded,
    Detections,
    ErrorMeaning,
    Frame,
    Kind,
    Reason,
    TimeKind,
    detections,
)
from skywarden.model.place import F64
from skywarden.sensors.modes.message import row
from skywarden.sensors.modes.receiver import FOREIGN, Heard, Report, Setting

REVISIT = 1.0  # s; two positions a second are sent, about half are heard
ROOTS = ("adsb",)  # one aircraft's own fix, through however many receivers


class Item(NamedTuple):
    """One message of a frame. number: which; time: ns. repeated: the same bytes with the same time came before."""

    number: int
    time: int
    heard: Heard
    repeated: bool = False


class Timing(NamedTuple):
    """What the times of a format are. sigma: s."""

    kind: TimeKind
    sigma: float


def decoded(settings: Setting, frame: Frame, items: Iterable[Item], timing: Timing) -> Decoded:
    """Return positions as one batch, and the counts."""
    refused: dict[str, int] = {}
    reports: list[tuple[int, int, Report]] = []
    understood = 0
    for number, time, heard, repeated in items:
        reason = Reason.DUPLICATE if repeated and heard.reason is None else heard.reason
        if reason is not None:
            refused[reason] = refused.get(reason, 0) + 1
            continue
        understood += 1
        if heard.report is not None:
            reports.append((number, time, heard.report))
    batches = (_batch(settings, frame, reports, timing),) if reports else ()
    return Decoded(frame.source, understood, batches, refused)


def rows(settings: Setting, items: Iterable[Item]) -> Iterator[dict[str, Any]]:
    """Yield each message's fields; beside an error stands what else the message says."""
    for _, time, heard, repeated in items:
        found: dict[str, Any] = {} if heard.reason is None else {"error": heard.reason.value}
        message = heard.message
        if message is not None:
            found |= {"time": time, "source": settings.source, "icao24": f"{message.address:06x}", **row(message)}
            if not heard.known:
                found["address_known"] = False
            if repeated:
                found["duplicate"] = True
        yield found


def _batch(settings: Setting, frame: Frame, reports: list[tuple[int, int, Report]], timing: Timing) -> Detections:
    said = [report for _, _, report in reports]
    latitude = np.radians([r.fix.latitude for r in said])
    longitude = np.radians([r.fix.longitude for r in said])
    height = np.array([r.height.metres for r in said])
    geoid = np.array([r.height.geoid for r in said])
    if geoid.any():
        height[geoid] += geo.geoid_height(latitude[geoid], longitude[geoid])
    level = np.array([r.sigma for r in said])
    return detections(
        Kind.POSITION,
        settings.sensor,
        frame.received,
        np.array([time for _, time, _ in reports], np.int64),
        geo.ecef(latitude, longitude, height),
        covariances(latitude, longitude, level, np.array([r.height.sigma for r in said])),
        place=settings.stand,
        time_sigma=timing.sigma,
        time_kind=timing.kind,
        error_meaning=ErrorMeaning.PERCENT_95,
        subject=np.array([r.address for r in said], np.int64),
        number=np.array([number for number, _, _ in reports], np.int64),
        address=np.array([NO_ADDRESS if r.address & FOREIGN else r.address for r in said], np.int64),
        revisit=REVISIT,
        claims=tuple(_claims(said)),
        roots=ROOTS,
        family=Family.CLAIM,
    )


def covariances(latitude: F64, longitude: F64, level: F64, vertical: F64) -> F64:
    """Return (n, 3, 3) m^2 ECEF of errors of `level` m east and north and `vertical` m up, at n places in rad."""
    axes = geo.east_north_up(latitude, longitude)
    variances = np.stack([level, level, vertical], -1) ** 2
    return np.asarray(np.einsum("nki,nk,nkj->nij", axes, variances, axes), float)


def _claims(reports: list[Report]) -> Iterator[Claim]:
    for index, report in enumerate(reports):
        for name, value in (("callsign", report.callsign), ("squawk", report.squawk), ("emergency", report.emergency)):
            if value:
                yield Claim(index, name, value)
