"""What an operator may tune in the tracker: the `[tracker]` table of the configuration."""

import msgspec

from skywarden.track.motion import LEVEL_NOISE, VERTICAL_NOISE


class TrackerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an operator may tune; the reasons for the values are in docs/tracker.md."""

    level_noise_m2_s3: float = LEVEL_NOISE  # white acceleration in the level
    vertical_noise_m2_s3: float = VERTICAL_NOISE  # and upwards; aircraft climb gently
    gate_probability: float = 0.9999  # of a target's own detection falling inside its gate
    address_gate_factor: float = 4.0  # on chi-square, for the same claimed address
    detection_probability: float = 0.9  # of a sensor seeing a target at one look
    false_alarms_per_km2: float = 1e-3  # a look; 30 to 100 in a radar's disc
    new_targets_per_km2: float = 1e-5  # a look; its ratio to false alarms is what a new track is worth
    birth_level_speed_m_s: float = 150.0  # 1 sigma of each level component before anything is known
    birth_vertical_speed_m_s: float = 20.0
    height_m: float = 4000.0  # above the ellipsoid, where no sensor measures it: between drones and airliners
    height_sigma_m: float = 4000.0  # wide enough for both, so that a 2-D radar and ADS-B agree on an airliner
    confirm_hits: int = 3  # looks at different times
    confirm_score: float = 5.0  # nats, log-likelihood ratio of being a target: 150 to 1
    tentative_looks: float = 2.2  # revisits unseen; then an unconfirmed track is forgotten
    tentative_min_s: float = 2.0
    coast_looks: float = 2.5  # revisits unseen; then a confirmed track is shown as coasting
    coast_min_s: float = 3.0
    drop_after_s: float = 30.0  # unseen; then a track without an address is dropped
    drop_address_after_s: float = 60.0  # with an address: it is found again by its address
    drop_looks: float = 3.5  # but never before so many revisits
    drop_sigma_m: float = 10_000.0  # larger level uncertainty says nothing any more
    late_s: float = 2.0  # a detection may be so much older than its track
    max_tracks: int = 5_000  # in all; then the least certain unconfirmed ones go
    max_tracks_per_sensor: int = 2_000  # that no other sensor has seen; then it starts no more
    max_tentative_per_sensor: int = 500  # of these, unconfirmed; then it starts no more until some are or have gone
