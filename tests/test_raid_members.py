"""Which group an alert belongs to: kinds and directions that persist, and nothing that a moment decides."""

import numpy as np
import pytest

from skywarden.geo import east_north_up, ecef
from skywarden.model.assessment import CLASSES, Alert, Class
from skywarden.model.place import SECTORS, Site
from skywarden.model.raid import NOWHERE, Kind
from skywarden.raid.members import Where, likely, members

SECOND = 1_000_000_000
NOW = 1_900_000_000 * SECOND
PLANT = Site(name="plant", latitude=36.3, longitude=-33.1, radius_m=3000.0)


def place_at(bearing, distance=20_000.0, up=300.0):
    """A place as seen from the plant, deg and m."""
    place = np.radians([PLANT.latitude, PLANT.longitude])
    angle = np.radians(bearing)
    return ecef(*place, 0.0) + np.array([np.sin(angle) * distance, np.cos(angle) * distance, up]) @ east_north_up(
        *place
    )


def odds(**shares):
    found = [0.0] * len(CLASSES)
    for name, share in shares.items():
        found[CLASSES.index(Class[name])] = share
    return found


def alert(track=1, site="plant"):
    return Alert(site, track, NOW, NOW, NOW, NOW, 0.5, NOW)


def joined(before, second, bearing, said, distance=20_000.0):
    where = Where({1: 0}, place_at(bearing, distance)[None]) if bearing is not None else Where({}, np.zeros((0, 3)))
    return members(before, [alert()], {1: said}, where, (NOW + round(second * SECOND), (PLANT,)))


DRONE = odds(UAV_PISTON=0.6, DECOY=0.3, UNKNOWN=0.1)


@pytest.mark.parametrize(("bearing", "word"), [(0, "N"), (44, "NE"), (90, "E"), (200, "S"), (225, "SW"), (350, "N")])
def test_a_direction_is_where_it_comes_from(bearing, word):
    (one,) = joined((), 0, bearing, DRONE)
    assert SECTORS[one.direction] == word
    assert one.kind is Kind.DRONES


def test_kinds_add_up_their_classes():
    assert likely([odds(UAV_PISTON=0.3, DECOY=0.3, UAV_JET=0.4)]) == [Kind.DRONES]
    assert likely([odds(UAV_PISTON=0.3, UAV_JET=0.3, CRUISE=0.4)]) == [None]
    assert likely([odds(BIRD=0.9, UNKNOWN=0.1)]) == [None]
    assert likely([()]) == [None]


def test_what_is_not_known_becomes_known_at_once_and_does_not_go_back():
    (one,) = joined((), 0, 90, odds(UNKNOWN=1.0))
    assert one.kind is Kind.UNKNOWN
    (one,) = joined((one,), 1, 90, DRONE)
    assert one.kind is Kind.DRONES
    for second in range(2, 60):
        (one,) = joined((one,), second, 90, odds(UNKNOWN=1.0))
    assert one.kind is Kind.DRONES


def test_another_kind_is_believed_after_two_seconds_and_not_after_a_look():
    (one,) = joined((), 0, 90, DRONE)
    jet = odds(UAV_JET=0.9)
    (one,) = joined((one,), 1, 90, jet)
    assert one.kind is Kind.DRONES
    (back,) = joined((one,), 2, 90, DRONE)
    assert back.kind is Kind.DRONES
    assert back.other_kind == 0
    (one,) = joined((one,), 3, 90, jet)
    assert one.kind is Kind.JETS


def test_the_edge_between_two_directions_is_wide():
    (one,) = joined((), 0, 90, DRONE)
    for second, bearing in enumerate(
        [70, 60, 58, 57, 59, 58], 1
    ):  # the edge of E is at 67.5, a quarter of 45 beyond: 56
        (one,) = joined((one,), second, bearing, DRONE)
        assert SECTORS[one.direction] == "E"
    for second in (10, 11, 12):
        (one,) = joined((one,), second, 45, DRONE)
    assert SECTORS[one.direction] == "NE"


def test_who_flies_over_the_site_still_comes_from_where_it_came():
    (one,) = joined((), 0, 90, DRONE)
    for second, (bearing, distance) in enumerate([(90, 4000), (100, 1000), *[(270, 1000)] * 4, (270, 4000)], 1):
        (one,) = joined((one,), second, bearing, DRONE, distance)
    assert SECTORS[one.direction] == "E"


def test_a_lost_track_stays_what_it_was_and_one_never_seen_has_no_direction():
    (one,) = joined((), 0, 90, DRONE)
    (one,) = joined((one,), 5, None, ())
    assert (one.kind, SECTORS[one.direction]) == (Kind.DRONES, "E")
    (never,) = joined((), 0, None, ())
    assert (never.kind, never.direction) == (Kind.UNKNOWN, NOWHERE)
    (never,) = joined((never,), 1, 180, ())
    assert SECTORS[never.direction] == "S"


def test_an_alert_that_has_ended_is_no_member():
    before = joined((), 0, 90, DRONE)
    assert members(before, [], {}, Where({}, np.zeros((0, 3))), (NOW, (PLANT,))) == ()
