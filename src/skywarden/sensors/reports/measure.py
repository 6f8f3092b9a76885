"""Reports -> Detections: one small batch for each report."""

from math import log

import numpy as np

from skywarden.model.assessment import CLASSES, Class
from skywarden.model.detection import Claim, Detections, ErrorMeaning, Kind, Reporter, TimeKind, detections, named
from skywarden.model.place import F64, Place
from skywarden.sensors.reports.message import Camera, Observer, Report, nanoseconds

POINTED = {"device": 5.0, "landmark": 8.0, "guess": 15.0}  # deg, 1 sigma of a person's direction; assumed
UNTRAINED = 1.5  # times that, up to the largest
ELEVATION_SIGMA = 10.0  # deg; people see things higher than they are
DEVICE_TIME_SIGMA = 0.1  # s; assumed
TRAINED_TIME_SIGMA, UNTRAINED_TIME_SIGMA = 3.0, 10.0  # s; assumed
CIRCLE = 2.4477  # sigmas; of a level normal distribution 95 % lie within
TRAINED_WORD, UNTRAINED_WORD = log(4.0), log(2.0)  # nats for the class that a person names; assumed
MOST = 10.0  # nats
LEAST = 1e-4  # a probability below is taken as this


def measure(report: Report, name: str, place: Place | None, received: int) -> Detections:
    """Return one report as a batch of one. name, place: of who reports. received: ns."""
    if isinstance(report, Observer):
        return _observer(report, name, place, received)
    azimuth, elevation = report.azimuth_deg, report.elevation_deg
    evidence, claims = None, tuple[Claim, ...]()
    if isinstance(report, Camera):
        sigmas, evidence = (report.azimuth_sigma_deg, report.elevation_sigma_deg), ratios(report)
    else:
        sigmas = (report.sigma_deg, report.sigma_deg)
        claims = (Claim(0, "signal", report.signal),) if report.signal else ()
    return detections(
        Kind.DIRECTION,
        name,
        received,
        np.array([nanoseconds(report.time)]),
        _angles(azimuth, elevation),
        np.diag(np.radians(sigmas))[None] ** 2,
        place=place,
        time_sigma=DEVICE_TIME_SIGMA,
        number=np.array([report.number]),
        revisit=1.0,
        evidence=evidence,
        claims=claims,
    )


def _angles(azimuth: float, elevation: float | None) -> F64:
    """Return (1, 2) rad; azimuth in [0, 2 pi), elevation NaN if it is not said."""
    return np.radians([[azimuth % 360.0, np.nan if elevation is None else elevation]])


def _observer(report: Observer, name: str, place: Place | None, received: int) -> Detections:
    """A direction of something heard is one of the past place that the sound came from: SOUND."""
    if report.azimuth_deg is None:
        kind, meaning, (z, covariance) = Kind.PLANE, ErrorMeaning.PERCENT_95, _circle(report)
    else:
        kind, meaning = Kind.DIRECTION if report.seen else Kind.SOUND, ErrorMeaning.ASSUMED
        z = _angles(report.azimuth_deg, report.elevation_deg)
        sigma = POINTED[report.pointed] * (1.0 if report.trained else UNTRAINED)
        sigmas = np.radians([min(sigma, max(POINTED.values())), ELEVATION_SIGMA])
        covariance = np.diag(sigmas)[None] ** 2
    return detections(
        kind,
        name,
        received,
        np.array([nanoseconds(report.time)]),
        z,
        covariance,
        place=place,
        sent=0 if report.time_sent is None else nanoseconds(report.time_sent),
        time_sigma=TRAINED_TIME_SIGMA if report.trained else UNTRAINED_TIME_SIGMA,
        time_kind=TimeKind.MEASURED if report.seen else TimeKind.ARRIVAL,
        error_meaning=meaning,
        number=np.array([report.number]),
        revisit=60.0,
        evidence=_word(report.what, report.trained),
        roots=(f"observer {report.who}",),
        node=named([report.who]),
        reporter=Reporter.OBSERVER if report.trained else Reporter.CITIZEN,
    )


def _circle(report: Observer) -> tuple[F64, F64]:
    """Return latitude, longitude rad, (1, 2), and the covariance of east and north, m^2: 95 % within the circle."""
    assert report.at is not None
    assert report.radius_m is not None
    z = np.radians([[report.at.latitude, report.at.longitude]])
    return z, np.eye(2)[None] * (report.radius_m / CIRCLE) ** 2


def _word(what: Class | None, trained: bool) -> F64 | None:
    if what is None or what is Class.UNKNOWN:
        return None
    evidence = np.zeros((1, len(CLASSES)))
    evidence[0, CLASSES.index(what)] = TRAINED_WORD if trained else UNTRAINED_WORD
    return evidence


def ratios(report: Camera) -> F64 | None:
    """Return (1, len(CLASSES)) nats: ln of probability after over before the look. None if the camera names no class.

    By Bayes' rule that is ln p(picture | class) - ln p(picture): the camera's own expectation is taken out again.
    What is left of the whole is shared by the classes that the camera does not name.
    """
    if not report.classes:
        return None
    rest = _ratio(1.0 - sum(report.classes.values()), 1.0 - sum(report.prior.values()))
    said = {word: _ratio(report.classes.get(word, 0.0), prior) for word, prior in report.prior.items()}
    return np.array([[said.get(word, rest) for word in CLASSES]])


def _ratio(after: float, before: float) -> float:
    """Return the log ratio; 0 where nothing was expected and nothing found."""
    return min(max(log(max(after, LEAST) / max(before, LEAST)), -MOST), MOST)
