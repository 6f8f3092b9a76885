"""The sites in the live view: how bad it is, who comes from where, what to start by when, and where nobody looks."""

from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from skywarden.model.raid import Level
from skywarden.model.watched import CELLS
from skywarden.service.publish import STALLED_AFTER, Published
from skywarden.service.raid_rows import GroupRow, SiteRow, StartRow
from skywarden.service.rows import AlertRow
from skywarden.service.view_page import BAD, DIM, GOOD, HEAD, WORDY, Page, blank, cell, minutes, rest
from skywarden.watch import Word, short

BESIDE = 62  # columns that a site's other cells take
# column -> the terminal's width from which it is shown
SITES = {
    "name": 0, "arrival": 0, "interval": 60, "threats": 50, "alert": 0,
}  # fmt: skip


def sites(page: Page, room: int) -> Table:
    """Return the table of the sites, the gravest first, in `room` lines."""
    table = blank(page, "sites", page.columns(SITES), right=("arrival", "threats"))
    names = site_names(page.shown)
    soonest: dict[str, AlertRow] = {}
    for alert in page.shown.alerts:
        soonest.setdefault(alert.site, alert)
    rows = {row.site: row for row in page.shown.site_rows}
    place = {name: k for k, name in enumerate(rows)}
    ordered = sorted(names, key=lambda n: (n not in soonest, place.get(n, len(place))))
    for name in ordered[:room]:
        _site(page, table, name, (soonest.get(name), rows.get(name)))
    return rest(page, table, len(names) - room)


def _site(page: Page, table: Table, name: str, known: tuple[AlertRow | None, SiteRow | None]) -> None:
    (alert, row), threats = known, page.expected.get(name, [])
    if alert is not None:
        arrival = minutes(page.left(alert.arrival))
        interval = f"{minutes(page.left(alert.early))}-{minutes(page.left(alert.late))}"
        critical = row is not None and row.level == Level.CRITICAL.word
        word, style = f"▲ {page.say('CRITICAL' if critical else 'ALERT')}", "bold white on red" if critical else BAD
    else:
        likely = min((t.arrival for t in threats), default=None)
        arrival, interval = "" if likely is None else minutes(likely), ""
        word, style = "", DIM
    cells: dict[str, Text | str] = {
        "name": name,
        "arrival": Text(arrival, HEAD),
        "interval": interval,
        "threats": str(len(threats)) if threats else "",
        "alert": _word(page, name, Text(word, style)),
    }
    table.add_row(*(cell(cells[column]) for column in page.columns(SITES)))


def raids(page: Page, room: int) -> list[Text]:
    """Return a line for each site with alerts, the gravest first: what to start by when, and who comes from where."""
    lines = []
    for row in page.shown.site_rows:
        if row.groups:
            line = cell(Text(f"{row.site}: ", BAD))
            line.append_text(cell(Text("".join(f"{_start(page, start)}; " for start in row.starts), HEAD)))
            line.append_text(cell(Text(", ".join(_group(page, group) for group in row.groups))))
            line.append_text(cell(Text(_sent(page, row.site), HEAD)))
            line.truncate(page.width, overflow="ellipsis")
            lines.append(line)
    return lines[:room]


def _group(page: Page, group: GroupRow) -> str:
    """Return who comes from where: "12 drones from W"."""
    direction = page.say("direction_from").format(way=page.say(f"way {group.direction}")) if group.direction else ""
    return f"{len(group.tracks)} {page.say(f'kind {group.kind}')} {direction}".strip()


def _sent(page: Page, site: str) -> str:
    """Return which units could meet those who come to a site, or look at them, and which a person has sent."""
    said = []
    for one in page.shown.advice:
        if one.site == site and one.unit:
            if one.by:
                said.append(page.say("sent").format(unit=one.unit, person=one.by))
            elif one.options and one.options[0].unit == one.unit:
                by = datetime.fromtimestamp(one.options[0].wait * 1e-9, UTC)
                said.append(page.say(f"advised_{one.task}").format(unit=one.unit, by=f"{by:%H:%M:%S}Z"))
    return "".join(f"; {word}" for word in said)


def _start(page: Page, start: StartRow) -> str:
    """Return by when an action should begin; past that it may end too late."""
    by = datetime.fromtimestamp(start.by * 1e-9, UTC)
    return page.say("start_by" if start.by > page.shown.picture.time else "start_now").format(
        action=start.action, by=f"{by:%H:%M:%S}Z"
    )


def _word(page: Page, name: str, alert: Text) -> Text:
    """Return the word of a site, with the cells that are not watched; an alert goes before it."""
    said = page.shown.words.get(name)
    if said is None or said.word == Word.ALERT:
        more = said is not None and said.blind and page.width >= WORDY
        return alert.append(f"  {page.say(Word.NOT_WATCHED)}", BAD) if more else alert
    good = said.word != Word.NOT_WATCHED and page.stale <= STALLED_AFTER  # else nobody works out anything
    first = page.say("watched" if good else Word.NOT_WATCHED if page.width >= WORDY else "blind")
    detail = page.say(said.word) if good else f"{first}: {short(said.blind, page.say)}" if said.blind else first
    few = f"{first}: {len(said.blind)}/{CELLS}" if said.blind else first
    fits = (text for text in (detail, few) if len(text) <= page.width - BESIDE)
    return Text(next(fits, first), BAD if not good else GOOD if said.word == Word.CLEAR else DIM)


def site_names(shown: Published) -> list[str]:
    names = dict.fromkeys(site.name for site in shown.sites)
    names.update(dict.fromkeys(alert.site for alert in shown.alerts))
    return list(names)
