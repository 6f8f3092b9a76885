"""Cutting a byte stream into messages, where several formats do it alike."""

MAX_LINE = 1 << 16  # bytes; longer than any message, so that noise without line ends cannot wait for ever


def lines(buffer: bytes, longest: int = MAX_LINE) -> list[int]:
    """Return the lengths of whole lines; a line of more than `longest` bytes is given out in pieces of that length."""
    lengths, start = [], 0
    while start < len(buffer):
        end = buffer.find(b"\n", start, start + longest) + 1
        if not end and len(buffer) - start < longest:
            break
        lengths.append((end or start + longest) - start)
        start += lengths[-1]
    return lengths
