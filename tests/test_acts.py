"""What people do: what is taken, what is refused and why, what ends by itself, and that none of it hides a threat."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skywarden.acts import Around, taken, upheld, worded
from skywarden.config import Settings
from skywarden.model.act import (
    LEAST,
    Acknowledge,
    Act,
    AllowFeed,
    AnswerAdvice,
    Categorise,
    EndFeed,
    Person,
    Quarantine,
    Role,
    Shelve,
    Trust,
    Uncategorise,
    Unquarantine,
    Unshelve,
    Untrust,
)
from skywarden.model.advice import Verdict
from skywarden.model.assessment import Category, Identity
from skywarden.model.deed import Acted, CategoryEnded, Escalated, FeedEnded, ShelfEnded
from skywarden.model.event import Announced, RaidEnded
from skywarden.model.held import Held, Said, Shelf, Waiting
from skywarden.model.past import Past
from skywarden.model.place import Partner, Position, Site
from skywarden.model.raid import NOWHERE, Group, Heading, Kind, Level, News, Raids, Span
from skywarden.model.track import Picture, Status, Tracks
from skywarden.threat.stage import Seen, _counted

SECOND = 1_000_000_000
NOW = 1_900_000_000 * SECOND
SPAN = Span(0.5, NOW, NOW, NOW)
OLENA = Person("Olena", Role.OPERATOR, "s1")
WEST = Heading("plant", Kind.DRONES, 6)
BRIGADE = Partner(name="brigade", address="tcp://127.0.0.1:8087")
SETTINGS = Settings(partners=(BRIGADE,), sites=(Site(name="plant", latitude=36.3, longitude=-33.1),))
ROOM = Around((Position(name="desk", sites=("plant",), escalate_to="centre"), Position(name="centre")), 60.0)
LABEL = 4711


def tracks(*numbers: int) -> Tracks:
    n = len(numbers)
    columns = {name: np.zeros((n, *getattr(Tracks.empty(), name).shape[1:]), getattr(Tracks.empty(), name).dtype)
               for name in Tracks.__slots__}  # fmt: skip
    columns["number"] = np.array(numbers, np.int64)
    columns["label"] = LABEL + np.arange(n)
    columns["status"] = np.full(n, int(Status.CONFIRMED), np.int8)
    return Tracks(**columns)


NOTHING = Held()


def picture(held: Held = NOTHING) -> Picture:
    identities = (Identity(1, Category.SUSPECT, proposed=Category.SUSPECT, stake=0.4), Identity(2, stake=0.4))
    raids = Raids(groups=(Group(WEST, (1,), SPAN), Group(Heading("plant", Kind.CRUISE, NOWHERE), (2,), SPAN)))
    return Picture(NOW, tracks=tracks(1, 2), identities=identities, raids=raids, held=held)


def done(act: Act, of: Picture | None = None, who: Person = OLENA) -> tuple[Picture, str]:
    return taken(of or picture(), Acted(NOW, who, act), SETTINGS)


SHELVE = Shelve("", "plant", Kind.DRONES, "W", NOW + 600 * SECOND, "our own tests")
HOSTILE = Categorise(2, LABEL + 1, Category.HOSTILE, "seen to attack Plant B")
FEED = AllowFeed("brigade", "joint watch", NOW + 3600 * SECOND)
ACTS = (
    Acknowledge("", 1, 1),
    SHELVE,
    Unshelve("", "plant", Kind.DRONES, "W"),
    HOSTILE,
    Uncategorise(1, "x"),
    FEED,
    EndFeed("brigade"),
    AnswerAdvice(1, Verdict.REFUSED, "", "x"),
    Quarantine("hill", NOW + 1, "x"),
    Unquarantine("hill", "x"),
    Trust("hill", NOW + 1, "x"),
    Untrust("hill", "x"),
)
WAITS = Waiting("desk", 7, NOW - 20 * SECOND, NOW - 10 * SECOND)


def test_an_announcement_is_acknowledged_by_who_saw_the_last_of_it():
    of = picture(Held(waiting=(WAITS,)))
    seen, refused = done(Acknowledge("desk", 7, WAITS.last), of)
    assert (seen.held.waiting, refused) == ((), "")
    for act, why in (
        (Acknowledge("desk", 7, WAITS.last - 1), "look again"),
        (Acknowledge("desk", 7, WAITS.last + 1), "look again"),
        (Acknowledge("desk", 8, WAITS.last), "nothing waits for that: it was acknowledged, or the raid is over"),
        (Acknowledge("", 7, WAITS.last), "nothing waits for that: it was acknowledged, or the raid is over"),
    ):
        after, refused = done(act, of)
        assert after == of
        assert why in refused


def test_a_group_is_shelved_and_taken_back():
    shelved, refused = done(SHELVE)
    assert refused == ""
    assert shelved.held.shelves == (Shelf("", WEST, SHELVE.until, "our own tests", "Olena", NOW),)
    longer, _ = done(msgspec.structs.replace(SHELVE, until=NOW + 900 * SECOND), shelved)
    assert [one.until for one in longer.held.shelves] == [NOW + 900 * SECOND]  # in the place of the first
    back, refused = done(Unshelve("", "plant", Kind.DRONES, "W"), shelved)
    assert (back.held, refused) == (Held(), "")
    assert "not shelved" in done(Unshelve("", "plant", Kind.DRONES, "W"))[1]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"position": "desk"}, "no such position"),
        ({"site": "other"}, "no such group"),
        ({"direction": "E"}, "no such group"),
        ({"direction": "up"}, "directions are"),
        ({"until": NOW}, "after now"),
        ({"until": NOW + 7201 * SECOND}, "within 120 min"),
        ({"reason": " \n"}, "write a reason"),
        ({"reason": "x" * 501}, "of 501 characters"),
    ],
)
def test_what_cannot_be_shelved(change, why):
    after, refused = done(msgspec.structs.replace(SHELVE, **change))
    assert after.held == Held()
    assert why in refused


def test_a_group_of_unknown_direction_can_be_shelved():
    after, refused = done(msgspec.structs.replace(SHELVE, kind=Kind.CRUISE, direction=""))
    assert refused == ""
    assert after.held.shelves[0].heading.direction == NOWHERE


def test_only_a_person_makes_a_track_hostile_and_it_counts_whole():
    said, refused = done(HOSTILE)
    assert refused == ""
    one, other = worded(said.identities, said.held)
    assert (other.category, other.by, other.why, other.stake) == (Category.HOSTILE, "Olena", HOSTILE.reason, 1.0)
    assert other.proposed is Category.UNKNOWN
    assert one == said.identities[0]
    back, refused = done(Uncategorise(2, "a mistake"), said)
    assert (back.held, refused) == (Held(), "")
    assert [(i.category, i.by) for i in worded(back.identities, back.held)] == [
        (Category.SUSPECT, ""), (Category.UNKNOWN, "")]  # fmt: skip


def test_a_friend_by_somebodys_word_is_no_less_of_a_threat():
    said, _ = done(Categorise(1, LABEL, Category.FRIEND, "they have called"))
    one, _ = worded(said.identities, said.held)
    assert (one.category, one.stake, one.proposed) == (Category.FRIEND, 0.4, Category.SUSPECT)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"track": 3}, "no track 3"),
        ({"track": 0}, "no track 0"),
        ({"label": LABEL}, "look again"),
        ({"category": Category.PENDING}, "nobody can say"),
        ({"reason": ""}, "write a reason"),
    ],
)
def test_what_cannot_be_said_of_a_track(change, why):
    after, refused = done(msgspec.structs.replace(HOSTILE, **change))
    assert after.held == Held()
    assert why in refused


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("act", ACTS, ids=lambda act: type(act).__name__)
def test_the_role_is_looked_at_here_too(role, act):
    _, refused = done(act, who=Person("A", role, "s"))
    assert ("needs the role" in refused) == (role < LEAST[type(act)])
    assert "needs the role" in done(act, who=Person("", Role.ADMINISTRATOR, "s"))[1]  # who has no name is nobody


def test_every_kind_of_act_has_a_role():
    assert set(LEAST) == set(Act.__args__) == {type(one) for one in ACTS}


def announced(time: int, level: Level = Level.WARN, *, aloud: bool = True, number: int = 7) -> Announced:
    return Announced(time, "desk", number, aloud, (News(WEST, level, 1, SPAN),))


def after(held: Held, second: float, *events) -> tuple[Held, list]:
    return upheld(held, picture().identities, events, NOW + round(second * SECOND), ROOM)


def test_what_is_announced_waits_and_is_escalated_once_and_once_more_when_it_is_critical():
    held, said = after(Held(), 0, announced(NOW))
    assert (held.waiting, said) == ((Waiting("desk", 7, NOW, NOW),), [])
    assert after(held, 59.9) == (held, [])
    held, said = after(held, 60)
    assert said == [Escalated(NOW + 60 * SECOND, "desk", 7, "centre")]
    assert after(held, 500)[1] == []
    held, said = after(held, 510, announced(NOW + 510 * SECOND, Level.CRITICAL))
    assert (said, held.waiting[0].last) == ([], NOW + 510 * SECOND)
    held, said = after(held, 571)
    assert len(said) == 1
    assert after(held, 900)[1] == []
    assert after(held, 901, RaidEnded(NOW, "desk", 7))[0].waiting == ()


def test_what_is_only_listed_does_not_wait_and_another_raid_waits_anew():
    assert after(Held(), 0, announced(NOW, aloud=False)) == (Held(), [])
    held, _ = after(Held(waiting=(WAITS,)), 0, announced(NOW, number=8))
    assert held.waiting == (Waiting("desk", 8, NOW, NOW),)


def test_nobody_is_told_where_nobody_is_named():
    held = Held(waiting=(WAITS._replace(position="centre"),))
    assert upheld(held, (), (), NOW + 9999 * SECOND, ROOM) == (held, [])


def test_a_shelf_ends_with_its_time_and_is_told():
    held = done(SHELVE)[0].held
    alone = Around((), 60.0)
    assert upheld(held, (), (), SHELVE.until - 1, alone) == (held, [])
    assert upheld(held, (), (), SHELVE.until, alone) == (Held(), [ShelfEnded(SHELVE.until, "", WEST)])
    assert upheld(held, (), (), NOW, ROOM) == (Held(), [ShelfEnded(NOW, "", WEST)])  # that position is gone


def test_words_end_with_their_track():
    held = Held(said=(Said(9, Category.FRIEND, "x", "Olena", NOW), Said(1, Category.FRIEND, "x", "Olena", NOW)))
    kept, said = after(held, 0)
    assert ([one.track for one in kept.said], said) == ([1], [CategoryEnded(NOW, 9)])


def test_a_feed_is_for_a_partner_a_purpose_and_a_time():
    boss = Person("Ihor", Role.SUPERVISOR, "s2")
    fed, refused = done(FEED, who=boss)
    (one,) = fed.held.feeds
    assert (refused, one.partner, one.purpose, one.by, one.until) == ("", "brigade", "joint watch", "Ihor", FEED.until)
    with_partner = Around((), 60.0, (BRIGADE,))
    assert upheld(fed.held, (), (), FEED.until - 1, with_partner) == (fed.held, [])
    assert upheld(fed.held, (), (), FEED.until, with_partner) == (Held(), [FeedEnded(FEED.until, "brigade")])
    moved = Partner(name="brigade", address="tcp://127.0.0.1:8088")
    for partners in ((), (moved,)):
        assert upheld(fed.held, (), (), NOW, Around((), 60.0, partners)) == (Held(), [FeedEnded(NOW, "brigade")])
    assert done(EndFeed("brigade"), fed)[0].held == Held()
    assert "gets no picture" in done(EndFeed("brigade"))[1]
    for change, why in (({"partner": "x"}, "no such partner"), ({"purpose": ""}, "write a purpose"),
                        ({"until": NOW}, "after now"), ({"until": NOW + 43201 * SECOND}, "within 12 h")):  # fmt: skip
        after, refused = done(msgspec.structs.replace(FEED, **change), who=boss)
        assert after.held == Held()
        assert why in refused


WORDS = st.builds(Said, st.integers(1, 2), st.sampled_from(sorted(set(Category) - {Category.PENDING})),
                  st.just("x"), st.just("O"), st.just(NOW))  # fmt: skip


@given(st.lists(WORDS, max_size=4))
def test_no_word_of_anybody_makes_a_track_less_of_a_threat(words):
    before = picture().identities
    for old, new in zip(before, worded(before, Held(said=tuple(words))), strict=True):
        assert new.stake >= old.stake
        assert (new.track, new.proposed, new.odds) == (old.track, old.proposed, old.odds)


def test_whom_a_person_calls_no_threat_still_raises_alerts_where_only_suspects_do():
    said, _ = done(Categorise(1, LABEL, Category.NEUTRAL, "an airliner, they say"))
    seen = Seen(said.tracks, worded(said.identities, said.held), Past())
    assert _counted(seen, "suspect").tolist() == [0]
