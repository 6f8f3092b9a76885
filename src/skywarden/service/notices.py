"""What the operator must know beside the picture, in words: a disk's fault, a loss, a configuration, a clock's jump."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from skywarden.model.track import Mode
from skywarden.service import sync
from skywarden.service.publish import Published
from skywarden.service.tls import Row

FAULTS = (  # parts of `Published.fault` that have words in each language; the rest is a path or the system's own
    "the disk is full: free some space",
    "the disk quota is used up: raise it or free some space",
    "the disk does not read or write: check the disk and the system log",
    "the disk is mounted read-only: mount it for writing, or name another directory",
    "another program has locked it: close that program",
    "the disk is too slow",
    "the disk needs more than",
    "memory is full too, and what comes is lost",
    "snapshot not kept",
)


def notices(shown: Published, words: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each, the worst first. words: a table of `LANGUAGES`."""
    if shown.choosy:
        yield words["choosy"]
    yield from _record(shown, words)
    yield from _people(shown, words)
    yield from _outbox(shown, words)
    yield from _configuration(shown, words)
    if shown.stepped_s:
        at = datetime.fromtimestamp(shown.stepped_at * 1e-9, UTC)
        yield words["clock_stepped"].format(s=f"{shown.stepped_s:+.1f}", time=f"{at:%H:%M:%S}Z")
    yield from _sensors(shown, words)
    for end in shown.tls:
        yield from _certificate(end, words)
    if shown.picture.mode in (Mode.LIVE, Mode.EXERCISE):  # what we simulate ourselves has our time
        if shown.sync.state == sync.NOT:
            yield words["clock_not_synchronised"]
        elif shown.sync.state == sync.INEXACT and shown.sync.estimated_s is not None:
            yield words["clock_inexact"].format(ms=f"{shown.sync.estimated_s * 1000:.0f}")


def _sensors(shown: Published, words: Mapping[str, str]) -> Iterator[str]:
    """Yield which sensors are not what they say."""
    for what, names in (("boasting", shown.boasting), ("unfit", shown.unfit), ("quarantined", shown.quarantined)):
        if names:
            yield words[what].format(sensors=", ".join(names))
    if shown.ears.faulty:
        first = ", ".join(shown.ears.first)
        yield words["ears"].format(n=shown.ears.faulty, total=shown.ears.known, first=first)


def _people(shown: Published, words: Mapping[str, str]) -> Iterator[str]:
    """Yield what nobody has acknowledged, and what goes out of the house by whose word."""
    if shown.people:
        yield words["people_fault"].format(fault=shown.people)
    held = shown.held
    for waits in held.waiting:
        if waits.escalated:
            yield words["escalated"].format(position=waits.position, since=_clock(waits.since), to=waits.to)
    for handed in held.handed:
        until = _clock(handed.until)
        yield words["handed"].format(partner=handed.partner, by=handed.by, track=handed.track, until=until)
    for feed in held.feeds:
        yield words["feeding"].format(partner=feed.partner, by=feed.by, until=_clock(feed.until))
    for partner in shown.partners:
        if partner.fault:
            yield words["partner_fault"].format(partner=partner.partner, fault=partner.fault)


def _clock(time: int) -> str:
    return f"{datetime.fromtimestamp(time * 1e-9, UTC):%H:%M:%S}Z"


def _outbox(shown: Published, words: Mapping[str, str]) -> Iterator[str]:
    if shown.outbox_fault:
        yield words["outbox_fault"].format(fault=shown.outbox_fault)
    if shown.untold:
        waits = sum(row.waiting + row.retrying for row in shown.untold)
        names = ", ".join(row.recipient for row in shown.untold)
        yield words["untold"].format(names=names, n=waits, why=shown.untold[0].reason)


def _record(shown: Published, words: Mapping[str, str]) -> Iterator[str]:
    if shown.not_recorded and shown.fault:
        fault = shown.fault
        for part in FAULTS:
            fault = fault.replace(part, words[part])
        yield words["record_fault"].format(fault=fault)
    if shown.lost:
        sources = ", ".join(f"{name} {count}" for name, count in sorted(shown.lost.items()))
        lost = words["messages_lost"].format(n=sum(shown.lost.values()), sources=sources)
        yield lost if shown.not_recorded else f"{lost}; {words['restart']}"  # which needs a disk that answers
    for doubt in shown.doubts:
        yield words["record_doubt"].format(doubt=doubt)
    if shown.room is not None and shown.room.scarce:
        yield words["room"].format(hours=f"{shown.room.hours_left:.1f}")


def _certificate(end: Row, words: Mapping[str, str]) -> Iterator[str]:
    whose = words["whose_source"].format(name=end.source) if end.source is not None else words["whose_api"]
    if end.ending and end.expires is not None and end.left_d is not None:
        date = f"{datetime.fromtimestamp(end.expires * 1e-9, UTC):%Y-%m-%d}"
        word = words["certificate_ended" if end.expired else "certificate_ends"]
        yield word.format(file=end.file, whose=whose, days=f"{end.left_d:.0f}", date=date)
    if end.problem:
        yield words["certificate_not_renewed"].format(whose=whose, problem=end.problem)


def _configuration(shown: Published, words: Mapping[str, str]) -> Iterator[str]:
    config = shown.config
    if config.refused is not None:
        yield words["config_refused"].format(why=config.refused.replace("\n", "; "))
    elif config.changed:
        yield words["config_changed"]
    if config.stays:
        yield words["config_stays"].format(names=", ".join(config.stays))
