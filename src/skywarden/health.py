"""Counters of the sources: what was understood, what was refused and why, what was of use."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from skywarden.model.detection import Decoded, Node, Reason
from skywarden.model.event import Output, Refused
from skywarden.model.track import Health, Use
from skywarden.watch import marked

FAULTS = {  # reasons that say that a sensor, its settings or ours are wrong, and not just the weather on the wire
    Reason.MALFORMED,
    Reason.TRUNCATED,
    Reason.OVERSIZE,
    Reason.WRONG_EDITION,
    Reason.IMPLAUSIBLE,
    Reason.NOT_FINITE,
    Reason.PAST,
    Reason.FUTURE,
    Reason.TOO_LATE,
    Reason.SIMULATED,
    Reason.SITE_UNKNOWN,
    Reason.NOT_REGISTERED,
    Reason.DECODER_FAULT,
}


def counted(health: tuple[Health, ...], decoded: Sequence[tuple[Decoded, int]]) -> tuple[Health, ...]:
    """Return the counters after what decoders made of a tick's messages. decoded: with ns, when each was received."""
    rows = {row.name: row for row in health}
    for found, received in decoded:
        row = rows.get(found.source, Health(found.source))
        refused = dict(row.refused)
        for reason, count in found.refused.items():
            refused[reason] = refused.get(reason, 0) + count
        last = received if found.messages else row.last
        nodes = row.nodes if found.nodes is None else found.nodes
        uses = _uses(row, found, nodes, received) if nodes else row.uses
        marks = marked(row.marks, found.marks)
        row = replace(row, decoded=row.decoded + found.messages, refused=refused, last=last)
        row = replace(row, nodes=nodes, uses=uses, marks=marks)
        rows[found.source] = _spurned(row, found.refused, received)
    return tuple(rows[name] for name in sorted(rows))


def _uses(row: Health, found: Decoded, nodes: Sequence[Node], time: int) -> dict[str, Use]:
    """Note which of a source's nodes were of use, and which were not and why."""
    uses = dict(row.uses)
    for batch in found.batches:
        uses[batch.sensor] = uses.get(batch.sensor, Use())._replace(used=time)
    for sensor, why in found.useless.items():
        uses[sensor] = uses.get(sensor, Use())._replace(spurned=time, why=why)
    names = {node.name for node in nodes}
    return {name: use for name, use in uses.items() if name in names}


def _spurned(row: Health, refused: Mapping[str, int], time: int) -> Health:
    """Note when and mostly why something of a source was refused that should not have been sent."""
    faults = {reason: count for reason, count in refused.items() if reason in FAULTS}
    return replace(row, spurned=time, why=max(faults, key=lambda reason: faults[reason])) if faults else row


def renewed(health: tuple[Health, ...], nodes: Mapping[str, tuple[Node, ...]]) -> tuple[Health, ...]:
    """Show the nodes as they are at a start or reload; no other node is known."""
    return tuple(replace(row, nodes=nodes.get(row.name, ())) for row in health)


def of_source(event: Refused, owners: dict[str, str]) -> Refused:
    """The tracker names the sensor; people look for the source."""
    return msgspec.structs.replace(event, source=owners.get(event.source, event.source))


def blamed(
    health: tuple[Health, ...], events: Sequence[Output], measured: Mapping[str, int], time: int
) -> tuple[Health, ...]:
    """Count what the step refused beside what the decoders did. measured: source -> detections that it was given."""
    rows = {row.name: row for row in health}
    left = dict(measured)
    for event in events:
        if isinstance(event, Refused) and event.source in rows:
            row = rows[event.source]
            refused = {**row.refused, event.reason: row.refused.get(event.reason, 0) + event.count}
            rows[event.source] = _spurned(replace(row, refused=refused), {event.reason: event.count}, time)
            if event.reason != Reason.UNSUPPORTED:  # a kind that is not used yet is no fault of the source
                left[event.source] = left.get(event.source, 0) - event.count
    for source, count in left.items():
        if count > 0:
            rows[source] = replace(rows[source], used=time)
    return tuple(rows.values())
