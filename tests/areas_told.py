"""Warnings of areas for tests: one that is as usual, and any that there may be."""

from hypothesis import strategies as st

from skywarden.model.mode import Mode
from skywarden.model.place import District, Site
from skywarden.model.raid import Kind, Level
from skywarden.model.warning import AreaWarning, Begin, Likely, Move, SiteWarned
from skywarden.outputs.message import Message, Reference
from skywarden.outputs.outline import outline

SECOND = 1_000_000_000
T0 = 1_796_000_000 * SECOND
PLANT = Site(name="Plant A", latitude=50.4512345, longitude=30.5234567, radius_m=3000.0)
SHELTER = SiteWarned("Plant A", Level.CRITICAL, (Begin("shelter the shift", T0 + 240 * SECOND),))


def warning(**changes):
    usual = AreaWarning(
        area="Plant A",
        number=1,
        part=0,
        move=Move.RAISED,
        mode=Mode.LIVE,
        raised=T0,
        sent=T0,
        until=T0 + 3600 * SECOND,
        level=Level.CRITICAL,
        likely=Likely.VERY,
        kinds=(Kind.DRONES, Kind.CRUISE),
        sites=(SHELTER,),
        first=T0 + 500 * SECOND,
        last=T0 + 900 * SECOND,
    )
    return usual._replace(**changes)


def following(one, seconds=60, **changes):
    """Return the next message of a warning."""
    sent = one.sent + seconds * SECOND
    until = sent + 3600 * SECOND
    return one._replace(**{"part": one.part + 1, "move": Move.UPDATED, "sent": sent, "until": until, **changes})


def ending(one, seconds=60):
    over = {"move": Move.ENDED, "level": Level.QUIET, "likely": Likely.UNLIKELY, "kinds": (), "sites": ()}
    return following(one, seconds, first=0, last=0, **over)


def message(one=None, **changes):
    shape = outline(PLANT.name, (PLANT,), None)
    return Message(one or warning(), shape, "example.org", **{"actual": True, **changes})


NASTY = [
    "<b>&amp;'\"",
    "]]>",
    "\u202eevil\u202c",
    "a\nb\r\nc\td",
    "$(rm -rf /)`x`;|",
    "\x00\x1b[31m",
    "я" * 10_000,
    "{}",
]
NASTY += ["{first}", "", " ", "TEST / ТЕСТ", "&#x0;", "\ud800", "a,b c", "#/+", "\ufeff\u200b", "é" * 99 + "<"]
NAMES = st.one_of(st.text(max_size=40), st.sampled_from(NASTY))
TIMES = st.integers(T0 - 86_400 * SECOND, T0 + 86_400 * SECOND)
SITES = st.builds(
    Site,
    name=NAMES,
    latitude=st.one_of(st.floats(-90, 90), st.floats(44, 53)),
    longitude=st.one_of(st.floats(-180, 180), st.floats(22, 41)),
    radius_m=st.floats(1, 200_000),
)
ROWS = st.builds(
    SiteWarned,
    NAMES,
    st.sampled_from([Level.WARN, Level.CRITICAL]),
    st.lists(st.builds(Begin, NAMES, TIMES), max_size=3).map(tuple),
)


@st.composite
def warnings(draw):
    move = draw(st.sampled_from(list(Move)))
    sent = draw(TIMES)
    number, part = draw(st.integers(1, 10**6)), draw(st.integers(0, 10**4))
    common = {"area": draw(NAMES), "number": number, "part": part, "mode": draw(st.sampled_from(list(Mode)))}
    one = warning(**common, sent=sent, raised=sent - 10 * SECOND, until=sent + 3600 * SECOND)
    if move is Move.ENDED:
        return ending(one)
    first = draw(st.one_of(TIMES, st.integers(sent, sent + 7200 * SECOND)))
    return one._replace(
        move=move,
        level=draw(st.sampled_from([Level.WARN, Level.CRITICAL])),
        likely=draw(st.sampled_from(list(Likely))),
        kinds=tuple(draw(st.lists(st.sampled_from(list(Kind)), unique=True))) or (Kind.UNKNOWN,),
        sites=tuple(draw(st.lists(ROWS, max_size=30))),
        first=first,
        last=first + draw(st.integers(0, 7200)) * SECOND,
    )


@st.composite
def messages(draw):
    one = draw(warnings())
    sites = tuple(draw(st.lists(SITES, min_size=1, max_size=5)))
    district = District(name=one.area, sites=tuple(s.name for s in sites), code=draw(st.sampled_from(["", "A=<1>"])))
    shape = outline(one.area, sites, draw(st.sampled_from([district, None])))
    references = st.builds(Reference, st.sampled_from(["1-2-3", "17-1-0"]), TIMES)
    least = 1 if one.move is Move.ENDED else 0
    earlier = tuple(draw(st.lists(references, min_size=least, max_size=3)))
    return Message(one, shape, "example.org", draw(st.booleans()), draw(st.sampled_from(["en", "uk"])), earlier)
