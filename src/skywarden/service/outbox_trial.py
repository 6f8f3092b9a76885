"""A message of test to one recipient, sent by hand: not through the queue, and never meant."""

from msgspec.structs import replace

from skywarden.config import Settings
from skywarden.errors import ConfigError
from skywarden.model.mode import Mode
from skywarden.model.raid import Kind, Level
from skywarden.model.recipient import Recipient
from skywarden.model.warning import SECOND, AreaWarning, Likely, Move
from skywarden.service.deliver import deliver
from skywarden.service.outbox import outlines, parcel
from skywarden.service.outbox_queue import Queue, Row

AREA = "Test"
HOLDS = 300 * SECOND  # ns


def recipient_of(settings: Settings, name: str) -> Recipient:
    """Return a recipient by its name. Raises ConfigError."""
    found = next((one for one in settings.recipients if one.name == name), None)
    if found is None:
        names = ", ".join(one.name for one in settings.recipients) or "none: write a [[recipients]] block"
        raise ConfigError(f"{name} is no recipient; there are {names}")
    return found


def send_test(settings: Settings, name: str, now: int) -> str:
    """Send a test at `now`, ns, and return what came back. Raises ConfigError, Undelivered."""
    to = replace(recipient_of(settings, name), actual=False)
    known = outlines(settings)
    if not known:
        raise ConfigError("a message is about an area, and there is none; write a [[sites]] block")
    shape = known[to.areas[0] if to.areas else next(iter(known))]._replace(area=AREA)
    until, kinds = now + HOLDS, (Kind.UNKNOWN,)
    said = AreaWarning(
        AREA, 0, 0, Move.RAISED, Mode.LIVE, now, now, until, Level.WARN, Likely.UNLIKELY, kinds, (), 0, 0
    )
    warning = said._replace(first=until, last=until)
    row = Row(to.name, warning.identifier, warning, shape, now)
    made = parcel(Queue(to), row, settings.outputs.sender)
    if isinstance(made, str):
        raise ConfigError(f"the message is refused by our own checks: {made}")
    return deliver(to, made)
