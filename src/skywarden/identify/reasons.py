"""Why a track is taken for what it is: each source with what it said, for people."""

import msgspec
import numpy as np

from skywarden.identify.rows import MANY, viewed
from skywarden.identify.weigh import HARM, factor, vectors, weighed
from skywarden.model.assessment import CLASSES, Family
from skywarden.model.evidence import Evidence

OTHERS = "others"  # all sources of a family after the first ones
ITSELF = "how it flies"
DIGITS = 2


class Reason(msgspec.Struct, frozen=True):
    """What one source says of one track. for_, against: the classes it makes likeliest and least likely.

    nats: by how much the first is likelier than the second, bounded as it is counted. harm: log of how many times
    likelier all is if the target comes to do harm than if not. looks: statements. first_s, last_s: ages, s.
    echo_db: mean radar cross section, dB over 1 m^2, None for others. counts: it is used against harm too; what anybody
    can send is used for it only.
    """

    source: str
    node: int
    kind: str
    for_: str = msgspec.field(name="for")
    against: str
    nats: float
    harm: float
    looks: int
    first_s: float
    last_s: float
    echo_db: float | None
    counts: bool


class Why(msgspec.Struct, frozen=True):
    """What is known of one track. odds: class -> probability, the likeliest first. kinds: kind -> nats for harm."""

    odds: dict[str, float]
    harm: float
    kinds: dict[str, float]
    reasons: list[Reason]


def reasons(evidence: Evidence, number: int, time: int) -> Why:
    """Return why the track of that number is what it is, at `time`, ns; what says most comes first."""
    rows = viewed(evidence.rows)
    rows = rows[rows["key"] == number]
    nats, harm = vectors(rows), factor(vectors(rows))
    told = [
        Reason(
            source=_name(evidence, int(row["source"]), int(row["family"])),
            node=max(int(row["node"]), 0),
            kind=_kind(row["family"]),
            for_=CLASSES[int(vector.argmax())],
            against=CLASSES[int(vector.argmin())],
            nats=_number(vector.max() - vector.min()),
            harm=_number(towards),
            looks=int(row["looks"]),
            first_s=_number((time - row["first"]) * 1e-9),
            last_s=_number((time - row["last"]) * 1e-9),
            echo_db=_number(row["echo"] / row["echoes"]) if row["echoes"] > 0 else None,
            counts=not row["anybody"],
        )
        for row, vector, towards in zip(rows, nats, harm, strict=True)
    ]
    found = weighed(rows, np.array([number]))
    kinds = zip(Family, factor(found.stern.by_family[0]), strict=True)
    ordered = sorted(zip(CLASSES, found.all.odds[0].tolist(), strict=True), key=lambda pair: -pair[1])
    return Why(
        odds={str(word): _number(chance, 3) for word, chance in ordered},
        harm=_number(sum(chance for word, chance in ordered if word in HARM), 3),
        kinds={_kind(family): _number(value) for family, value in kinds if value},
        reasons=sorted(told, key=lambda reason: (-reason.nats, reason.source, reason.node)),
    )


def _name(evidence: Evidence, source: int, family: int) -> str:
    if source == MANY:
        return OTHERS
    if family == Family.MOTION:
        return ITSELF
    return next((name for name, number in evidence.names.items() if number == source), "")


def _kind(family: int) -> str:
    return Family(family).name.lower()


def _number(value: float, digits: int = DIGITS) -> float:
    return round(float(value), digits) + 0.0
