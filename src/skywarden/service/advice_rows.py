"""Advice as people's programs read it: who, why, why not, and what doing nothing means."""

from collections.abc import Sequence

import msgspec

from skywarden.model.advice import Advice, Option
from skywarden.model.raid import Group, Heading


class OptionRow(msgspec.Struct, frozen=True):
    """A unit that could meet a group, or look at it. wait, meets: ns."""

    unit: str
    wait: int
    meets: int
    spare_s: float
    reasons_for: list[str]
    reasons_against: list[str]


class AdviceRow(msgspec.Struct, frozen=True):
    """What is advised for one group. nothing: probability that somebody comes, with or without; since, at: ns.

    task: "meet", or "look", with a sensor that it points.
    """

    advice: int
    task: str
    site: str
    kind: str
    direction: str
    unit: str
    nothing: float
    options: list[OptionRow]
    since: int
    verdict: str
    by: str
    reason: str
    at: int


def rows(standing: Sequence[Advice], groups: Sequence[Group]) -> list[AdviceRow]:
    """Return a row for each advice, in the order of the groups."""
    likely = {group.heading: group.span.probability for group in groups}
    return [_row(one, likely.get(one.heading, 0.0)) for one in standing]


def _row(one: Advice, likely: float) -> AdviceRow:
    heading, options = one.heading, [_option(option, one.doubt) for option in one.options]
    return AdviceRow(
        advice=one.number,
        task=one.task,
        site=heading.site,
        kind=heading.kind,
        direction=heading.word,
        unit=one.unit,
        nothing=round(likely, 4),
        options=options,
        since=one.since,
        verdict=one.verdict,
        by=one.by,
        reason=one.reason,
        at=one.at,
    )


def _option(one: Option, doubt: str) -> OptionRow:
    reasons = [f"it is in reach in time, with {one.spare:.0f} s to spare", *([doubt] if doubt else [])]
    against = [f"it would leave {_group(one.busy)}"] if one.busy else []
    if one.spare < 60.0:
        against.append("it must leave within a minute")
    return OptionRow(one.unit, one.wait, one.meets, one.spare, reasons, against)


def _group(heading: Heading) -> str:
    return f"{heading.kind}{f' from {heading.word}' if heading.word else ''} at {heading.site}"
