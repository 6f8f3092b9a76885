"""What SAPIENT's words for classes stand for, and a report's classes as evidence.

A word may stand for several of our classes. A word that is not in the table stands for what the word above it does
("Military" under "UAV Fixed Wing"), and for anything where there is none: "Unknown", "Other", "Equipment".
Source of the words: core taxonomy of BSI Flex 335 v2.0.

A confidence is a posterior. Out of it is taken a flat prior over what the node can say: by Bayes' rule what is left,
ln(after / before), is ln p(look | class) - ln p(look).
"""

import string
from collections.abc import Iterable, Mapping
from itertools import islice
from math import log
from typing import Any

from skywarden.model.assessment import CLASSES, Class

WHOLE = 50  # steps of a confidence, as fine as LEAST
ASSUMED = 30  # steps, confidence of a class that is named without one: 0.6; assumed
LEAST, MOST = 0.02, 0.98  # no share of a probability is less, or more: nobody's classifier is better; assumed
RANGE = 4.0  # nats between the best and the worst class: the most that one source may tell (DESIGN section 5)
LEVELS = 4  # of sub-classes, the class included
NAMED = 128  # classes and sub-classes of one report; one that names more says nothing
REGISTERED = 128  # words on each level of what a node can say; more do not count
TEXT = 64  # letters of a word

Named = tuple[int, int, tuple["Named", ...]]  # a class: bits of what it stands for, confidence in steps, sub-classes
AS_ABOVE, UNSAID = 0, -1  # bits of a word that is not in the table; confidence that is not given

NOTHING = (0.0,) * len(CLASSES)  # nats
ANY = (1 << CLASSES.index(Class.UNKNOWN)) - 1  # bits of all classes but that one, which is the last
_INDICES = range(ANY.bit_length())

_MARKS = str.maketrans("", "", string.punctuation + string.whitespace)
_UNMANNED = {Class.UAV_PISTON, Class.UAV_JET, Class.FIXED_WING, Class.DECOY}
_MISSILE = {Class.CRUISE, Class.BALLISTIC}
_AIR = set(CLASSES) - {Class.BIRD, Class.NOISE, Class.UNKNOWN}
_GROUND = (
    "Human, Male, Female, Horse, Fixed object, Building, Fixed tower/mast, Stationary rotator, Road, Bridge, Dam, "
    "Street furniture, Natural feature, UAS control station, Gun, Missile launcher, IED/mine, Grenade, Passive sensor, "
    "Land vehicle, Tracked, >2 wheels - Heavy, >2 wheels - Medium, >2 wheels - Light, 2 wheels, Motorbike, Bicycle, "
    "Sea vessel, Large ship, Small boat, Submarine"
)
WORDS: Mapping[str, frozenset[Class]] = {
    **{word: frozenset({Class.NOISE}) for word in _GROUND.split(", ")},
    "Animal": frozenset({Class.BIRD, Class.NOISE}),
    "Bird": frozenset({Class.BIRD}),
    "Air vehicle": frozenset(_AIR),
    "Manned rotary wing": frozenset({Class.HELICOPTER}),
    "Manned fixed wing": frozenset({Class.AEROPLANE}),
    "UAV rotary wing": frozenset({Class.MULTIROTOR}),
    # the taxonomy has no other word for a cruise missile in flight
    "UAV fixed wing": frozenset(_UNMANNED | {Class.CRUISE}),
    "UAV transmitter": frozenset(_UNMANNED | {Class.MULTIROTOR}),
    "Missile": frozenset(_MISSILE),
    # not of the core taxonomy
    "UAV": frozenset(_UNMANNED | {Class.MULTIROTOR}),
    "Drone": frozenset(_UNMANNED | {Class.MULTIROTOR}),
    "Avian": frozenset({Class.BIRD}),
    "Air (Avian)": frozenset({Class.BIRD}),
    **{word.value: frozenset({word}) for word in CLASSES if word is not Class.UNKNOWN},
}


def plain(word: str) -> str:
    """Return a word without name space, case, blanks, hyphens and other marks: "core:UAV fixed-wing", uavfixedwing."""
    return word[-TEXT:].rpartition(":")[2].casefold().translate(_MARKS)


def _bits(classes: Iterable[Class]) -> int:
    return sum(1 << CLASSES.index(one) for one in classes)


_STANDS = {plain(word): _bits(classes) for word, classes in WORDS.items()}


def vocabulary(definitions: Iterable[Any]) -> tuple[int, ...]:
    """Return what the words stand for that a node can say, bits of CLASSES, each once; () when it says none of ours.

    definitions: the class definitions of its registration; the last word of each branch counts.
    """
    found = set[int]()
    level = [(one, ANY) for one in islice(definitions, REGISTERED)]
    for depth in range(1, LEVELS + 1):
        above, level = level[:REGISTERED], []
        for one, stands in above:
            means = _STANDS.get(plain(one.type), stands)
            level += [(inside, means) for inside in islice(one.sub_class, REGISTERED)]
            if not one.sub_class or depth == LEVELS:
                found.add(means)
    return tuple(sorted(found - {ANY}))


def before(words: tuple[int, ...]) -> tuple[float, ...]:
    """Return the prior of each class but unknown, flat over what a node can say; () is each class by itself.

    What none of its words stands for is one more thing that it may see.
    """
    said, left = [*(words or (1 << k for k in _INDICES))], ANY
    for stands in said:
        left &= ~stands
    said += [left] if left else []
    return tuple([sum([1 / stands.bit_count() for stands in said if stands >> k & 1]) / len(said) for k in _INDICES])


def heard(named: Any) -> tuple[Named, ...]:
    """Return the classes of a report; () for a report that cannot be, by its confidences or by its size."""
    try:
        return _heard(named, LEVELS, [NAMED])
    except _ImpossibleError:
        return ()


class _ImpossibleError(Exception):
    """No report is like this."""


def _heard(named: Any, levels: int, room: list[int]) -> tuple[Named, ...]:
    room[0] -= len(named)
    if room[0] < 0:
        raise _ImpossibleError
    found = list[Named]()
    for one in named:
        confidence, inside = UNSAID, tuple[Named, ...]()
        if one.HasField("confidence"):
            said = one.confidence
            if not 0.0 <= said <= 1.0:
                raise _ImpossibleError
            confidence = round(said * WHOLE)
        if levels > 1 and one.sub_class:
            inside = _heard(one.sub_class, levels - 1, room)
        found.append((_STANDS.get(plain(one.type), AS_ABOVE), confidence, inside))
    return tuple(found)


def evidence(named: tuple[Named, ...], prior: tuple[float, ...]) -> tuple[float, ...]:
    """Return len(CLASSES) nats for the classes of a report, NOTHING where they say nothing. prior: see `before`.

    All that a word stands for gets the same; what is not named shares the rest.
    """
    shares: dict[int, float] = {}
    _share(named, ANY, (1.0, WHOLE), shares)
    if shares.keys() == {ANY}:
        return NOTHING
    ratios = [0.0] * len(prior)
    for stands, share in shares.items():
        which = [k for k in _INDICES if stands >> k & 1]
        ratio = share / sum([prior[k] for k in which])
        for k in which:
            ratios[k] += ratio
    ratios.append(1.0)  # unknown
    most = log(max(ratios))
    return tuple([max(log(ratio), most - RANGE) for ratio in ratios])


def _share(named: tuple[Named, ...], stands: int, mass: tuple[float, int], shares: dict[int, float]) -> None:
    """Share the probability of a word among those named under it, and what they do not stand for.

    stands: bits of the word's classes. mass: its probability, and its confidence as the node gave it, in steps; where
    those under it have more together, only their proportions count, and where all have 0, they do not. shares: bits of
    classes -> probability, of everything so far.
    """
    left, stated = mass
    rest = stands
    weights = [_confidence(one) for one in named]
    if any(weights):
        whole = max(stated, sum(weights))
        parts = [max(weight / whole, LEAST) for weight in weights]
        scale = left * min(1.0, MOST / sum(parts))
        for (word, _, inside), part, weight in zip(named, parts, weights, strict=True):
            means = stands if word == AS_ABOVE else word
            rest &= ~means
            left -= part * scale
            _share(inside, means, (part * scale, weight), shares)
    rest = rest or stands
    shares[rest] = shares.get(rest, 0.0) + left


def _confidence(one: Named) -> int:
    """Return the confidence of a class; without its own it has no less than a sub-class has."""
    _, confidence, inside = one
    if confidence == UNSAID:
        return max([ASSUMED, *(under for _, under, _ in inside)])
    return confidence
