"""The category of a track, by a table of rules in their order, each with its words.

The words are those of STANAG 1241. The system proposes up to suspect; hostile is a named person's entry, and friend
needs more than any unauthenticated message can say: a flight of our own, measured from its start on (`own`). No
category hides a track or ends a warning. Only evidence that not everybody can send counts against harm: see `rows.ROW`,
"calm". Nothing that a target says of itself makes it less of a suspect. Source: DESIGN.md section 5.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.identify.weigh import HEARS, Views, Weighed, factor, harm, kinds
from skywarden.model.assessment import CLASSES, Category, Class, Family
from skywarden.model.place import F64

TELLING = np.log(2.0)  # nats for harm, from which a kind of evidence counts as one that speaks for it
STAYS = 0.6  # times its own limits a suspect stays one: noise must not switch it
KNOWN = 0.8  # probability of an aeroplane or helicopter, from which one that says who it is counts as civil
CIVIL = [CLASSES.index(word) for word in (Class.AEROPLANE, Class.HELICOPTER)]
ALONE = [f for f in Family if f not in (*HEARS, Family.MOTION, Family.CLAIM)]  # kinds that can make a suspect alone
NO, OWN, TWO, ONE, CIVILIAN, SAYS, YOUNG, NOTHING = range(8)
WORDS = (
    "nothing is clear enough",
    "a flight of ours, followed without a break from its start",
    "two kinds of evidence speak for what comes to do harm",
    "one kind of evidence speaks clearly for what comes to do harm",
    "what it says of itself agrees with what others measure",
    "it says that it is a flight of ours, in time and place, and others measure it there",
    "it has only just appeared",
    "nothing was said of what it is",
)
CATEGORIES = (
    Category.UNKNOWN,
    Category.FRIEND,
    Category.SUSPECT,
    Category.SUSPECT,
    Category.NEUTRAL,
    Category.ASSUMED_FRIEND,
    Category.PENDING,
    Category.UNKNOWN,
)


class IdentifySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a track is proposed as suspect. docs/identity.md has the reasons."""

    suspect_probability: float = 0.5  # of harm, where two kinds of evidence speak for it
    suspect_alone_probability: float = 0.8  # the same, where one kind does
    pending_s: float = 10.0  # s, for which a new track is pending


class Known(NamedTuple):
    """What rules look at, m tracks. calm: all evidence but what anybody may say against harm. suspect: it is one now.

    enrolled: only what is in the configuration says.
    civil: somebody else measures it where it says it is, and nothing of that is in doubt. age: s since it was first
    shown. own: it is a flight of ours; says_own: it says so, and might be. sure: the same
    views without who is in quarantine, None where nobody is: what they say makes nobody less harmful.
    """

    all: Weighed
    stern: Weighed
    enrolled: Weighed
    suspect: NDArray[np.bool_]
    civil: NDArray[np.bool_]
    age: F64
    own: NDArray[np.bool_]
    says_own: NDArray[np.bool_]
    sure: Views | None = None


def ruled(known: Known, settings: IdentifySettings) -> NDArray[np.int64]:
    """Return (m,) which rule holds, an index of WORDS and CATEGORIES."""
    either = [known.stern, known.enrolled]  # a sum at its bound may say less than one of its parts
    either += [known.sure.stern, known.sure.enrolled] if known.sure is not None else []
    likely = np.maximum.reduce([harm(one.odds) for one in either])
    by_kind = np.logical_or.reduce([factor(kinds(one.by_family)) >= TELLING for one in either])
    limit = np.where(known.suspect, STAYS, 1.0)
    two = (by_kind.sum(1) >= 2) & (likely >= settings.suspect_probability * limit)
    one = by_kind[:, ALONE].any(1) & (likely >= settings.suspect_alone_probability * limit)
    stays = known.suspect & by_kind.any(1) & (likely >= settings.suspect_alone_probability * STAYS)
    every = [known.all] if known.sure is None else [known.all, known.sure.all]
    civil = known.civil & np.logical_and.reduce([one.odds[:, CIVIL].sum(1) >= KNOWN for one in every])
    young = known.age < settings.pending_s
    silent = ~known.all.by_family.any((1, 2))
    rules = [known.own, two, one | stays, known.says_own & known.civil, civil, young, silent]
    return np.asarray(np.select(rules, [OWN, TWO, ONE, SAYS, CIVILIAN, YOUNG, NOTHING], NO), np.int64)
