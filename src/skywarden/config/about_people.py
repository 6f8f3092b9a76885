"""What each setting of people means: districts, positions, partners, units. `about` has all others."""

from collections.abc import Mapping

from skywarden.config.about_row import LATITUDE, LONGITUDE, About

PEOPLE: Mapping[str, About] = {
    "districts.name": About("A name of your choice.", example='"North"'),
    "districts.sites": About("Names of its sites; a site is in one district at most.", example='["Plant A"]'),
    "districts.polygon": About(
        "Corners of the area as it is told, latitude first; left out: around its sites.",
        example="[[50.1, 30.1], [50.1, 30.4], [50.3, 30.4]]",
    ),
    "districts.code": About(
        'What a public list of areas calls it, "name=value"; goes into CAP messages.', example='"KATOTTG=UA80000000000"'
    ),
    "positions.name": About("A name of your choice.", example='"Desk 1"'),
    "positions.sites": About(
        "Names of the sites that it watches; each site is watched by one at least.", example='["Plant A"]'
    ),
    "positions.escalate_to": About(
        "Position that is told when nobody acknowledges; none: nobody is.", example='"Desk 2"'
    ),
    "partners.name": About("A name of your choice.", example='"Brigade"'),
    "partners.address": About(
        "Where cues go, as CoT: tcp://host:port or udp://host:port.", example='"tcp://127.0.0.1:8087"'
    ),
    "partners.plain": About("Also where other computers can read it: without encryption."),
    "units.name": About("A name of your choice.", example='"Team 4"'),
    "units.latitude": About("Where it stands ready.", *LATITUDE, example="36.40"),
    "units.longitude": About("Where it stands ready.", *LONGITUDE, example="-33.20"),
    "units.readiness_s": About("From the call until it leaves.", "seconds", 0, 7200, example="60"),
    "units.reach_m": About("It can do something this far from where it is.", "metres", 0, 100_000, example="1500"),
    "units.speed_m_s": About("On its way; 0: it stays where it is.", "metres/second", 0, 100),
    "units.capacity": About("Groups at once.", "count", 1, 100),
    "units.sensor": About(
        "Name of the sensor that it points, a camera for instance: then it is asked to look. Left out: to meet.",
        example='"coast radar"',
    ),
}
