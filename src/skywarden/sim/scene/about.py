"""What each setting of a scenario file means, its unit, its limits and an example: one row per setting."""

from collections.abc import Mapping

from skywarden.config.about_row import About

SECTIONS: Mapping[str, str] = {
    "scenario": "The scenario as a whole.",
    "terrain": "The ground.",
    "weather": "The air over the whole area.",
    "sites": "Protected places. One [[sites]] block each.",
    "radars": "Radars that report plots. One block for each make; count says how many.",
    "microphones": "Microphone nodes, single or as arrays of four.",
    "direction_finders": "Radio direction finders: they hear what transmits.",
    "cameras": "Cameras with a field of view.",
    "observers": "People who report: trained observers or citizens.",
    "receivers": "ADS-B receivers.",
    "remote_id": "Receivers of Remote ID.",
    "spoofers": "Somebody who sends claims of what is not there.",
    "traffic": "Peaceful traffic, drawn from the seed.",
    "recordings": "Real tracks, flown as they were.",
    "waves": "The raid, in parts. One [[waves]] block each.",
    "faults": "What goes wrong with the sensors and on the way.",
}
SENSORS = ("radars", "microphones", "direction_finders", "cameras", "observers", "receivers", "remote_id")
KM, DEG, SHARE = "kilometres", "degrees", "0 to 1"
NAME = About("A name of your choice.", example='"north"')
LATENCY = About("From the measurement until it comes in, on average.", "seconds", 0, 600)
BEARING = About("Error of a bearing, one standard deviation.", DEG, 0.001, 90)

PLACED: Mapping[str, About] = {  # what every sensor block has
    "name": NAME,
    "at_km": About("Where it stands, east and north of the origin; of several the middle.", KM, -2000, 2000, "[5, -3]"),
    "count": About("How many of them.", "sensors", 1, 100_000),
    "layout": About('How several stand: "grid", "random", "ring" or "line".'),
    "extent_km": About(
        "Size of the grid, the random field or the line; of a ring both diameters.", KM, 0, 4000, "[40, 30]"
    ),
    "height_m": About("Height above the ground.", "metres", 0, 500),
    "path_km": About(
        "Way-points of a moving sensor, passed once in the duration.", KM, -2000, 2000, "[[0, 0], [10, 5]]"
    ),
    "moving": About("true: it moves along path_km. Radars and microphones cannot."),
}

OWN: Mapping[str, About] = {
    "scenario.name": About("A name of your choice.", example='"Two waves"'),
    "scenario.origin": About(
        "Latitude and longitude that east and north are counted from.", "degrees, WGS 84", -180, 180, "[29.5, -45.75]"
    ),
    "scenario.area_km": About("Size east-west and north-south, around the origin.", KM, 1, 4000, "[200, 160]"),
    "scenario.start": About("Time of second 0, with its zone.", example="2030-03-14T20:00:00Z"),
    "scenario.start_drawn": About("true: the hour of start is drawn from those of reported raids."),
    "scenario.duration_s": About("How long it lasts.", "seconds", 10, 86_400),
    "terrain.kind": About('"flat": one height. "hills": made from the seed. "tiles": files of heights (SRTM).'),
    "terrain.height_m": About(
        "flat: of the ground above the ellipsoid; hills: of the lowest point.", "metres", -500, 6000
    ),
    "terrain.relief_m": About("hills: highest above lowest.", "metres", 0, 5000),
    "terrain.scale_km": About("hills: usual distance from hill to hill.", KM, 1, 200),
    "terrain.tiles": About(
        "tiles: .hgt or .hgt.gz files, beside the scenario file or from the working directory.",
        example='["N43E006.hgt.gz"]',
    ),
    "weather.wind_m_s": About("Wind 10 m above the ground.", "metres per second", 0, 50),
    "weather.wind_from_deg": About("Where the wind comes from, clockwise from north.", DEG, 0, 360),
    "weather.wind_shear": About("Exponent of the wind's growth with height.", "exponent", 0, 1),
    "weather.temperature_c": About("Temperature.", "degrees Celsius", -60, 60),
    "weather.humidity_percent": About("Relative humidity.", "percent", 0, 100),
    "weather.visibility_km": About("How far one sees.", KM, 0.01, 200),
    "weather.cloud_base_m": About("Height of the clouds above the ground.", "metres", 0, 20_000),
    "weather.rain_mm_h": About("Rain.", "millimetres per hour", 0, 200),
    "weather.night": About("true: cameras without heat and people's eyes see little."),
    "sites.name": About("A name of your choice.", example='"Plant A"'),
    "sites.at_km": About("Where it is, east and north of the origin.", KM, -2000, 2000, "[12, -4]"),
    "sites.radius_m": About("A target inside this distance has arrived.", "metres", 1, 200_000),
    "sites.lead_time_s": About("Warning this long before arrival is what it needs.", "seconds", 0, 7200),
    "sites.importance": About("How often waves without sites choose it, against the others.", "weight", 0, 1000),
    "radars.mode": About('"scan": it turns. "stare": it looks everywhere at once.'),
    "radars.period_s": About("Time of one turn, or from look to look.", "seconds", 0.1, 60),
    "radars.reach_km": About("Instrumented range.", KM, 0.1, 600),
    "radars.reference_km": About("Where 1 m^2 (Swerling 1) is seen half of the time.", KM, 0.1, 600),
    "radars.false_alarm": About("Probability of a false alarm per cell.", "per cell", 1e-12, 0.01),
    "radars.range_sigma_m": About("Error of the range, one standard deviation.", "metres", 0.1, 10_000),
    "radars.azimuth_sigma_deg": About("Error of the azimuth, one standard deviation.", DEG, 0.001, 10),
    "radars.elevation_sigma_deg": About("Error of the elevation, one standard deviation.", DEG, 0.001, 20),
    "radars.rate_sigma_m_s": About("Error of the range rate, one standard deviation.", "metres per second", 0.01, 100),
    "radars.measures_height": About("true: it measures heights."),
    "radars.measures_rate": About("true: it measures range rates."),
    "radars.blind_speed_m_s": About(
        "Radial speeds of whole multiples are not seen; 0: no such filter.", "metres per second", 0, 10_000
    ),
    "radars.notch_m_s": About("Slower than this against a blind speed is not seen.", "metres per second", 0, 200),
    "radars.range_cell_m": About("Targets closer than this in range, and than beam_deg, merge.", "metres", 1, 10_000),
    "radars.beam_deg": About("Width of the beam.", DEG, 0.1, 30),
    "radars.highest_deg": About("Highest elevation that it sees.", DEG, 1, 90),
    "radars.clutter": About("False plots a turn besides those of noise.", "plots", 0, 10_000),
    "radars.bird_clutter": About("Single birds in the air within 8 km of each, on average.", "birds", 0, 10_000),
    "radars.bias_azimuth_deg": About("What its north is off by, one standard deviation.", DEG, 0, 30),
    "radars.bias_range_m": About("What its ranges are off by, one standard deviation.", "metres", 0, 10_000),
    "radars.latency_s": LATENCY,
    "microphones.array": About("true: four microphones a node; they give bearings."),
    "microphones.bearing_sigma_deg": BEARING,
    "microphones.tone_sigma": About("Error of the fundamental tone, relative.", "ratio", 0, 1),
    "microphones.false_alarm": About("Probability of a false alarm in one second.", "per look", 0, 1),
    "microphones.disturbances_per_h": About(
        "Mopeds, chainsaws and what else sounds like an engine, at one node.", "per hour", 0, 3600
    ),
    "microphones.ambient_dba": About("Sound level of the surroundings.", "dB(A)", 0, 120),
    "microphones.excess_db": About(
        "Attenuation on the way besides that of the air; drawn per node and hour.", "dB", 0, 60, "[12, 18]"
    ),
    "microphones.latency_s": LATENCY,
    "direction_finders.bearing_sigma_deg": BEARING,
    "direction_finders.reach_km": About("How far it hears.", KM, 0.1, 200),
    "direction_finders.period_s": About("From bearing to bearing.", "seconds", 0.1, 600),
    "direction_finders.latency_s": LATENCY,
    "direction_finders.begins": About(
        "true: set up to begin targets by bearings (`begins_m`); where nearly all that flies transmits."
    ),
    "cameras.facing_deg": About("Where the middle of the field looks, clockwise from north.", DEG, 0, 360),
    "cameras.field_deg": About("Width of the field of view.", DEG, 0.1, 360),
    "cameras.turning": About("true: sweeps all around, a field at each look."),
    "cameras.thermal": About("true: sees heat, by night too."),
    "cameras.bearing_sigma_deg": BEARING,
    "cameras.reach_km": About("How far it sees a one-way UAV in clear air.", KM, 0.01, 100),
    "cameras.period_s": About("From look to look.", "seconds", 0.02, 600),
    "cameras.false_per_h": About("Reports of nothing, per camera.", "per hour", 0, 3600),
    "cameras.latency_s": LATENCY,
    "observers.trained": About("true: trained observers; false: citizens."),
    "observers.reach_km": About("How far they hear or see a target.", KM, 0.01, 50),
    "observers.bearing_sigma_deg": BEARING,
    "observers.blunder": About("Reports with a wrong direction or place altogether.", SHARE, 0, 1),
    "observers.delay_s": About("Until a report is sent: median and 90 %.", "seconds", 0, 3600, "[15, 90]"),
    "observers.eager": About("Of those who notice something, how many report it.", SHARE, 0, 1),
    "observers.false_per_h": About("Reports of nothing, per person.", "per hour", 0, 3600),
    "receivers.reach_km": About("How far it hears.", KM, 0.1, 600),
    "remote_id.reach_km": About("How far it hears.", KM, 0.01, 50),
}
