"""Whom single microphones alone tell of: shown while they know where, and not when that is anywhere."""

from dataclasses import replace

import numpy as np
import pytest
from flights import TIME, flying

from skywarden.model.event import TrackConfirmed, TrackDropped
from skywarden.model.track import Status
from skywarden.track.lifecycle import age
from skywarden.track.settings import TrackerSettings

SETTINGS = TrackerSettings()


def aged(status, sigma, hits=0, settings=SETTINGS):
    """Return what becomes of one track that is known to sigma, m, and is there for sure."""
    one = flying((0, 0, 300, 40, 0, 0), sigma=(sigma, 5.0), status=status)
    one = replace(one, existence=np.ones(1), revisit=np.full(1, 60.0), hits=np.full(1, hits))
    one = replace(one, number=np.full(1, 0 if status == Status.TENTATIVE else 7))
    life = age(one, np.ones(1, np.int64), TIME, 8, settings)
    return Status(life.tracks.status[0]), int(life.tracks.number[0]), life.events


@pytest.mark.parametrize(
    "before, sigma, after",
    [
        (Status.TENTATIVE, 990.0, Status.CONFIRMED),
        (Status.TENTATIVE, 1_010.0, Status.TENTATIVE),
        (Status.TENTATIVE, 1_600.0, Status.TENTATIVE),
        (Status.CONFIRMED, 1_990.0, Status.CONFIRMED),
        (Status.CONFIRMED, 2_010.0, Status.DROPPED),
        (Status.COASTING, 2_010.0, Status.DROPPED),
        (Status.DROPPED, 1_010.0, Status.DROPPED),
        (Status.DROPPED, 990.0, Status.CONFIRMED),
    ],
)
def test_it_is_shown_once_it_is_known_well_and_until_it_is_known_badly(before, sigma, after):
    status, number, _ = aged(before, sigma)
    assert status == after
    assert number == (8 if before < after == Status.CONFIRMED else 0 if after == Status.TENTATIVE else 7)


def test_it_is_told_why_one_is_shown_no_more_and_that_it_is_back():
    (end,), (back,) = (aged(Status.CONFIRMED, 3_000.0)[2], aged(Status.DROPPED, 500.0)[2])
    assert end == TrackDropped(TIME, 7, "only microphones know of it, and that to over 2 km")
    assert back == TrackConfirmed(TIME, 7, 1)


@pytest.mark.parametrize("before, after", [(Status.TENTATIVE, Status.CONFIRMED), (Status.CONFIRMED, Status.CONFIRMED)])
def test_who_was_measured_is_shown_however_wide(before, after):
    assert aged(before, 3_000.0, hits=3)[0] == after


def test_how_well_is_a_setting():
    assert aged(Status.TENTATIVE, 2_900.0, settings=TrackerSettings(microphone_known_m=3_000.0))[0] == Status.CONFIRMED
    with pytest.raises(ValueError, match="microphone_known_m must be > 0"):
        TrackerSettings(microphone_known_m=0.0)
