"""What an operator may tune in the tracker: the `[tracker]` table of the configuration."""

from math import isfinite

import msgspec

from skywarden.track.measure import PER_KM2
from skywarden.track.pmb import FilterSettings


class TrackerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an operator may tune; the reasons for the values are in docs/tracker.md."""

    calm_noise_m2_s3: float = 0.5  # white acceleration in the level, flying straight on
    busy_noise_m2_s3: float = 40.0  # the same in turns
    vertical_noise_m2_s3: float = 2.0  # and upwards; aircraft climb gently
    calm_stay_s: float = 60.0  # mean time before a manoeuvre
    busy_stay_s: float = 15.0  # mean length of one
    gate_probability: float = 0.9999  # of a target's own detection falling inside its gate
    address_gate_factor: float = 4.0  # on chi-square, for the same claimed address
    detection_probability: float = 0.9  # of a sensor seeing a target at one look
    false_alarms_per_km2: float = 1e-3  # a look; 30 to 100 in a radar's disc
    new_targets_per_km2: float = 1e-5  # a look; its ratio to false alarms is what a new track is worth
    birth_level_speed_m_s: float = 150.0  # 1 sigma of each level component before anything is known
    birth_vertical_speed_m_s: float = 20.0
    height_m: float = 4000.0  # above the ellipsoid, where no sensor measures it: between drones and airliners
    height_sigma_m: float = 4000.0  # wide enough for both, so that a 2-D radar and ADS-B agree on an airliner
    sound_reach_m: float = 6000.0  # how far an array of microphones hears, where its sensor does not say
    sound_speed_m_s: float = 340.0  # from 0 to 30 degrees it is 331 to 349
    sound_speed_sigma_m_s: float = 5.0  # what is not known of it
    sound_begins_m: float = 5000.0  # up to which range sounds of many arrays begin targets; 0: they begin none
    sound_tones: bool = False  # arrays' tones are used; else their bearings only
    sound_keeps_s: float = 30.0  # so long sounds alone keep a track, after the last plot of another kind
    wind_east_m_s: float = 0.0  # where the air moves, between targets and microphones
    wind_north_m_s: float = 0.0
    wind_sigma_m_s: float = 5.0  # what is not known of each of its components
    observer_blunders: float = 0.05  # of the reports of trained people are of something else altogether; assumed
    citizen_blunders: float = 0.15  # of those of the untrained; assumed
    blunder_reach_m: float = 10_000.0  # a place on a map that is wrong may be so far off: as far as people see
    confirm_hits: int = 3  # looks at different times
    confirm_existence: float = 0.99  # probability of being a target
    tentative_looks: float = 2.2  # revisits unseen; then an unconfirmed track is forgotten
    tentative_min_s: float = 2.0
    coast_looks: float = 2.0  # revisits unseen; then a confirmed track is shown as coasting
    coast_min_s: float = 3.0
    drop_existence: float = 0.1  # a shown track that exists less likely is dropped
    drop_after_s: float = 9.0  # unseen; then one without an address is dropped, see docs/tracker.md
    drop_address_after_s: float = 60.0  # with an address: it is found again by its address
    drop_looks: float = 3.0  # but never before so many revisits
    forget_after_s: float = 120.0  # unseen; until then a dropped track that is seen again has its number back
    drop_sigma_m: float = 10_000.0  # larger level uncertainty says nothing any more
    late_s: float = 10.0  # a detection may be so much older than its track
    settle_s: float = 12.0  # so far behind the picture is settled: 10 s late, and a sector and the wire before
    settle_slow_s: float = 60.0  # the same where people report, or a feed is known to be very late
    microphone_reach_m: float = 3700.0  # at which a single microphone hears half of what flies by
    microphone_reach_spread: float = 0.3  # 1 sigma of its logarithm, of nodes, air and engines
    microphone_detection: float = 0.95  # of a target right beside, at one pass
    microphone_memory_s: float = 60.0  # a node that misses a target misses it so long for the same reason
    microphone_known_m: float = 1000.0  # level uncertainty up to which whom microphones alone tell of is shown
    register_sensors: bool = True  # find what sensors add to their measurements, and take it off
    max_waiting: int = 60_000  # detections that are not settled; then they are settled sooner
    max_tracks: int = 5_000  # in all; then the least certain unconfirmed ones go
    max_tracks_per_sensor: int = 2_000  # that no other sensor has seen; then it starts no more
    max_tentative_per_sensor: int = 500  # of these, unconfirmed; then it starts no more until some are or have gone

    def __post_init__(self) -> None:
        """Raise ValueError for what no tracker can be; the configuration's own limits are narrower."""
        for name in self.__struct_fields__:
            if not isfinite(getattr(self, name)) or (getattr(self, name) < 0 and name not in SIGNED):
                raise ValueError(f"{name} must be a finite number, not negative")
        for name in PROBABILITIES:
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must be a probability over 0")
        for name in ("sound_reach_m", "sound_speed_m_s", "blunder_reach_m", "microphone_known_m"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be > 0")
        filter_settings(self)


SIGNED = ("height_m", "wind_east_m_s", "wind_north_m_s")
PROBABILITIES = (
    "detection_probability",
    "gate_probability",
    "confirm_existence",
    "drop_existence",
    "microphone_detection",
    "observer_blunders",
    "citizen_blunders",
)
LEAST = 1e-6  # existence; what is less likely is forgotten. Where sea and trees make many plots, targets begin so
WEDGES = 40  # of one sensor that only bearings of it are known of; each is a group of eight hypotheses
BEGUN = 5e-4  # of a plot; what known targets do not leave so much of begins none
SAME = {  # names of FilterSettings that are settings of the tracker as they are
    "calm_noise_m2_s3",
    "busy_noise_m2_s3",
    "vertical_noise_m2_s3",
    "calm_stay_s",
    "busy_stay_s",
    "gate_probability",
    "address_gate_factor",
    "birth_level_speed_m_s",
    "birth_vertical_speed_m_s",
    "height_m",
    "height_sigma_m",
    "confirm_hits",
    "confirm_existence",
    "late_s",
}


def filter_settings(settings: TrackerSettings) -> FilterSettings:
    """Return what the filter is told."""
    return FilterSettings(
        **{name: getattr(settings, name) for name in SAME},
        least_existence=LEAST,
        least_begun=BEGUN,
        brief_looks=settings.tentative_looks,
        brief_least_s=settings.tentative_min_s,
        heard_s=settings.sound_keeps_s,
        most_of_sensor=settings.max_tracks_per_sensor,
        most_new_of_sensor=settings.max_tentative_per_sensor,
        most_wedges_of_sensor=WEDGES,
    )


def unseen_per_m2(settings: TrackerSettings) -> float:
    """Return how many targets nobody has seen yet, 1/m^2: with `detection_probability` of them found at a look."""
    return settings.new_targets_per_km2 * PER_KM2 / settings.detection_probability
