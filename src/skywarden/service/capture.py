"""The ASTERIX messages of a record as a capture file, for other people's programs."""

from pathlib import Path

from skywarden.config import recalled
from skywarden.errors import ConfigError, RecordError
from skywarden.model.event import Started, decode
from skywarden.outputs import pcap
from skywarden.record.log import Record
from skywarden.service.frames import frames_of

FORMAT = "asterix"


def capture(record: Record, path: Path) -> int:
    """Write the messages of a record's ASTERIX sources to `path`; return how many.

    Each source is a sender of its own, in the order of the configuration. Raises ConfigError when there is no such
    source, or more than a capture can tell apart; RecordError; OSError.
    """
    first = next(iter(record.entries()), None)
    started = decode(first.payload) if first is not None else None
    if not isinstance(started, Started):
        raise RecordError("the record does not begin with its settings: its beginning is missing")
    sources = recalled(started.resolved, started.settings).sources
    names = [source.name for source in sources if source.format == FORMAT]
    if not 0 < len(names) <= pcap.SENDERS:
        raise ConfigError(f"a capture takes 1 to {pcap.SENDERS} ASTERIX sources, and the record has {len(names)}")
    senders = {name: k for k, name in enumerate(names)}
    count = 0
    with path.open("wb") as file:
        file.write(pcap.head())
        for frame in frames_of(record.entries()):
            if (sender := senders.get(frame.source)) is not None:
                file.write(b"".join([pcap.packet(frame.received, sender, data) for data in frame.messages()]))
                count += len(frame)
    return count
