"""How the tables of a category are written: fields, the shapes an item can have, the user application profile.

One line of text is one layout: `RHO:u16:1/256:NM THETA:u16:360/2^16:deg` is two unsigned 16-bit numbers with their
least significant bit and unit. A token is `name:kind and bits[:lsb[:unit]]`; `-4` is four spare bits. Kinds: u, s
(two's complement), octal (3 bits a digit), icao (6 bits a character), ascii (8 bits), hex (4 bits a digit, for what
is not a number). `IAS:u15:1/2^14:NM/s:IM:0.001:Mach` has a second meaning when the field IM before it is 1.

Source: EUROCONTROL-SPEC-0149 part 1, edition 3.1, section 4.3 (what items may look like).
"""

from dataclasses import dataclass, replace

KINDS = ("octal", "ascii", "icao", "hex", "u", "s")


@dataclass(frozen=True, slots=True)
class Field:
    """Some bits of an item. name "" is spare; lsb None is a whole number (or text, by kind).

    switch: name of the field before it that chooses `other` when it is 1.
    """

    name: str
    bits: int
    kind: str = "u"
    lsb: float | None = None
    unit: str = ""
    switch: str = ""
    other: "Field | None" = None

    @property
    def key(self) -> str:
        """The name in a record: with the unit, where there is one (`RHO_NM`)."""
        return self.name if self.unit in ("", self.name) else f"{self.name}_{self.unit.replace('/', '_')}"


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same length."""

    fields: tuple[Field, ...]

    @property
    def size(self) -> int:
        return sum(f.bits for f in self.fields) // 8


@dataclass(frozen=True, slots=True)
class Extended:
    """Octets of seven bits; the last bit (FX) says that another part follows. Ends with the last part at the latest."""

    parts: tuple[tuple[Field, ...], ...]


@dataclass(frozen=True, slots=True)
class Repetitive:
    """One octet says how many elements follow."""

    element: Fixed


@dataclass(frozen=True, slots=True)
class Chained:
    """Elements whose last bit (FX) says that another follows; `element` holds the other bits."""

    element: Fixed


@dataclass(frozen=True, slots=True)
class Explicit:
    """One octet says the length, itself included; the content is somebody else's and kept as it is."""


@dataclass(frozen=True, slots=True)
class Compound:
    """A field specification of its own, then the sub-items that it names. None: no sub-item is defined here."""

    items: tuple["Item | None", ...]


Simple = Fixed | Extended | Repetitive | Chained | Explicit
Shape = Simple | Compound


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a category, or one sub-item of a compound item."""

    name: str
    title: str
    shape: Shape

    @property
    def flat(self) -> bool:
        """A sub-item that is one field of its own name: a compound holds its value without another level."""
        named = [f.name for f in self.shape.fields if f.name] if isinstance(self.shape, Fixed) else []
        return named == [self.name]


@dataclass(frozen=True, slots=True)
class Category:
    """One edition of one category.

    profile: what the bits of the record's field specification mean, in order; None is not used.
    time: the item that holds the time of day. needed: fields without which a record cannot be used. limits: field,
    lowest and highest value that is possible. Fields are written as in `columns`: "105/LAT".
    """

    number: int
    edition: str
    profile: tuple[Item | None, ...]
    time: str
    needed: tuple[str, ...]
    limits: tuple[tuple[str, float, float], ...]

    def variant(self, edition: str, *changed: Item) -> "Category":
        """Return another edition that differs in these items only."""
        new = {item.name: item for item in changed}
        return replace(self, edition=edition, profile=tuple(item and new.get(item.name, item) for item in self.profile))


def number(text: str) -> float:
    """Return the value of "0.25", "1/128" or "360/2^16"."""
    top, _, bottom = text.partition("/")
    base, _, exponent = bottom.partition("^")
    return float(top) / (float(base) ** int(exponent or 1) if base else 1.0)


def fields(text: str) -> tuple[Field, ...]:
    """Return the fields that a line of text describes. Raises ValueError when it is not written as above."""
    return tuple(_field(token) for token in text.split())


def _field(token: str) -> Field:
    if token[0] == "-":
        return Field("", int(token[1:]))
    name, kind, *scale = token.split(":")
    word = next((k for k in KINDS if kind.startswith(k)), None)
    if word is None:
        raise ValueError(f"{token}: the kind is not one of {', '.join(KINDS)}")
    made = Field(name, int(kind[len(word) :]), word)
    if scale:
        made = replace(made, lsb=number(scale[0]), unit=scale[1])
    if scale[2:]:
        made = replace(made, switch=scale[2], other=replace(made, lsb=number(scale[3]), unit=scale[4]))
    return made


def _aligned(made: tuple[Field, ...], left: int, text: str) -> tuple[Field, ...]:
    if sum(f.bits for f in made) % 8 != left:
        raise ValueError(f"{text!r} does not fill whole octets")
    return made


def fixed(name: str, title: str, text: str) -> Item:
    """Return an item of fixed length."""
    return Item(name, title, Fixed(_aligned(fields(text), 0, text)))


def extended(name: str, title: str, *parts: str) -> Item:
    """Return an extended item, one text a part; the FX bits are not written."""
    made = tuple(_aligned(fields(p), 7, p) for p in parts)
    if any(sum(f.bits for f in part) != 7 for part in made):
        raise ValueError(f"{name}: a part is not seven bits")
    return Item(name, title, Extended(made))


def repetitive(name: str, title: str, text: str) -> Item:
    """Return an item whose elements are counted."""
    return Item(name, title, Repetitive(Fixed(_aligned(fields(text), 0, text))))


def chained(name: str, title: str, text: str) -> Item:
    """Return an item whose elements are chained by FX bits (not written)."""
    return Item(name, title, Chained(Fixed(_aligned(fields(text), 7, text))))


def compound(name: str, title: str, *items: Item | None) -> Item:
    """Return a compound item."""
    return Item(name, title, Compound(items))


def explicit(name: str, title: str) -> Item:
    """Return an item of explicit length."""
    return Item(name, title, Explicit())
