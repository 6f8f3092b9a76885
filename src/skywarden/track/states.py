"""Tracks at another time than their own: for threat, view, API; and the shown ones as columns for the record."""

import numpy as np

from skywarden import geo
from skywarden.model.event import TrackStates
from skywarden.model.place import F64, I64
from skywarden.model.track import Picture, Tracks
from skywarden.track.motion import VERTICAL_NOISE, move_all, predict_all, seconds


def at(tracks: Tracks, time: int, vertical_noise: float = VERTICAL_NOISE) -> tuple[F64, F64]:
    """Return mean (n, 6) and covariance (n, 6, 6) of all tracks, predicted to `time`, ns. m and m/s, ECEF.

    vertical_noise: m^2/s^3, as in TrackerSettings; the level one is the track's own.
    """
    mean, covariance, noise = (np.array(column) for column in (tracks.mean, tracks.covariance, tracks.noise))
    return predict_all(mean, covariance, seconds(tracks.time, time), noise, vertical_noise)


def states(picture: Picture) -> TrackStates:
    """Return where every shown track (confirmed or coasting) is at the picture's time.

    Rounded to 1e-7 deg, 0.1 m, 0.1 m/s, so that another machine's last bits do not show.
    """
    tracks = picture.tracks
    shown = tracks.shown()
    mean = move_all(tracks.mean[shown], seconds(tracks.time[shown], picture.time))
    return columns(picture.time, tracks.number[shown], mean)


def columns(time: int, number: I64, mean: F64) -> TrackStates:
    """Return where tracks are at `time`, ns. number (n,); mean (n, 6): ECEF, m and m/s. Rounded as in `states`."""
    latitude, longitude, height = geo.geodetic(mean[:, :3])
    level = geo.east_north_up(latitude, longitude)
    velocity = np.einsum("nij,nj->ni", level, mean[:, 3:])
    return TrackStates(
        time=time,
        number=number.tolist(),
        latitude=_rounded(np.degrees(latitude), 7),
        longitude=_rounded(np.degrees(longitude), 7),
        height_m=_rounded(height, 1),
        east_m_s=_rounded(velocity[:, 0], 1),
        north_m_s=_rounded(velocity[:, 1], 1),
        up_m_s=_rounded(velocity[:, 2], 1),
    )


def _rounded(values: F64, decimals: int) -> list[float]:
    found: list[float] = (np.round(values, decimals) + 0.0).tolist()  # + 0.0: no minus zero
    return found
