"""What there is no table of, or one without rows: the figures that cannot be given then, and why.

Without a table of alerts nobody knows whether a system warned; that is not the same as a system that never warned. A
ratio of nothing is no figure either: not 0, and not 100 %.
"""

from collections.abc import Iterable, Iterator

from skywarden.score.case import Case
from skywarden.score.measure import Reason

NO_SITES = ("no sites", "об'єктів немає")
NO_ALERTS = ("no table of alerts", "таблиці тривог немає")
NO_TRACKS = ("no tracks", "трас немає")

# how the names begin of the figures that need each of them
NEEDED: dict[Reason, tuple[str, ...]] = {
    NO_SITES: ("alarm.", "baseline."),
    NO_ALERTS: (
        "attacks.in_time",
        "attacks.late",
        "attacks.not_tracked",
        "attacks.not_covered",
        "lead.",
        "alarm.",
        "baseline.saved",
        "baseline.fair",
        "nuisance.alerts",
    ),
    NO_TRACKS: (
        "lead.own_median",
        "baseline.",
        "nuisance.alerts",
        "gospa.localisation",
        "siap.ambiguity",
        "siap.spuriousness",
        "siap.position_accuracy",
        "siap.velocity_accuracy",
        "siap.number_changes",
        "siap.twice_ambiguity",
        "siap.twice_spuriousness",
        "trajectory.localisation",
        "trajectory.switch",
        "first_track.flying",
        "first_track.covered",
        "segments.",
        "class.right",
    ),
}


def lacking(cases: Iterable[Case]) -> tuple[Reason, ...]:
    """Return the reasons of NEEDED that hold for some raids together.

    Alerts are lacking where one raid has no table of them: what became of its attacks is not known, and figures of the
    other raids alone would not be those of all. Sites and tracks are lacking where no raid has any.
    """
    known = list(cases)
    return tuple(_reasons(known))


def _reasons(cases: list[Case]) -> Iterator[Reason]:
    if not any(given.sites for given in cases):
        yield NO_SITES
    if any(given.alerts is None for given in cases):
        yield NO_ALERTS
    if not any(len(given.tracks) for given in cases):
        yield NO_TRACKS


def why(name: str, lack: Iterable[Reason]) -> Reason | None:
    """Return why the figure of a measure cannot be given; None: it can. lack: of `lacking`."""
    return next((reason for reason in lack if name.startswith(NEEDED[reason])), None)
