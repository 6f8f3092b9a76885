"""What is said of sites and raids, as rows of the JSON lines (`jsonl` has their fields)."""

from typing import Any

from skywarden.model.event import ActionAdvised, ActionEnded, Announced, LevelChanged, Output, RaidEnded
from skywarden.model.raid import News, Span
from skywarden.outputs.iso import iso


def raid_row(event: Output) -> dict[str, Any]:
    """Return an event of a site or a raid as a row; empty for all others, and for what is listed but not announced."""
    row: dict[str, Any] = {}
    match event:
        case LevelChanged(time, site, level, span):
            row = {"event": "level changed", "time": iso(time), "site": site, "level": level.word}
            return {**row, **_span(span)} if level else row
        case ActionAdvised(time, site, action, by, late):
            row = {"event": "action advised", "time": iso(time), "site": site, "action": action, "by": iso(by)}
            return {**row, "too_late": round(late, 2)}
        case ActionEnded(time, site, action):
            return {"event": "action ended", "time": iso(time), "site": site, "action": action}
        case Announced(time, position, raid, aloud, news):
            row = {"event": "announced", "time": iso(time), "position": position, "raid": raid}
            return {**row, "news": [_news(one) for one in news]} if aloud else {}
        case RaidEnded(time, position, raid):
            return {"event": "raid ended", "time": iso(time), "position": position, "raid": raid}
    return row


def _news(news: News) -> dict[str, Any]:
    """Return one thing that is announced; from which direction it comes is no part of a warning."""
    heading = news.heading
    head = {"site": heading.site, "kind": heading.kind, "level": news.level.word, "tracks": news.tracks}
    return {**head, **_span(news.span)}


def _span(span: Span) -> dict[str, Any]:
    when = {"early": iso(span.early), "first": iso(span.first), "last": iso(span.last)}
    return {"probability": round(span.probability, 2), **when}
