"""What people report, as one line of the live view."""

from rich.text import Text

from skywarden.model.triage import Event
from skywarden.service.view_page import DIM, HEAD, Page, cell


def reports(page: Page) -> list[Text]:
    """Return a line: how many events, which of them a track supports, and how many reports nothing supports."""
    triage = page.shown.picture.triage
    if not len(triage.events) and not len(triage.waiting):
        return []
    events = triage.events
    spoken, seen = events[:, Event.TOLD] > 0, events[:, Event.SUPPORTED] > 0
    alone = int(events[~spoken, Event.REPORTS].sum())
    told = page.say("report_events").format(n=int(spoken.sum()), seen=int((spoken & seen).sum()))
    rest = page.say("reports_alone").format(n=alone)
    line = Text(f"{told}; ", HEAD if spoken.any() else DIM).append(rest, DIM)
    out = sum(triage.left.values())
    if out:
        line.append("; " + page.say("reports_left_out").format(n=out), DIM)
    line = cell(line)
    line.truncate(page.width, overflow="ellipsis")
    return [line]
