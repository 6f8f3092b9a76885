"""What people say of sensors and sources: to be believed, or not, for a time."""

from dataclasses import replace

from skywarden.acts.fit import unfit
from skywarden.config import Settings
from skywarden.model.act import Quarantine, Trust, Unquarantine, Untrust
from skywarden.model.deed import Acted
from skywarden.model.track import Picture
from skywarden.model.trust import Ruling, Word

SECOND = 1_000_000_000  # ns
BELIEVED = 4 * 3600 * SECOND  # ns that a person may say that a sensor is to be believed
DISBELIEVED = 24 * 3600 * SECOND  # ns that he may say that it is not
RULINGS = 500  # at once


def ruled(picture: Picture, acted: Acted, act: Quarantine | Trust, settings: Settings) -> Picture | str:
    """Return the picture with what is said, or why not."""
    good = isinstance(act, Trust)
    longest = BELIEVED if good else DISBELIEVED
    if act.sensor not in _known(picture, settings):
        return "there is no such sensor or source; single microphones are judged by their source"
    if not picture.time < act.until <= picture.time + longest:
        return f"until must be after now and within {longest // (3600 * SECOND)} h"
    if wrong := unfit(act.reason):
        return wrong
    others = tuple(one for one in picture.trust.rulings if one.name != act.sensor)
    if len(others) >= RULINGS:
        return f"people have said something of {RULINGS} sensors already: take some back first"
    said = Ruling(act.sensor, good, act.until, act.reason.strip(), acted.person.name, picture.time)
    return replace(picture, trust=picture.trust._replace(rulings=(*others, said)))


def unruled(picture: Picture, acted: Acted, act: Unquarantine | Untrust, settings: Settings) -> Picture | str:
    """Return the picture without what was said, or why not."""
    good = isinstance(act, Untrust)
    if wrong := unfit(act.reason):
        return wrong
    rulings = tuple(one for one in picture.trust.rulings if (one.name, one.good) != (act.sensor, good))
    if len(rulings) == len(picture.trust.rulings):
        return "nobody has said that: it was taken back, or its time is over"
    return replace(picture, trust=picture.trust._replace(rulings=rulings))


def _known(picture: Picture, settings: Settings) -> set[str]:
    """Return who may be named: what is configured, but for single microphones, and what was compared."""
    ears = {source.name for source in settings.sources if source.format == "microphone"}
    configured = {sensor.name for sensor in settings.sensors if sensor.source not in ears or sensor.node is None}
    said = {one.name for one in picture.trust.standing if one.word is not Word.UNKNOWN}
    return configured | {source.name for source in settings.sources} | said | {*picture.chains.compared.names}
