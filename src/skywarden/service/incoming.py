"""What an installation asks of where its frames come from: sockets and recordings, or frames that were simulated."""

from collections.abc import Sequence
from typing import Protocol

from skywarden.model.detection import Frame
from skywarden.model.event import Answered
from skywarden.model.place import Source
from skywarden.service.sources import Change
from skywarden.service.tls import Tls
from skywarden.service.wire import Wire


class Incoming(Protocol):
    """The inbox, or what stands in for it; see `sources.Inbox` for what each part does."""

    @property
    def tls(self) -> tuple[Tls, ...]: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def plan(self, sources: Sequence[Source]) -> Change: ...

    def close(self, change: Change) -> None: ...

    def open(self, change: Change) -> None: ...

    def take(self, timeout: float) -> list[Frame]: ...

    def answer(self, answers: Sequence[Answered]) -> None: ...

    def wires(self) -> tuple[Wire, ...]: ...

    def finished(self) -> bool: ...
