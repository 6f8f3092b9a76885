"""Rows of the settings that say what flies, who pretends to, and what goes wrong."""

from collections.abc import Mapping

from skywarden.config.about_row import About
from skywarden.sim.scene.about import DEG, KM, NAME, OWN, PLACED, SENSORS, SHARE

FLYING: Mapping[str, About] = {
    "spoofers.name": NAME,
    "spoofers.what": About('What the claims are: "adsb" or "remote-id".', example='"adsb"'),
    "spoofers.at_km": About("Where the transmitter stands.", KM, -2000, 2000, "[20, 10]"),
    "spoofers.targets": About("How many targets it invents.", "targets", 1, 1000),
    "spoofers.start_s": About("When it begins.", "seconds", 0, 86_400),
    "spoofers.duration_s": About("How long it goes on.", "seconds", 1, 86_400),
    "spoofers.copies_of": About(
        "Name of a real target whose identity it takes: a kind of traffic that sends one, and a number.",
        example='"airliner-1"',
    ),
    "traffic.kind": About("What flies: a row of the table of kinds.", example='"airliner"'),
    "traffic.count": About("How many; of birds: flocks.", "fliers", 0, 100_000, "4"),
    "traffic.transponder": About("How many of them send ADS-B; multirotors: Remote ID.", SHARE, 0, 1),
    "recordings.file": About(
        "A .csv.gz or .igc.gz file, beside the scenario file or from the working directory.",
        example='"flights.csv.gz"',
    ),
    "recordings.kind": About("What flew: a row of the table of kinds."),
    "recordings.start": About(
        "Time of the recording that is second 0. Left out: its first.", example='"2021-10-07T12:00:00Z"'
    ),
    "recordings.move": About("true: its middle is put at the origin; false: it stays where it was flown."),
    "recordings.transponder": About("true: what it flies sends ADS-B."),
    "recordings.limit": About("At most so many of its flights; 0: all.", "flights", 0, 100_000),
    "waves.name": About("A name of your choice; targets are called after it.", example='"first"'),
    "waves.kind": About("What flies: a row of the table of kinds that is marked raid.", example='"uav-piston"'),
    "waves.count": About("How many; 0: drawn from what was reported.", "fliers", 0, 20_000),
    "waves.quarter": About("Whose reports the number is drawn from. Left out: the latest.", example='"2026Q2"'),
    "waves.decoys": About("How many of them are decoys.", SHARE, 0, 1),
    "waves.sites": About("Names of the sites they go to. Left out: all, by importance.", example='["Plant A"]'),
    "waves.from_deg": About(
        "Directions they come from, clockwise from north, seen from the site. Left out: drawn.",
        DEG,
        0,
        360,
        "[250, 340]",
    ),
    "waves.start_s": About("When the first one appears.", "seconds", 0, 86_400),
    "waves.spread_s": About("From the first to the last.", "seconds", 0, 86_400),
    "waves.distance_km": About("From the site where they appear; multirotors never farther than 5 km.", KM, 0.3, 480),
    "waves.height_m": About(
        "Lowest and highest above the ground. Left out: as usual for the kind.", "metres", 0, 90_000, "[100, 900]"
    ),
    "waves.speed_m_s": About(
        "Lowest and highest speed. Left out: as usual for the kind.", "metres per second", 0, 3000, "[45, 50]"
    ),
    "waves.waypoints": About("Way-points between the start and the site.", "way-points", 0, 20),
    "waves.loiter": About("How many of them circle for a while on the way.", SHARE, 0, 1),
    "waves.group": About("How many fly together.", "fliers", 1, 100),
    "waves.spacing_m": About("Distance from one to the next in a group.", "metres", 1, 5000),
    "waves.radio": About("How many of them transmit, so that direction finders hear them.", SHARE, 0, 1),
    "faults.lost": About("Sensors that are lost for good.", SHARE, 0, 1),
    "faults.outages": About("Sensors that go out once.", SHARE, 0, 1),
    "faults.outage_s": About("For so long on average.", "seconds", 0, 86_400),
    "faults.clock_offset_s": About("Their clocks are off by this, one standard deviation.", "seconds", 0, 60),
    "faults.clock_drift_ppm": About("And drift by this.", "parts per million", 0, 1000),
    "faults.gnss_spoofed": About("Nodes whose place (1 to 5 km) and time (1 to 60 s) are spoofed.", SHARE, 0, 1),
    "faults.late": About("Messages that come late.", SHARE, 0, 1),
    "faults.late_s": About("By so much on average.", "seconds", 0, 3600),
    "faults.duplicated": About("Messages that come twice.", SHARE, 0, 1),
}
ABOUT: Mapping[str, About] = {
    **{f"{section}.{name}": row for section in SENSORS for name, row in PLACED.items()},
    **OWN,
    **FLYING,
}
