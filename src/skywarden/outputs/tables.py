"""What a system under test has said, as tables (CSV): tracks, their smoothed past, alerts and forecasts of arrival.

`score` reads them but for the past.

Times are ns since 1970. Degrees, m above the ellipsoid, m/s. A row ends with a line feed; text is quoted where it must.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from types import MappingProxyType

from skywarden.model.assessment import Alert, Identity, Threat
from skywarden.model.event import AlertCleared, AlertRaised, AlertUpdated, TrackStates
from skywarden.model.place import F64

EXACT = ",".join(["%.9g"] * 6)  # so that what was a covariance still is one
HEADS: Mapping[str, str] = MappingProxyType(
    {
        "tracks": "time_ns,track,latitude,longitude,height_m,v_east,v_north,v_up,class,category,"
        "sensor,ee_m2,en_m2,eu_m2,nn_m2,nu_m2,uu_m2\n",
        "past": "time_ns,track,latitude,longitude,height_m,v_east,v_north,v_up,sigma_m\n",
        "alerts": "time_ns,site,track,event,arrival_ns\n",
        "arrivals": "time_ns,track,site,probability,q025,q10,q25,q50,q75,q90,q975\n",
    }
)


def tracks(states: TrackStates, known: Mapping[int, Identity], sensor: Iterable[str], spread: F64) -> str:
    """Return a row for each shown track, with its likeliest class, which may be unknown, and its category.

    known: track -> what it is, where that is known. sensor: that saw each last. spread: (n, 3, 3) m^2, of its east,
    north, up.
    """
    upper = spread.reshape(-1, 9)[:, [0, 1, 2, 4, 5, 8]].tolist()
    rest = zip(states.number, sensor, upper, strict=True)
    return _rows(states, [f"{_said(known.get(n))},{_quoted(by)},{EXACT % tuple(row)}" for n, by, row in rest])


def _said(one: Identity | None) -> str:
    """Return class and category; nothing of a track that was not judged yet."""
    return "," if one is None else f"{one.likeliest or ''},{one.category}"


def past(states: TrackStates, sigma: Iterable[float]) -> str:
    """Return a row for each track as it was. sigma: of its place, in any direction all in all, m."""
    return _rows(states, [f"{value:.1f}" for value in sigma])


def _rows(states: TrackStates, rest: Iterable[str]) -> str:
    """Return a row for each track: where it is and how it flies, and what else there is to say of it."""
    columns = (
        states.number,
        states.latitude,
        states.longitude,
        states.height_m,
        states.east_m_s,
        states.north_m_s,
        states.up_m_s,
        rest,
    )
    row = f"{states.time},%d,%.7f,%.7f,%.1f,%.1f,%.1f,%.1f,%s\n"
    return "".join([row % values for values in zip(*columns, strict=True)])


def alerts(event: AlertRaised | AlertUpdated | AlertCleared) -> str:
    """Return the row of one warning; that it has ended has no arrival."""
    if isinstance(event, AlertCleared):
        return f"{event.time},{_quoted(event.site)},{event.track},cleared,\n"
    what = "raised" if isinstance(event, AlertRaised) else "updated"
    alert: Alert = event.alert
    return f"{alert.updated},{_quoted(alert.site)},{alert.track},{what},{alert.arrival}\n"


def arrivals(time: int, threats: Iterable[Threat]) -> str:
    """Return a row for each track and site that it could reach. time: ns, from which the threats count."""
    return "".join([f"{time},{t.track},{_quoted(t.site)},{t.probability:.4f},{_numbers(t.times)}\n" for t in threats])


def _numbers(values: Iterable[float]) -> str:
    return ",".join([f"{value:.2f}" if isfinite(value) else "" for value in values])


def _quoted(text: str) -> str:
    """Source: RFC 4180, section 2."""
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text
