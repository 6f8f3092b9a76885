"""What people are told, advised and have handed over, by tracks and alerts as they are: the last part of a step."""

from collections.abc import Sequence
from dataclasses import replace

from skywarden import handover
from skywarden.acts import Around, upheld
from skywarden.advice import AdviceEvent, Known, advices
from skywarden.config import Settings
from skywarden.model.advice import Advices
from skywarden.model.decision import Handovers
from skywarden.model.event import Output
from skywarden.model.track import Picture
from skywarden.raid import Warned, raids
from skywarden.warn import areas, warn


def for_people(
    picture: Picture, tracked: Sequence[Output], last: int, settings: Settings
) -> tuple[Picture, list[Output]]:
    """Work out what people are told, advised and have handed over, by tracks and alerts as they are now.

    picture: all else of it is of this tick. tracked: what the tracker said in it. last: ns, of the tick before.
    """
    time, tracks, identities = picture.time, picture.tracks, picture.identities
    warned = Warned(settings.sites, settings.positions, settings.raid, picture.held.shelves)
    joined, raid_events = raids(picture.raids, picture.alerts, (tracks, identities), time, warned)
    around = Around(settings.positions, settings.raid.acknowledge_s, settings.partners)
    held, held_events = upheld(picture.held, identities, raid_events, time, around)
    warnings, told = warn(picture.warnings, joined, areas(settings.sites, settings.districts), time, picture.mode)
    needed = Known(joined, picture.alerts, tracks, time, identities, picture.sensors)
    advised, advice_events = _advised(picture, needed, settings)
    after = replace(picture, raids=joined, held=held, warnings=warnings, advices=advised)
    handovers, cued = _handed(after, tracked, last, settings)
    after = replace(after, handovers=handovers)
    return after, [*raid_events, *told, *held_events, *advice_events, *cued]


def _advised(picture: Picture, needed: Known, settings: Settings) -> tuple[Advices, list[AdviceEvent]]:
    """Advice is worth having; a fault of ours in it must not stop what warns."""
    try:
        return advices(picture.advices, needed, settings.units, settings.sites)
    except Exception:  # noqa: BLE001 - what was advised stands
        return picture.advices, []


def _handed(
    picture: Picture, tracked: Sequence[Output], last: int, settings: Settings
) -> tuple[Handovers, list[handover.HandoverEvent]]:
    """What cannot be looked at must not stand; nor must a fault of ours in it stop what warns."""
    try:
        return handover.kept(picture, tracked, settings.partners, last)
    except Exception as error:  # noqa: BLE001 - all of them end
        return handover.ended(picture.handovers, picture.time, f"a fault of ours ({type(error).__name__})")
