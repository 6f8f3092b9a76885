"""What each setting means, its unit, its limits and an example: one row per setting; a test misses none."""

from collections.abc import Mapping
from typing import NamedTuple


class About(NamedTuple):
    """One setting. example: TOML text, shown where there is no default. low, high: limits of a number, inclusive."""

    text: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    example: str = ""


SECTIONS: Mapping[str, str] = {
    "run": "How the engine runs.",
    "sites": "Places to protect. One [[sites]] block each.",
    "sources": "Wires and files that bring messages. One [[sources]] block each, with one of listen, connect or file.",
    "sensors": "Radars and other sensors behind the sources. Without a block a sensor stands where it says it stands.",
    "tracker": "How measurements become tracks. The defaults suit radars and ADS-B; change one thing at a time.",
    "alert": "When a warning is raised and cleared.",
    "record": "Where everything that came in is kept.",
    "api": "HTTP and WebSocket.",
    "outputs": "Files that are written beside the record.",
}

LATITUDE = ("degrees, WGS 84", -90.0, 90.0)
LONGITUDE = ("degrees, WGS 84", -180.0, 180.0)

ABOUT: Mapping[str, About] = {
    "run.mode": About('What kind of picture this is: "live", "exercise", "sim" or "replay".'),
    "run.clock": About(
        '"host": the time of this computer. "data": the times in the messages, for recordings; needs mode = "replay".'
    ),
    "run.tick_ms": About("Time between two pictures.", "milliseconds", 20, 2000),
    "sites.name": About("A name of your choice.", example='"Plant A"'),
    "sites.latitude": About("Where it is.", *LATITUDE, example="46.65"),
    "sites.longitude": About("Where it is.", *LONGITUDE, example="31.10"),
    "sites.height_m": About("Height of the site above the WGS 84 ellipsoid.", "metres", -500, 9000),
    "sites.radius_m": About("A target inside this distance has arrived.", "metres", 1, 200_000),
    "sites.lead_time_s": About("Warning this long before arrival is what the site needs.", "seconds", 0, 7200),
    "sources.name": About("A name of your choice.", example='"coast radar"'),
    "sources.format": About(
        "What the messages are: modes, beast, sbs or asterix (docs/sensors.md).", example='"asterix"'
    ),
    "sources.listen": About(
        "Wait for messages here. tcp:// or udp://, address and port; a multicast group joins it.",
        example='"udp://127.0.0.1:8600"',
    ),
    "sources.connect": About("Fetch messages from there.", example='"tcp://192.0.2.10:30005"'),
    "sources.file": About("Read a recording: raw, pcap or JSON lines, also .gz.", example='"capture.pcap"'),
    "sources.interface": About(
        "Address of the network interface that joins the multicast group.", example='"127.0.0.1"'
    ),
    "sources.latitude": About(
        "Where the receiver stands; ADS-B needs it for aircraft on the ground.", *LATITUDE, example="46.65"
    ),
    "sources.longitude": About("Where the receiver stands.", *LONGITUDE, example="31.10"),
    "sources.editions": About("ASTERIX: edition of each category.", example='{ "048" = "1.32" }'),
    "sources.max_age_s": About('Older measurements are refused as "time in the past".', "seconds", 0.1, 86_400),
    "sources.max_lead_s": About(
        'Measurements further ahead are refused as "time in the future".', "seconds", 0, 86_400
    ),
    "sensors.name": About("A name of your choice.", example='"radar 25/12"'),
    "sensors.source": About("Name of the source that carries it.", example='"coast radar"'),
    "sensors.sac": About("ASTERIX system area code; together with sic.", "", 0, 255, "25"),
    "sensors.sic": About("ASTERIX system identification code; together with sac.", "", 0, 255, "12"),
    "sensors.latitude": About("Where it stands. Left out: the place that it reports.", *LATITUDE, example="46.65"),
    "sensors.longitude": About("Where it stands.", *LONGITUDE, example="31.10"),
    "sensors.height_m": About("Height of the antenna.", "metres", -500, 9000),
    "sensors.height_reference": About(
        'What height_m counts from: "ellipsoid", "geoid" (sea level), "ground" or "barometric".'
    ),
    "sensors.north_reference": About('What its azimuths count from: "true", "magnetic", "grid" or "platform".'),
    "sensors.revisit_s": About("Time between two looks at the same target.", "seconds", 0.01, 3600),
    "sensors.range_sigma_m": About("Error of the range, one standard deviation.", "metres", 0.1, 100_000),
    "sensors.azimuth_sigma_deg": About("Error of the azimuth, one standard deviation.", "degrees", 0.0001, 90),
    "sensors.elevation_sigma_deg": About("Error of the elevation, one standard deviation.", "degrees", 0.0001, 90),
    "sensors.range_rate_sigma_m_s": About(
        "Error of the radial speed, one standard deviation.", "metres per second", 0.001, 1000
    ),
    "sensors.range_bias_m": About("Reported minus true range; removed before tracking.", "metres", -100_000, 100_000),
    "sensors.azimuth_bias_deg": About("Reported minus true azimuth.", "degrees", -180, 180),
    "sensors.elevation_bias_deg": About("Reported minus true elevation.", "degrees", -90, 90),
    "sensors.time_bias_s": About("Reported minus true time.", "seconds", -3600, 3600),
    "record.path": About("Directory of the record; made when it does not exist."),
    "record.snapshot_s": About("Time between two snapshots, from which a restart goes on.", "seconds", 0.1, 3600),
    "api.listen": About(
        "Address and port. Other addresses than 127.0.0.1 need `skywarden run --expose`.", example='"127.0.0.1:8642"'
    ),
    "outputs.jsonl": About(
        'Every event as a JSON line into this file; "-" is standard output.', example='"events.jsonl"'
    ),
    "outputs.geojson": About("The picture as GeoJSON, replaced once a second.", example='"picture.geojson"'),
}


def about(name: str) -> About:
    """Return the row of a setting, e.g. "sites.radius_m"."""
    return ABOUT.get(name, About(""))
