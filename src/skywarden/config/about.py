"""What each setting means, its unit, its limits and an example: one row per setting; a test misses none."""

from collections.abc import Mapping

from skywarden.config.about_people import PEOPLE
from skywarden.config.about_recipients import RECIPIENTS
from skywarden.config.about_row import LATITUDE, LONGITUDE, About

SECTIONS: Mapping[str, str] = {
    "run": "How the engine runs.",
    "sites": "Places to protect. One [[sites]] block each.",
    "sites.actions": "What a site can do to protect itself. One [[sites.actions]] block each, below its site.",
    "districts": "Areas that are warned as one. One [[districts]] block each.",
    "positions": "Operators, and which sites are theirs. One [[positions]] block each; without any, one has all sites.",
    "partners": "Who may be handed a cue by a person's decision. One [[partners]] block each.",
    "units": "Response units: teams that can be sent to where a group comes by. One [[units]] block each.",
    "sources": "Wires and files that bring messages. One [[sources]] block each, with one of listen, connect or file.",
    "sensors": "Radars and other sensors behind the sources. Without a block a sensor stands where it says it stands.",
    "flights": "Flights of our own, which no one is to take for something else. One [[flights]] block each.",
    "recipients": "Who is told of warnings. One [[recipients]] block each (docs/warnings.md).",
    "tracker": "How measurements become tracks. The defaults suit radars and ADS-B; change one thing at a time.",
    "identify": "When a track is proposed as suspect.",
    "alert": "When a warning is raised and cleared.",
    "raid": "How alerts are put together, and how often people are disturbed for them.",
    "record": "Where everything that came in is kept.",
    "api": "HTTP and WebSocket.",
    "outputs": "Files that are written beside the record.",
}


ABOUT: Mapping[str, About] = {
    "run.mode": About('What kind of picture this is: "live", "exercise", "sim" or "replay".'),
    "run.clock": About(
        '"host": the time of this computer. "data": the times in the messages, for recordings; needs mode = "replay".'
    ),
    "run.tick_ms": About("Time between two pictures.", "milliseconds", 20, 2000),
    "run.clock_error_ms": About(
        "More than this, as estimated by what synchronises the computer's clock, is shown.", "milliseconds", 1, 10_000
    ),
    "sites.name": About("A name of your choice.", example='"Plant A"'),
    "sites.latitude": About("Where it is.", *LATITUDE, example="36.30"),
    "sites.longitude": About("Where it is.", *LONGITUDE, example="-33.10"),
    "sites.height_m": About("Height of the site above the WGS 84 ellipsoid.", "metres", -500, 9000),
    "sites.radius_m": About("A target inside this distance has arrived.", "metres", 1, 200_000),
    "sites.lead_time_s": About("Warning this long before arrival is what the site needs.", "seconds", 0, 7200),
    "sites.consequence": About(
        "What it costs if it is hit, in whatever unit all sites have; orders them.", "any unit", 0.001, 1_000_000
    ),
    "sites.critical_probability": About(
        "That somebody comes, from which it is critical: the cost of stopping its work, over that of being hit at it.",
        "0 to 1",
        0.01,
        0.99,
    ),
    "sites.actions.name": About("A name of your choice.", example='"shelter the shift"'),
    "sites.actions.lead_s": About("It takes so long.", "seconds", 0, 7200, example="240"),
    "sites.actions.probability": About(
        "That somebody comes, from which it is worth it: what it costs, over what it saves.", "0 to 1", 0.01, 0.99
    ),
    **PEOPLE,
    "sources.name": About("A name of your choice.", example='"coast radar"'),
    "sources.format": About(
        "What they are: asterix, beast, microphone, modes, remoteid, reports, sapient or sbs (docs/sensors.md).",
        example='"asterix"',
    ),
    "sources.listen": About(
        "Wait for messages here. tcp://, tls:// or udp://, address and port; a multicast group is joined, if need be "
        "on an interface: udp://239.1.1.1:8600@192.0.2.1. A list for a radar on several networks.",
        example='"udp://127.0.0.1:8600"',
    ),
    "sources.connect": About("Fetch messages from there, tcp:// or tls://.", example='"tcp://192.0.2.10:30005"'),
    "sources.file": About("Read a recording: raw, pcap or JSON lines, also .gz.", example='"capture.pcap"'),
    "sources.interface": About(
        "Address or name of the network interface that joins the multicast groups without an @.", example='"127.0.0.1"'
    ),
    "sources.tls_certificate": About(
        "Certificate to show at addresses with tls://, a PEM file; a listener needs one.", example='"server.pem"'
    ),
    "sources.tls_key": About(
        "Its private key, a PEM file. Left out: in the certificate's file.", example='"server.key"'
    ),
    "sources.tls_ca": About(
        "Certificates of who signs those of the other end, a PEM file. Left out: a listener lets everybody in, a "
        "client goes by the authorities that this computer trusts.",
        example='"ca.pem"',
    ),
    "sources.tls_name": About(
        "Name in the server's certificate, if it is not the address in connect.", example='"receiver.example"'
    ),
    "sources.plain": About(
        "true: listen with tcp:// where other computers can reach it. Whoever is in that network can then send and "
        "read along; tls:// keeps them out."
    ),
    "sources.latitude": About(
        "Where the receiver stands; ADS-B needs it for aircraft on the ground.", *LATITUDE, example="36.30"
    ),
    "sources.longitude": About("Where the receiver stands.", *LONGITUDE, example="-33.10"),
    "sources.editions": About("ASTERIX: edition of each category.", example='{ "048" = "1.32" }'),
    "sources.max_age_s": About('Older measurements are refused as "time in the past".', "seconds", 0.1, 86_400),
    "sources.max_lead_s": About(
        'Measurements further ahead are refused as "time in the future".', "seconds", 0, 86_400
    ),
    "sources.tracks": About(
        'What another system\'s tracks are used for: "display" beside ours; "intersection": they correct ours, and may '
        'know what we know; "tracklets": they correct ours as its own plots would, and know nothing of what we know.'
    ),
    "sources.silent_after_s": About(
        'Without a message for so long it is "silent" and the health degraded. 0: never, for what is quiet by nature, '
        "as people are.",
        "seconds",
        0,
        86_400,
    ),
    "sources.max_rate": About(
        "What one sender may bring: a TCP connection, a host by UDP; all together ten times as much. Over TCP who is "
        "faster waits, datagrams are refused. Left out: reports 500, sapient 2000, asterix and sbs 5000, "
        "microphone 50000, others 10000.",
        "messages per second",
        1,
        1_000_000,
        "2000",
    ),
    "sensors.name": About("A name of your choice.", example='"radar 25/12"'),
    "sensors.source": About("Name of the source that carries it.", example='"coast radar"'),
    "sensors.sac": About("ASTERIX system area code; together with sic.", "", 0, 255, "25"),
    "sensors.sic": About("ASTERIX system identification code; together with sac.", "", 0, 255, "12"),
    "sensors.node_id": About("SAPIENT identity of the node, a UUID.", example='"1b7d9e40-52aa-4f0c-8d3e-90c4b6a7d218"'),
    "sensors.node": About("Number of a microphone node; with its place.", "", 0, 4_294_967_295, "17"),
    "sensors.latitude": About("Where it stands. Left out: the place that it reports.", *LATITUDE, example="36.30"),
    "sensors.longitude": About("Where it stands.", *LONGITUDE, example="-33.10"),
    "sensors.height_m": About("Height of the antenna.", "metres", -500, 9000),
    "sensors.height_reference": About('What height_m counts from: "ellipsoid", "geoid" (sea level) or "barometric".'),
    "sensors.north_reference": About('What its azimuths count from: "true", "magnetic" or "grid" (UTM) north.'),
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
    "sensors.detection_probability": About(
        "Of seeing a target at one look, where it can see. Left out: as in [tracker].",
        "probability",
        0.01,
        0.999,
        "0.8",
    ),
    "sensors.false_alarms_per_km2": About(
        "A look; what is learned only adds to it. Left out: as in [tracker].", "1/km^2", 0, 1000, "0.001"
    ),
    "sensors.echo_dbm": About(
        "ASTERIX: amplitude of the primary plot (I048/130) that it reports of a target of 1 m^2 at 10 km; by it others "
        "are told to be larger or smaller. Left out: amplitudes are not used.",
        "dBm",
        -200,
        100,
        "-68.0",
    ),
    "sensors.min_range_m": About("Nearer targets it does not see.", "metres", 0, 1_000_000),
    "sensors.max_range_m": About("Farther targets it does not see.", "metres", 1, 10_000_000, "60000"),
    "sensors.azimuth_from_deg": About(
        "Its sector begins here, clockwise from true north; together with azimuth_to_deg. Left out: all around.",
        "degrees",
        -360,
        360,
        "300",
    ),
    "sensors.azimuth_to_deg": About("Its sector ends here.", "degrees", -360, 360, "60"),
    "sensors.min_elevation_deg": About("Lower targets it does not see.", "degrees", -90, 90),
    "sensors.max_elevation_deg": About("Higher targets it does not see.", "degrees", -90, 90),
    "sensors.horizon_deg": About(
        "Apparent elevation of the ground's horizon, evenly by azimuth from true north on; `skywarden config horizon` "
        "makes it of terrain.",
        "degrees",
        -90,
        90,
        "[0.1, 0.4, 1.2, 0.2]",
    ),
    "sensors.horizon_m": About(
        "How far away that horizon is, as many values; only what is behind it is hidden. Left out: at any range.",
        "metres",
        0,
        1_000_000,
        "[20000, 9000, 4000, 15000]",
    ),
    "sensors.begins_m": About(
        "Of SAPIENT, reports and arrays: its bearings begin targets of unknown range, up to this one; it is to see "
        "them again within revisit_s. 0: they only correct targets.",
        "metres",
        0,
        100_000,
    ),
    "flights.name": About("A name of your choice.", example='"survey of line 4"'),
    "flights.begins": About("It starts no sooner; with a time zone.", example="2030-03-14T20:00:00Z"),
    "flights.ends": About("It has ended by then; with a time zone.", example="2030-03-14T21:30:00Z"),
    "flights.latitude": About("Where it starts.", *LATITUDE, example="36.35"),
    "flights.longitude": About("Where it starts.", *LONGITUDE, example="-33.05"),
    "flights.launch_radius_m": About("It is first seen within this distance of its start.", "metres", 10, 20_000),
    "flights.fastest_m_s": About("At its start it is no faster.", "metres per second", 1, 400),
    "flights.highest_m": About("At its start it is no higher, counted from the lowest site.", "metres", 10, 10_000),
    "flights.route": About("Its way-points after the start: latitude, longitude.", example="[[36.4, -33.0]]"),
    "flights.corridor_m": About(
        "It stays within this distance of its route; without a route, of its start.", "metres", 10, 200_000
    ),
    "flights.identity": About("What it says of itself: ICAO address, callsign or serial.", example='"4CA7B5"'),
    "tracker.calm_noise_m2_s3": About("How much targets turn and speed up, flying on.", "m^2/s^3", 0.001, 10_000),
    "tracker.busy_noise_m2_s3": About("The same while they manoeuvre.", "m^2/s^3", 0.001, 10_000),
    "tracker.vertical_noise_m2_s3": About("How much they change their climb.", "m^2/s^3", 0.001, 10_000),
    "tracker.calm_stay_s": About("Mean time before a manoeuvre.", "seconds", 1, 100_000),
    "tracker.busy_stay_s": About("Mean length of a manoeuvre.", "seconds", 1, 100_000),
    "tracker.gate_probability": About("A target's own detection is looked for this surely.", "0 to 1", 0.5, 0.999999),
    "tracker.address_gate_factor": About("A wider gate for the same claimed address.", "times chi-square", 1, 100),
    "tracker.detection_probability": About("A sensor sees a target at one look this often.", "0 to 1", 0.05, 0.999),
    "tracker.false_alarms_per_km2": About("False detections at one look.", "1/km^2", 1e-9, 10),
    "tracker.new_targets_per_km2": About("New targets at one look.", "1/km^2", 1e-12, 1),
    "tracker.birth_level_speed_m_s": About("Spread of level speeds before one is known.", "metres per second", 1, 3000),
    "tracker.birth_vertical_speed_m_s": About("Spread of climb before it is known.", "metres per second", 1, 1000),
    "tracker.height_m": About("Height above the ellipsoid where no sensor measures it.", "metres", -500, 30_000),
    "tracker.height_sigma_m": About(
        "Standard deviation of that height; no height is less certain.", "metres", 100, 30_000
    ),
    "tracker.sound_reach_m": About(
        "An array of microphones whose sensor does not say hears so far.", "metres", 100, 50_000
    ),
    "tracker.sound_speed_m_s": About("Speed of sound.", "metres per second", 280, 370),
    "tracker.sound_speed_sigma_m_s": About(
        "What is not known of it, one standard deviation.", "metres per second", 0, 30
    ),
    "tracker.sound_begins_m": About(
        "Arrays behind one source begin targets up to so far away; 0: they begin none.", "metres", 0, 50_000
    ),
    "tracker.sound_tones": About("Use the tones of microphone arrays too, which many targets alike mix up."),
    "tracker.sound_keeps_s": About(
        "So long sounds alone keep a track, after the last plot of another kind.", "seconds", 0, 3600
    ),
    "tracker.wind_east_m_s": About(
        "Wind between targets and microphones: where the air moves.", "metres per second", -50, 50
    ),
    "tracker.wind_north_m_s": About("The same to the north.", "metres per second", -50, 50),
    "tracker.wind_sigma_m_s": About("What is not known of it, one standard deviation.", "metres per second", 0, 50),
    "tracker.observer_blunders": About(
        "So many reports of trained observers are of something else altogether.", "0 to 1", 0.001, 0.9
    ),
    "tracker.citizen_blunders": About("The same of the untrained.", "0 to 1", 0.001, 0.9),
    "tracker.blunder_reach_m": About(
        "A wrong place on a map is anywhere in a disc of this radius.", "metres", 100, 200_000
    ),
    "tracker.confirm_hits": About("Looks at different times before a track is shown.", "looks", 1, 20),
    "tracker.confirm_existence": About("Probability of being a target before it is shown.", "0 to 1", 0.1, 0.99999),
    "tracker.tentative_looks": About("An unconfirmed track unseen for this long is forgotten.", "revisits", 1, 100),
    "tracker.tentative_min_s": About("But never before.", "seconds", 0, 600),
    "tracker.coast_looks": About("A track unseen for this long is shown as coasting.", "revisits", 1, 100),
    "tracker.coast_min_s": About("But never before.", "seconds", 0, 600),
    "tracker.drop_existence": About(
        "A shown track that exists less likely is dropped; less than confirm_existence.", "0 to 1", 0.001, 0.9
    ),
    "tracker.drop_after_s": About(
        "A track without an address, unseen for this long, or as long as it was seen since shown, is dropped.",
        "seconds",
        1,
        3600,
    ),
    "tracker.drop_address_after_s": About("A track with an address, unseen for this long.", "seconds", 1, 3600),
    "tracker.drop_looks": About("But never before.", "revisits", 1, 100),
    "tracker.forget_after_s": About("Until then a dropped track seen again has its number.", "seconds", 1, 3600),
    "tracker.drop_sigma_m": About("A track less certain than this is dropped.", "metres", 10, 1_000_000),
    "tracker.late_s": About("A detection may be so much older than its track.", "seconds", 0, 600),
    "tracker.settle_s": About("So far behind the picture is settled, and what is late changes it.", "seconds", 1, 600),
    "tracker.settle_slow_s": About("The same where people report or a feed is very late; not less.", "seconds", 1, 600),
    "tracker.microphone_reach_m": About(
        "A single microphone hears half of what flies by so far.", "metres", 10, 50_000
    ),
    "tracker.microphone_reach_spread": About("How much that differs, of its logarithm.", "1 sigma", 0.02, 2),
    "tracker.microphone_detection": About("It hears what flies right by it this often.", "0 to 1", 0.05, 0.999),
    "tracker.microphone_memory_s": About("One that misses a target goes on so for this long.", "seconds", 1, 3600),
    "tracker.microphone_known_m": About(
        "Whom they alone tell of is shown when known so well, until known half as well.", "metres", 10, 1_000_000
    ),
    "tracker.register_sensors": About(
        "Find what sensors add to ranges, angles and times, by targets that they share, and take it off."
    ),
    "tracker.max_waiting": About("Detections not settled yet; then it is sooner.", "detections", 1000, 10_000_000),
    "tracker.max_tracks": About("Tracks in all; the least certain unconfirmed ones go.", "tracks", 1, 100_000),
    "tracker.max_tentative_per_sensor": About(
        "Unconfirmed tracks that only one sensor has seen; it starts no more.", "tracks", 1, 100_000
    ),
    "tracker.max_tracks_per_sensor": About(
        "Tracks that only one sensor has seen; it starts no more.", "tracks", 1, 100_000
    ),
    "identify.suspect_probability": About(
        "Probability of harm that makes a suspect where two kinds of evidence speak for it.", "0 to 1", 0, 1
    ),
    "identify.suspect_alone_probability": About("The same where only one kind does; not less.", "0 to 1", 0, 1),
    "identify.pending_s": About("So long a new track is pending.", "seconds", 0, 600),
    "alert.alert_on": About(
        '"harm": every track counts by what it would do, as measured; birds and airliners little. "all": each counts '
        'whole. "suspect": only suspect and hostile ones.'
    ),
    "alert.raise_probability": About("Probability of passing within the radius that raises an alert.", "0 to 1", 0, 1),
    "alert.clear_probability": About("Below it an alert starts to clear; less than raise_probability.", "0 to 1", 0, 1),
    "alert.floor_probability": About("Below it a track is not listed with a site.", "0 to 1", 0, 1),
    "alert.lead_factor": About("Times the site's lead_time_s, for sites that react slower.", "times", 0.1, 10),
    "alert.margin_s": About("Added to the lead time: to confirm, send and read.", "seconds", 0, 3600),
    "alert.hold_s": About("An alert outlives its support by this long.", "seconds", 0, 3600),
    "alert.clear_after_s": About("Time below clear_probability before an alert clears.", "seconds", 0, 3600),
    "alert.lost_hold_s": About("At most this long a track lost on its way in is still expected.", "seconds", 0, 7200),
    "alert.horizon_s": About("Arrivals further off are not looked at.", "seconds", 1, 86_400),
    "alert.wander_ratio": About(
        "Of a wide region: how much its velocity changes, as a share of its speed.", "ratio", 0, 1
    ),
    "alert.wander_time_s": About("Of a wide region: time after which its course is forgotten.", "seconds", 1, 3600),
    "raid.relax": About("Times its own limit a level or an action stays: noise must not switch it.", "times", 0.1, 1),
    "raid.relax_after_s": About("Under that for so long, and it falls.", "seconds", 0, 3600),
    "raid.announcements": About("Announcements that may follow each other at once.", "count", 1, 100),
    "raid.announce_every_s": About("After so long one more may.", "seconds", 10, 3600),
    "raid.announce_most": About(
        "In ten minutes, with those of what is critical or of another kind, which do not wait else.",
        "count",
        1,
        100,
    ),
    "raid.pause_s": About("Between two of them; what comes in between is told with the next.", "seconds", 0, 600),
    "raid.acknowledge_s": About(
        "An announcement waits for somebody so long; then the position's escalate_to is told.", "seconds", 5, 3600
    ),
    "record.path": About("Directory of the record; made when it does not exist."),
    "record.snapshot_s": About("Time between snapshots for a restart; more if they are large.", "seconds", 0.1, 3600),
    "record.key": About(
        "File of the private key that signs the record, made at the first start; never inside the record. "
        "Left out: beside it, PATH.key.",
        example='"record.key"',
    ),
    "record.keep_days": About(
        "What is older is deleted, oldest first, in whole segments of up to a day. Left out: nothing is.",
        "days",
        0.1,
        36_500,
        "30.0",
    ),
    "record.max_gb": About(
        "The record's size at most: beyond it the oldest segments are deleted. Left out: as much as the disk has.",
        "GB",
        0.1,
        100_000,
        "200.0",
    ),
    "api.listen": About(
        "Address and port. Other addresses than 127.0.0.1 need `skywarden run --expose`.", example='"127.0.0.1:8642"'
    ),
    "api.tls_certificate": About(
        "Certificate that the interface shows, a PEM file; with it the page is https.", example='"server.pem"'
    ),
    "api.tls_key": About("Its private key, a PEM file. Left out: in the certificate's file.", example='"server.key"'),
    "api.tls_ca": About(
        "Certificates of who signs those of viewers, a PEM file: no others see anything. Left out: everybody.",
        example='"ca.pem"',
    ),
    "api.plain": About("true: no TLS where other computers can reach it. Whoever is in that network can read along."),
    "outputs.jsonl": About(
        'Alerts and the life of tracks as JSON lines into this file; "-" is standard output.', example='"events.jsonl"'
    ),
    "outputs.geojson": About("The picture as GeoJSON, replaced once a second.", example='"picture.geojson"'),
    "outputs.sender": About(
        "Who warns, as recipients see it: a domain name, or an address of mail.", example='"warning.example.org"'
    ),
    **RECIPIENTS,
}


def about(name: str) -> About:
    """Return the row of a setting, e.g. "sites.radius_m"."""
    return ABOUT.get(name, About(""))
