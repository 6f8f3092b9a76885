"""What a tick needs and can be made before it comes: the tracker's chains, on the other core.

It follows from the chains before alone, so it is the same whenever it is made: live once the tick before is published,
in a replay already beside that tick, or here at once.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

from skywarden.config import Settings
from skywarden.model.place import TrackPolicy
from skywarden.model.track import Chains, Picture
from skywarden.sensors import SLOW
from skywarden.track.settled import Progress, progressed

CHAIN = "settled chain"


@cache
def worker() -> ThreadPoolExecutor:
    """Return the one thread beside the engine's."""
    return ThreadPoolExecutor(1, "ahead")


def slow(settings: Settings) -> bool:
    """Return whether people, or tracks of other systems that are used, are among the sources."""
    shown = TrackPolicy.DISPLAY
    return any(source.format in SLOW or source.tracks is not shown for source in settings.sources)


def made(chains: Chains, time: int, settings: Settings) -> Progress:
    """Return how the chains of a picture of `time`, ns, go on; if a fault of ours ends that, they stand still.

    That is told each time as `Refused`, with CHAIN for the source.
    """
    try:
        return progressed(chains, time, settings.tracker, slow(settings))
    except Exception:  # noqa: BLE001 - the head must go on
        return Progress(chains, None, {CHAIN: 1})


class Ahead:
    """Makes it between two ticks. What was begun for another picture or other settings is not used."""

    def __init__(self) -> None:
        self._of: tuple[Chains, int, Settings] | None = None
        self._begun: Future[Progress] | None = None

    def begin(self, chains: Chains, time: int, settings: Settings) -> None:
        """Begin, where there is anything to do and it has not been begun. chains: of the picture of `time`, ns."""
        if not self._is_of(chains, time, settings):
            begun = worker().submit(made, chains, time, settings) if chains.waiting else None
            self._of, self._begun = (chains, time, settings), begun

    def take(self, picture: Picture, settings: Settings) -> Progress:
        """Return it, ready."""
        if self._begun is not None and self._is_of(picture.chains, picture.time, settings):
            return self._begun.result()
        return made(picture.chains, picture.time, settings)

    def _is_of(self, chains: Chains, time: int, settings: Settings) -> bool:
        if self._of is None:
            return False
        its_chains, its_time, its_settings = self._of
        return its_chains is chains and its_time == time and its_settings is settings
