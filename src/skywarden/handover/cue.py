"""What a person is shown of a track before he hands it over, and what the partner gets then."""

from hashlib import blake2b

import msgspec
import numpy as np

from skywarden import geo
from skywarden.model.assessment import Category, Identity
from skywarden.model.decision import Coming, Cue
from skywarden.model.place import F64
from skywarden.model.track import Picture
from skywarden.track.states import at

CHI_2, CHI_1 = 2.4477, 1.9600  # 95 % of a level error in two dimensions, of one in one
_encode = msgspec.json.Encoder(order="deterministic").encode


def cue(picture: Picture, track: int) -> Cue | None:
    """Return where to look for a track at the picture's time; None where it is not shown."""
    rows = picture.tracks.shown() & (picture.tracks.number == track)
    if track <= 0 or not rows.any():
        return None
    one = picture.tracks.take(rows)
    mean, covariance = at(one, picture.time)
    latitude, longitude, height = geo.geodetic(mean[:, :3])
    level, vertical = _errors(covariance[0, :3, :3], geo.east_north_up(latitude, longitude)[0])
    identity = next((i for i in picture.identities if i.track == track), Identity(track, Category.PENDING))
    alerts = sorted((a for a in picture.alerts if a.track == track), key=lambda a: a.arrival)
    return Cue(
        track=track,
        label=int(one.label[0]),
        time=picture.time,
        category=identity.category,
        likeliest=str(identity.likeliest or ""),
        latitude=round(float(np.degrees(latitude[0])), 5),
        longitude=round(float(np.degrees(longitude[0])), 5),
        height_m=round(float(height[0]), 0),
        level_m=round(level, 0),
        height_error_m=round(vertical, 0),
        coming=tuple(Coming(a.site, a.early, a.arrival, a.late) for a in alerts),
    )


def digest(shown: Cue) -> str:
    """Return the hash of what is displayed, 32 hexadecimal digits; a decision names it."""
    return blake2b(_encode(shown), digest_size=16).hexdigest()


def _errors(covariance: F64, axes: F64) -> tuple[float, float]:
    """Return the 95 % level error in the worst direction and that of the height, m. axes: (3, 3) east, north, up."""
    local = axes @ covariance @ axes.T
    worst = float(np.linalg.eigvalsh(local[:2, :2])[-1])
    return CHI_2 * max(worst, 0.0) ** 0.5, CHI_1 * max(float(local[2, 2]), 0.0) ** 0.5
