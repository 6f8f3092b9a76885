"""Acts as they come over the wire: decoded strictly, and nothing in them that a record or a screen could not take."""

import msgspec

from skywarden.model.act import Act

LONGEST = 500  # characters of a text
LARGEST = (1 << 63) - 1  # of a number: what the record can hold

decode = msgspec.json.Decoder(Act).decode


def unfit(act: Act) -> str:
    """Return why an act cannot be taken, in words; "" when it can."""
    for name, value in msgspec.structs.asdict(act).items():
        if isinstance(value, str):
            if len(value) > LONGEST:
                return f"{name} is longer than {LONGEST} characters"
            if not value.isprintable():
                return f"{name} has characters that cannot be shown"
        elif isinstance(value, int) and not -LARGEST <= value <= LARGEST:
            return f"{name} is too large a number"
    return ""
