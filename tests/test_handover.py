"""Hand-overs: what a decision needs, what ends one at once, and that nothing else than a decision makes one."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden import geo
from skywarden.handover import cue, decided, digest, ended, kept
from skywarden.handover.safe import confused
from skywarden.model.act import Person, Role
from skywarden.model.assessment import Alert, Category, Identity
from skywarden.model.decision import HandOver, Handovers
from skywarden.model.deed import Cued, CueEnded, Decided
from skywarden.model.event import TrackCoasting, TrackConfirmed
from skywarden.model.place import Partner
from skywarden.model.track import Mode, Picture, Status, Tracks
from skywarden.model.trust import Standing, Trust, Word

SECOND = 1_000_000_000
NOW = 1_900_000_000 * SECOND
PARTNERS = (Partner(name="brigade", address="tcp://127.0.0.1:8087"),)
OLENA = Person("Olena", Role.SUPERVISOR, "s1")


def picture(*east: float, category: Category = Category.SUSPECT, heard: float = 0.0) -> Picture:
    """Tracks 1, 2 ... at so many m east of a place, 60 m/s to the north, known to 30 m and 3 m/s; 1 has an alert."""
    n = len(east)
    blank = Tracks.empty()
    columns = {name: np.zeros((n, *getattr(blank, name).shape[1:]), getattr(blank, name).dtype) for name in
               Tracks.__slots__}  # fmt: skip
    here = np.radians(36.3), np.radians(-33.1)
    axes = geo.east_north_up(*here)
    for k, offset in enumerate(east):
        columns["mean"][k, :3] = geo.ecef(*here, 800.0) + offset * axes[0]
        columns["mean"][k, 3:] = 60.0 * axes[1]
        columns["covariance"][k] = np.diag([30.0**2] * 3 + [3.0**2] * 3)
    columns |= {
        "number": np.arange(1, n + 1),
        "label": np.arange(101, n + 101),
        "status": np.full(n, int(Status.CONFIRMED), np.int8),
        "time": np.full(n, NOW),
        "heard": np.full(n, NOW - round(heard * SECOND)),
        "noise": np.full(n, 1.0),
    }
    identities = (Identity(1, category), *(Identity(k, Category.UNKNOWN) for k in range(2, n + 1)))
    alert = Alert("plant", 1, NOW, NOW + 200 * SECOND, NOW + 150 * SECOND, NOW + 300 * SECOND, 0.8, NOW)
    return Picture(NOW, Mode.LIVE, tracks=Tracks(**columns), identities=identities, alerts=(alert,))


def named(of: Picture, track: int, category: Category, **more) -> Picture:
    identities = tuple(msgspec.structs.replace(i, category=category, **more) if i.track == track else i
                       for i in of.identities)  # fmt: skip
    return replace(of, identities=identities)


def decision(of: Picture, who: Person = OLENA, **changes) -> Decided:
    shown = cue(of, 1)
    assert shown is not None
    wanted = HandOver("brigade", shown, digest(shown), NOW - 5 * SECOND)
    return Decided(NOW, who, msgspec.structs.replace(wanted, **changes))


ALONE = picture(0.0)


def test_a_decision_hands_one_cue_to_one_partner_for_a_minute():
    after, refused, said = decided(ALONE, decision(ALONE), PARTNERS)
    assert refused == ""
    assert said == [Cued(NOW, 1, "brigade", "Olena", NOW + 60 * SECOND, cue(ALONE, 1))]
    (one,) = after.handovers.standing
    assert (one.track, one.by, one.until) == (1, "Olena", NOW + 60 * SECOND)
    shown = said[0].cue
    assert (shown.latitude, shown.longitude, shown.height_m) == (36.3, -33.1, 800)
    assert shown.level_m == round(2.4477 * 30)
    assert [(c.site, c.arrival) for c in shown.coming] == [("plant", NOW + 200 * SECOND)]
    later = replace(after, time=NOW + SECOND, tracks=replace(after.tracks, heard=after.tracks.heard + SECOND))
    left, more = kept(later, (), PARTNERS, NOW)
    assert (left.standing, [type(e) for e in more]) == ((one,), [Cued])
    assert more[0].cue.time == NOW + SECOND
    assert kept(later, (), PARTNERS, NOW + SECOND)[1] == []  # once a second
    at_last = replace(later, time=one.until)
    left, more = kept(at_last, (), PARTNERS, NOW)
    assert (left.standing, more) == ((), [CueEnded(one.until, 1, "brigade", "its time is over")])
    assert left.next_number == 2


SHOWN = cue(ALONE, 1)
OTHER = msgspec.structs.replace(SHOWN, latitude=36.4)


@pytest.mark.parametrize(
    ("of", "changes", "why"),
    [
        (replace(ALONE, mode=Mode.SIM), {}, "nothing can be handed over"),
        (replace(ALONE, mode=Mode.EXERCISE), {}, "nothing can be handed over"),
        (replace(ALONE, mode=Mode.REPLAY), {}, "nothing can be handed over"),
        (ALONE, {"who": Person("Olena", Role.OPERATOR, "s1")}, "needs the role supervisor"),
        (ALONE, {"who": Person("", Role.ADMINISTRATOR, "s1")}, "needs the role supervisor"),
        (ALONE, {"proved": NOW - 61 * SECOND}, "say once more who you are"),
        (ALONE, {"proved": NOW + 3 * SECOND}, "say once more who you are"),
        (ALONE, {"digest": digest(OTHER)}, "not what was shown"),
        (ALONE, {"shown": OTHER}, "not what was shown"),
        (replace(ALONE, time=NOW + 21 * SECOND), {"shown": SHOWN, "digest": digest(SHOWN)}, "older than 20 s"),
        (ALONE, {"partner": "somebody"}, "no such partner"),
        (picture(0.0, heard=15.5), {}, "nothing has seen it for 15 s"),
        (picture(0.0, 60.0), {}, "may have been taken for track 2"),
        (named(picture(0.0, 2900.0), 2, Category.ASSUMED_FRIEND), {}, "track 2, a friend, is 2.9 km away"),
        (named(picture(0.0, 2900.0), 2, Category.UNKNOWN, flight="our own"), {}, "a friend"),
        (named(ALONE, 1, Category.FRIEND), {}, "it is friend"),
        (named(ALONE, 1, Category.HOSTILE, proposed=Category.ASSUMED_FRIEND), {}, "it is a friend"),
        (named(ALONE, 1, Category.HOSTILE, flight="our own"), {}, "it is a friend"),
        (named(ALONE, 1, Category.SUSPECT, claimed_only=True), {}, "nobody but itself"),
        (named(picture(0.0, 900.0), 2, Category.NEUTRAL, proposed=Category.FRIEND), {}, "a friend"),
    ],
)
def test_what_is_refused(of, changes, why):
    after, refused, said = decided(of, decision(of, **changes), PARTNERS)
    assert (after, said) == (of, [])
    assert why in refused


def test_what_only_somebody_in_quarantine_sees_and_who_may_be_a_friend_but_for_that():
    quarantined = Trust((Standing("hill", Word.QUARANTINED, NOW),))
    by, at = np.array([[0, 1, -1, -1]]), np.full((1, 4), NOW)
    of = replace(
        ALONE, sensors=("hill", "mast"), trust=quarantined, tracks=replace(ALONE.tracks, seen_by=by, seen_at=at)
    )
    assert decided(of, decision(of), PARTNERS)[1] == ""  # the mast sees it too
    alone = replace(of, tracks=replace(of.tracks, seen_at=np.array([[NOW, NOW - 60 * SECOND, 0, 0]])))
    assert decided(alone, decision(of), PARTNERS)[1] == "only who is in quarantine sees it"
    ours = named(ALONE, 1, Category.SUSPECT, perhaps_friend=True)
    assert "friend" in decided(ours, decision(ours), PARTNERS)[1]


def test_what_has_changed_since_it_was_shown_is_refused():
    asked = decision(ALONE)
    for of, why in (
        (named(ALONE, 1, Category.NEUTRAL), "it is neutral now, it was suspect"),
        (replace(ALONE, tracks=replace(ALONE.tracks, label=ALONE.tracks.label + 1)), "not what it was"),
        (replace(ALONE, tracks=replace(ALONE.tracks, number=ALONE.tracks.number + 1)), "no such track"),
        (replace(ALONE, tracks=replace(ALONE.tracks, status=ALONE.tracks.status * 0)), "no such track"),
    ):
        after, refused, said = decided(of, asked, PARTNERS)
        assert (after, said) == (of, [])
        assert why in refused


def test_the_same_is_not_handed_over_twice_and_another_decision_may_follow():
    once, _, _ = decided(ALONE, decision(ALONE), PARTNERS)
    assert "already" in decided(once, decision(once, proved=NOW), PARTNERS)[1]
    over, _ = ended(once.handovers, NOW, "x")
    again, refused, _ = decided(replace(once, handovers=over), decision(once, proved=NOW), PARTNERS)
    assert (refused, again.handovers.standing[0].number) == ("", 2)


def test_a_password_given_once_more_is_for_one_decision():
    """So the very same decision, told again after its hand-over was ended, begins nothing."""
    partners = (*PARTNERS, Partner(name="other", address="tcp://127.0.0.1:8088"))
    once, _, _ = decided(ALONE, decision(ALONE), partners)
    over, _ = ended(once.handovers, NOW, "the clock has jumped")
    once = replace(once, handovers=over)
    for again in (decision(once), decision(once, partner="other")):
        assert "has used that password up" in decided(once, again, partners)[1]
    other = Person("Olena", Role.SUPERVISOR, "s2")
    assert decided(once, decision(once, who=other), partners)[1] == ""
    later = replace(picture(0.0), time=NOW + 56 * SECOND, handovers=over)
    later = replace(later, tracks=replace(later.tracks, heard=later.tracks.heard + 56 * SECOND))
    after, refused, _ = decided(later, decision(later, proved=later.time), PARTNERS)
    assert refused == ""
    assert after.handovers.used == (("s1", later.time),)  # what is too old anyway is forgotten


@pytest.mark.parametrize(
    ("of", "events", "why"),
    [
        (named(picture(0.0), 1, Category.UNKNOWN), (), "it is unknown now"),
        (picture(0.0, heard=16), (), "nothing has seen it"),
        (picture(0.0, 90.0), (), "taken for track 2"),
        (named(picture(0.0, 1500.0), 2, Category.FRIEND), (), "a friend"),
        (picture(), (), "no such track"),
        (picture(0.0, 5000.0), (TrackCoasting(NOW, 2, 1),), "so close to another"),
        (picture(0.0, 5000.0), (TrackConfirmed(NOW, 1, 101, 2),), "so close to another"),
    ],
)
def test_danger_ends_it_at_once(of, events, why):
    once, _, _ = decided(ALONE, decision(ALONE), PARTNERS)
    left, said = kept(replace(of, handovers=once.handovers), events, PARTNERS, NOW)
    assert left.standing == ()
    assert [type(e) for e in said] == [CueEnded]
    assert why in said[0].reason


def test_far_tracks_and_those_of_a_partner_that_is_gone():
    once, _, _ = decided(ALONE, decision(ALONE), PARTNERS)
    far = replace(picture(0.0, 4000.0), handovers=once.handovers)
    assert kept(far, (TrackCoasting(NOW, 2, 3),), PARTNERS, NOW)[0] == once.handovers
    assert "partner" in kept(far, (), (), NOW)[1][0].reason


def test_two_that_are_alike_are_confused_half_of_the_time_and_five_percent_at_3_29_sigma():
    one, apart = np.eye(6)[None].repeat(3, 0), np.zeros((3, 6))
    apart[1, 2], apart[2, 0] = 3.2897, np.nan
    assert confused(apart, one) == pytest.approx([0.5, 0.05, np.nan], abs=1e-5, nan_ok=True)
    assert np.isnan(confused(apart, 0.0 * one)).all()  # what cannot be told is not taken to be safe


def test_nothing_stands_without_a_decision():
    events = (TrackConfirmed(NOW, 1, 101, 2), TrackCoasting(NOW, 1))
    assert kept(ALONE, events, PARTNERS, NOW - SECOND) == (Handovers(), [])


CHANGES = st.fixed_dictionaries({}, optional={
    "partner": st.sampled_from(["brigade", "other", ""]),
    "digest": st.sampled_from([digest(SHOWN), digest(OTHER), ""]),
    "proved": st.sampled_from([NOW, NOW - 60 * SECOND, NOW - 61 * SECOND, NOW + 3 * SECOND, 0]),
    "shown": st.sampled_from([SHOWN, OTHER, msgspec.structs.replace(SHOWN, category=Category.FRIEND)]),
})  # fmt: skip


@settings(deadline=None)
@given(CHANGES, st.sampled_from(Role), st.sampled_from(["Olena", ""]), st.sampled_from(Mode),
       st.sampled_from([ALONE, picture(0.0, 60.0), picture(0.0, heard=20), picture()]))  # fmt: skip
def test_no_cue_without_all_that_a_decision_needs(changes, role, name, mode, of):
    of = replace(of, mode=mode)
    wanted = msgspec.structs.replace(HandOver("brigade", SHOWN, digest(SHOWN), NOW), **changes)
    _, refused, said = decided(of, Decided(NOW, Person(name, role, "s"), wanted), PARTNERS)
    right = (
        mode is Mode.LIVE
        and role >= Role.SUPERVISOR
        and name
        and wanted.partner == "brigade"
        and wanted.shown == SHOWN
        and wanted.digest == digest(SHOWN)
        and NOW - 60 * SECOND <= wanted.proved <= NOW
        and of.tracks is ALONE.tracks
    )
    assert bool(said) == bool(right) == (refused == "")
