"""Sources of which most is too much, or at impossible times: by how their counters went on, once a second."""

from collections.abc import Sequence

from skywarden.model.detection import Reason
from skywarden.model.track import Health
from skywarden.model.trust import Wire

SECOND = 1_000_000_000
TOO_MUCH = (Reason.QUOTA, Reason.TOO_FAST)
WRONG_TIME = (Reason.PAST, Reason.FUTURE, Reason.TOO_LATE)
FADE = 0.5 ** (1 / 30)  # a second
LEAST, HALF, FEW = 100.0, 0.5, 0.1  # messages; shares of what came from which it is most, and up to which hardly any
PATIENCE, RELEASE = 60 * SECOND, 300 * SECOND  # ns, for which it must be most, or hardly any


def counted(before: Sequence[Wire], health: Sequence[Health], time: int) -> tuple[Wire, ...]:
    """Return the sources, by name, a second later. time: ns."""
    known = {wire.name: wire for wire in before}
    return tuple(_counted(known.get(row.name, Wire(row.name)), row, time) for row in health)


def _counted(wire: Wire, row: Health, time: int) -> Wire:
    over, late = (sum(row.refused.get(reason, 0) for reason in some) for some in (TOO_MUCH, WRONG_TIME))
    now = wire._replace(good=row.decoded, over=over, late=late)
    if wire.good < 0:
        return now
    good, more, wrong = row.decoded - wire.good, over - wire.over, late - wire.late
    came = wire.came * FADE + good + more + wrong
    much, bad = wire.much * FADE + more, wire.wrong * FADE + wrong
    flooded, calm = _since(much, came, (wire.flooded, wire.calm), time)
    timed, right = _since(bad, came, (wire.timed, wire.right), time)
    return now._replace(
        came=came,
        much=much,
        wrong=bad,
        flooded=flooded,
        calm=calm,
        timed=timed,
        right=right,
        flood=_held(wire.flood, (flooded, calm), time),
        clock=_held(wire.clock, (timed, right), time),
    )


def _since(some: float, came: float, before: tuple[int, int], time: int) -> tuple[int, int]:
    """Return since when it is most of what came, and since when hardly any; ns, 0 not now."""
    most, few = some >= LEAST and some > HALF * came, some <= FEW * came + 1.0
    return (before[0] or time) if most else 0, (before[1] or time) if few else 0


def _held(before: bool, since: tuple[int, int], time: int) -> bool:
    most, few = since
    if most and time - most >= PATIENCE:
        return True
    return before and not (few and time - few >= RELEASE)
