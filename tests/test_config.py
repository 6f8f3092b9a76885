"""The configuration: every mistake is named with its line and what to write instead; the written file is complete."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skywarden.config import ConfigProblems, Settings, exposed, load, parse
from skywarden.config.about import ABOUT, SECTIONS
from skywarden.config.locate import dotted, locate
from skywarden.config.settings import RunSettings
from skywarden.config.shape import toml
from skywarden.config.write import initial, rows, summary
from skywarden.errors import ConfigError

DOCS = Path(__file__).parent.parent / "docs"
SITE = '[[sites]]\nname = "A"\nlatitude = 36.4\nlongitude = -30.5\n'
SOURCE = '[[sources]]\nname = "radar"\nformat = "asterix"\nlisten = "udp://127.0.0.1:8600"\n'
OTHER = '[[sources]]\nname = "people"\nformat = "reports"\nlisten = "udp://127.0.0.1:8601"\n'
SENSOR = '[[sensors]]\nname = "r1"\nsource = "radar"\n'


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return str(caught.value)


MISTAKES = [
    ("[run]\ntick = 100\n", "line 2: run.tick is unknown; write tick_ms = 100 (milliseconds)"),
    ("[run]\ntick_ms = 5\n", "line 2: run.tick_ms = 5 must be between 20 and 2000 (milliseconds)"),
    ("[run]\ntick_ms = 2001\n", "line 2: run.tick_ms = 2001 must be between 20 and 2000"),
    ("[run]\ntick_ms = 99.5\n", "line 2: run.tick_ms must be a whole number; write tick_ms = 100"),
    ("[run]\ntick_ms = true\n", "line 2: run.tick_ms must be a number, not true"),
    ('[run]\nmode = "lvie"\n', 'line 2: run.mode = "lvie" is not one of "live", "exercise", "sim", "replay"; did'),
    ('[run]\nclock = "data"\n', 'line 2: run.clock = "data" cannot make a "live" picture; write mode = "replay"'),
    ('[run]\nmode = "sim"\nclock = "data"\n', 'line 3: run.clock = "data" cannot make a "sim" picture'),
    (SITE + "radius_km = 3\n", "line 5: sites[0].radius_km is unknown; write radius_m = 3000 (metres)"),
    (SITE + "radius = 3000\n", "line 5: sites[0].radius is unknown; write radius_m = 3000 (metres)"),
    (SITE + 'lead_time = "5 min"\n', "line 5: sites[0].lead_time is unknown; write lead_time_s = 300 (seconds)"),
    (SITE + 'lead_time_s = "5 min"\n', 'must be a number, not "5 min"; write lead_time_s = 300 (seconds)'),
    (SITE + 'height_m = "100 ft"\n', 'must be a number, not "100 ft"; write height_m = 30.48 (metres)'),
    (SITE + "radius_m = -5\n", "line 5: sites[0].radius_m = -5 must be between 1 and 200000 (metres)"),
    (SITE + "radius_m = nan\n", "line 5: sites[0].radius_m = nan is not a number that can be used (metres)"),
    (SITE + "colour = 3\n", "line 5: sites[0].colour is unknown; known here: name, latitude"),
    (SITE + "tick_ms = 100\n", "line 5: sites[0].tick_ms is unknown here; write it below [run]"),
    (SITE.replace("latitude", "latitud"), "line 3: sites[0].latitud is unknown; write latitude = 36.4"),
    (SITE.replace("latitude", "lat"), "line 3: sites[0].lat is unknown; write latitude = 36.4"),
    (SITE.replace("36.4", '"36.4"'), 'line 3: sites[0].latitude must be a number, not "36.4"; write latitude = 36.4'),
    (SITE.replace("36.4", "5000"), "line 3: sites[0].latitude = 5000 must be between -90 and 90"),
    (SITE.replace("36.4", "1979-05-27"), "line 3: sites[0].latitude must be a number, not a date or time; write"),
    (SITE.replace('"A"', "3"), 'line 2: sites[0].name must be text; write name = "Plant A"'),
    (SITE.replace('"A"', '" "'), "line 2: sites[0].name is empty; write name ="),
    (SITE.replace("latitude = 36.4\n", ""), "line 1: sites[0] has no latitude; write latitude = "),
    (SITE + "\n" + SITE, 'line 7: sites[1].name = "A" is taken by sites[0]'),
    ("sites = 3\n", "line 1: sites must be a list of tables; write [[sites]]"),
    ('[sites]\nname = "A"\n', "line 1: sites must be a list of tables; write [[sites]]"),
    ("[[run]]\n", "line 1: run must be one table; write [run]"),
    ("[sits]\n", "line 1: sits is unknown; did you mean sites?"),
    (SOURCE.replace("asterix", "asterx"), 'line 3: sources[0].format = "asterx" is unknown; formats are'),
    (SOURCE.replace("asterix", "asterx"), 'did you mean "asterix"?'),
    (SOURCE + 'file = "a.pcap"\n', "line 1: sources[0] has listen and file; write exactly one"),
    (SOURCE.partition("listen")[0], "line 1: sources[0] has none of listen, connect and file; write exactly one"),
    (SOURCE.replace(":8600", ""), 'has no port; write "udp://ADDRESS:PORT"'),
    (SOURCE.replace(":8600", ":99999"), 'has "99999" for a port'),
    (
        SOURCE.replace("udp://", ""),
        'line 4: sources[0].listen = "127.0.0.1:8600" must start with tcp://, tls:// or udp://',
    ),
    (SOURCE.replace("listen", "connect"), "must start with tcp://"),
    (SOURCE + 'interface = "127.0.0.1"\n', "line 5: sources[0].interface is only for a multicast group"),
    (SOURCE + "latitude = 50\n", "line 5: sources[0].latitude stands without longitude"),
    (SOURCE + 'editions = { "048" = 1.32 }\n', "line 5: sources[0].editions is not right"),
    (
        SOURCE + SENSOR.replace('"radar"', '"rader"'),
        'line 7: sensors[0].source = "rader" is not the name of a source; did',
    ),
    (SENSOR, 'line 3: sensors[0].source = "radar" is not the name of a source; there is no [[sources]] block'),
    (SOURCE + SENSOR + "sac = 25\n", "line 8: sensors[0].sac stands without sic; write both or none"),
    (SOURCE + SENSOR + "sac = 256\nsic = 1\n", "line 8: sensors[0].sac = 256 must be between 0 and 255"),
    (SOURCE + SENSOR + "latitude = 1\n", "line 8: sensors[0].latitude stands without longitude"),
    (SOURCE + SENSOR + "node = 17\n", "line 8: sensors[0].node stands without a place; write latitude and longitude"),
    (
        SOURCE + (EAR := SENSOR + "latitude = 1\nlongitude = 1\nnode = 17\n") + EAR.replace('"r1"', '"r2"'),
        "sensors[1].node is the same node as sensors[0]; one block for each",
    ),
    (
        SOURCE + OTHER + SENSOR.replace('"r1"', '"people"'),
        'line 10: sensors[0].name = "people" is what source "people"',
    ),
    (SOURCE + OTHER + SENSOR.replace('"r1"', '"people/DF"'), 'sensors[0].name = "people/DF" is what source "people"'),
    (OTHER.replace('name = "people"', "") + SOURCE + OTHER.replace("people", "radar/2"), 'sources[2].name = "radar/2"'),
    (SOURCE + OTHER.replace("people", "radar/2"), 'line 6: sources[1].name = "radar/2" is what source "radar" may'),
    ("[api]\nlisten = 8642\n", 'line 2: api.listen must be text; write listen = "127.0.0.1:8642"'),
    ('[api]\nlisten = "127.0.0.1"\n', "has no port"),
    ("[alert]\nclear_probability = 0.5\n", "line 2: alert.clear_probability makes"),
    ("[alert]\nraise_probability = 0.05\n", "line 2: alert.raise_probability makes"),
    ("[tracker]\nconfirm_existence = 0.1\n", "line 2: tracker.confirm_existence makes drop_existence = 0.1 and"),
    ("[tracker]\nsettle_s = 100\n", "line 2: tracker.settle_s makes settle_s = 100 and settle_slow_s = 60.0; the"),
    (SOURCE + SENSOR + "begins_m = 9000\n", "line 8: sensors[0].begins_m is only for sapient, reports and microphone,"),
    (SOURCE + SENSOR + "node = 17\n", "line 8: sensors[0].node is only for microphone, and source"),
    (SOURCE + SENSOR + 'node_id = "a"\n', "line 8: sensors[0].node_id is only for sapient"),
    (OTHER + SENSOR.replace('"radar"', '"people"') + "sac = 1\nsic = 1\n", "sensors[0].sic is only for asterix"),
    (OTHER + SENSOR.replace('"radar"', '"people"') + "echo_dbm = -60\n", "sensors[0].echo_dbm is only for asterix"),
    (SOURCE + SENSOR + "echo_dbm = -201\n", "line 8: sensors[0].echo_dbm = -201 must be between -200 and 100"),
    (SOURCE + SENSOR + "echo_dbm = 101\n", "line 8: sensors[0].echo_dbm = 101 must be between -200 and 100"),
    (SOURCE + SENSOR + "echo_dbm = nan\n", "line 8: sensors[0].echo_dbm = nan is not a number that can be"),
    (SOURCE + SENSOR + 'echo_dbm = "-60"\n', "line 8: sensors[0].echo_dbm"),
    (SOURCE + SENSOR + 'north_reference = "grit"\n', '= "grit" is not one of "true", "magnetic", "grid"; did'),
    (
        SOURCE + SENSOR + 'height_reference = "groud"\n',
        'one of "ellipsoid", "geoid", "barometric"; did you mean "ground"?',
    ),
    (
        SOURCE.replace('"asterix"', '["asterix"]') + SENSOR + "sac = 1\nsic = 1\n",
        "line 3: sources[0].format must be text",
    ),
    (SOURCE + SENSOR + 'height_reference = "sea"\n', '= "sea" is not one of "ellipsoid", "geoid", "barometric";'),
    ("[tracker]\nnonsense = 1\n", "line 2: tracker.nonsense is unknown"),
]


@pytest.mark.parametrize("text,expected", MISTAKES)
def test_a_mistake_is_named_with_its_line_and_what_to_write_instead(text: str, expected: str) -> None:
    assert expected in complaint(text)


def test_people_may_be_waited_for_as_long_as_devices() -> None:
    settings = parse("[tracker]\nsettle_s = 60\n")
    assert settings.tracker.settle_s == settings.tracker.settle_slow_s == 60


SYNTAX = [
    ("[run]\nmode = live\n", "line 2: not TOML", "text needs quotes"),
    ("[run]\nmode\n", "line 2: not TOML", "write key = value"),
    ('[run]\nmode = "live\n', "line 2: not TOML", "close the quotes"),
    ('[run]\nmode = "live"\nmode = "sim"\n', "line 3: not TOML", "the same key stands twice"),
    ("[run]\n[run]\n", "line 2: not TOML", "the same [table] stands twice"),
    ('[record]\npath = "c:\\data"\n', "line 2: not TOML", "single quotes"),
    ("[run]\ntick_ms = 1,5\n", "line 2: not TOML", "decimals with a point"),
]


@pytest.mark.parametrize("text,line,hint", SYNTAX)
def test_text_that_is_not_toml_is_named_with_its_line_and_a_hint(text: str, line: str, hint: str) -> None:
    said = complaint(text)
    assert said.startswith(line)
    assert hint in said


def test_text_that_is_nested_without_end_is_a_mistake_like_others() -> None:
    for text in ("[run]\nmode = " + "[" * 100_000, "[run]\nmode = " + "[" * 400 + "]" * 400, "a." * 5000 + "a = 1\n"):
        assert complaint(text)
    assert "nested too deeply" in complaint("[run]\nmode = " + "[" * 100_000)


def test_who_begins_no_targets_may_say_so_where_it_means_something() -> None:
    for source in (OTHER, OTHER.replace('"reports"', '"microphone"')):
        assert parse(source + SENSOR.replace('"radar"', '"people"') + "begins_m = 9000\n").sensors[0].begins_m == 9000
    assert parse(SOURCE + SENSOR + "begins_m = 0\n").sensors[0].begins_m == 0


def test_all_mistakes_are_listed_in_the_order_of_the_file() -> None:
    text = "[run]\ntick_ms = 1\n" + SITE.replace("36.4", "95") + "radius_km = 3\n" + SOURCE.replace(":8600", "")
    with pytest.raises(ConfigProblems) as caught:
        parse(text)
    assert [line for line, _, _ in caught.value.problems] == [2, 5, 7, 11]
    assert (caught.value.line, caught.value.where) == (2, "run.tick_ms")


def test_a_sensor_may_be_called_as_its_own_source_is() -> None:
    named = [SENSOR.replace('"r1"', f'"{name}"') for name in ("radar", "radar/1", "radar 2", "peoples", "peo")]
    assert len(parse(SOURCE + OTHER + "".join(named)).sensors) == 5


def test_the_page_says_of_a_platform_what_the_complaint_says() -> None:
    """An azimuth counted from a heading is less than the true one by it: what is reported minus what is true."""
    row = next(line for line in (DOCS / "geometry.md").read_text().splitlines() if line.startswith('| `"platform"`'))
    for said in (row, complaint(SOURCE + SENSOR + 'north_reference = "platform"\n')):
        assert re.search(r'write .*"true".* and .*azimuth_bias_deg.* minus the .*true heading', said)


def test_what_is_advised_is_accepted() -> None:
    said = complaint(SITE + "radius_km = 3\n")
    advised = re.search(r"write (radius_m = \S+)", said)
    assert advised is not None
    assert parse(SITE + advised[1]).sites[0].radius_m == 3000.0


def test_a_right_configuration_gives_what_it_says() -> None:
    settings = parse(SITE + SOURCE + SENSOR + 'sac = 25\nsic = 12\n[run]\nmode = "replay"\nclock = "data"\n')
    assert (settings.sites[0].name, settings.sites[0].latitude, settings.sites[0].radius_m) == ("A", 36.4, 3000.0)
    assert settings.sources[0].listen == "udp://127.0.0.1:8600"
    assert (settings.sensors[0].sac, settings.sensors[0].sic) == (25, 12)
    assert settings.run == RunSettings(mode=settings.run.mode, clock="data")
    assert settings.run.mode.value == "replay"


def test_the_empty_configuration_is_the_defaults() -> None:
    assert parse("") == Settings()


def test_a_file_that_does_not_exist_says_how_to_write_one(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"does not exist; write one: skywarden config init > .*a\.toml"):
        load(tmp_path / "a.toml")


def test_a_file_in_another_encoding_or_a_directory_is_refused(tmp_path) -> None:
    (tmp_path / "a.toml").write_bytes("# Київ".encode("cp1251"))
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path / "a.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_the_written_file_is_the_defaults() -> None:
    assert parse(initial()) == Settings()


def test_the_examples_in_the_written_file_are_right() -> None:
    text = re.sub(r"^#(?=\S)", "", initial(), flags=re.MULTILINE)
    text = re.sub(
        r"^(node_id|node|begins_m|escalate_to) = .*\n", "", text, flags=re.MULTILINE
    )  # of other formats than the example's, and of a second position
    settings = parse(text)
    assert [s.name for s in settings.sites] == ["Plant A"]
    assert settings.sensors[0].source == settings.sources[0].name
    assert settings.outputs.jsonl == "events.jsonl"


def test_the_written_file_has_every_setting_with_its_words_and_unit() -> None:
    text = initial()
    for row in rows():
        words = ABOUT[f"{row.section}.{row.name}"]
        assert re.search(rf"^#* ?{row.name} = \S", text, re.MULTILINE), row
        assert words.text, row
        assert f"# {words.text}" + (f" [{words.unit}]" if words.unit else "") in text


def test_every_setting_has_words_and_every_number_has_limits() -> None:
    known = {f"{row.section}.{row.name}": row for row in rows()}
    assert set(ABOUT) == set(known), "config/about.py and the settings differ"
    assert list(SECTIONS) == list(dict.fromkeys(row.section for row in known.values()))
    for name, row in known.items():
        value = tomllib.loads(f"x = {row.default or ABOUT[name].example}")["x"]
        if isinstance(value, int | float) and not isinstance(value, bool):
            low, high = ABOUT[name].low, ABOUT[name].high
            assert low is not None, name
            assert high is not None, name
            assert low <= value <= high, name
            assert ABOUT[name].unit or name in ("sensors.sac", "sensors.sic", "sensors.node"), name


def test_addresses_that_others_can_reach_are_found() -> None:
    def source(name: str, listen: str, extra: str = "") -> str:
        return SOURCE.replace('"radar"', f'"{name}"').replace("udp://127.0.0.1:8600", listen) + extra

    text = (
        source("a", "tcp://0.0.0.0:1", "plain = true\n")
        + source("b", "udp://239.1.1.1:2")
        + source("c", "udp://239.1.1.1:3", 'interface = "192.0.2.7"\n')
        + source("d", "tcp://localhost:4")
        + source("e", "tcp://[::1]:5")
        + source("f", "tls://[::]:6", 'tls_certificate = "a.pem"\n')
        + '[api]\nlisten = "192.0.2.1:80"\nplain = true\n'
    )
    assert [found.split()[0] for found in exposed(parse(text))] == [
        "tcp://0.0.0.0:1",
        "udp://239.1.1.1:3",
        "tls://[::]:6",
        "192.0.2.1:80",
    ]


@pytest.mark.parametrize(
    ("run", "source", "says"),
    [
        ("", 'format = "modes"\nfile = "a.jsonl"', 'cannot make a live picture; write mode = "replay"'),
        ('mode = "replay"\nclock = "data"', 'format = "beast"\nfile = "a.bin"', '"beast" has no times of its own'),
    ],
)
def test_a_recording_is_never_live_and_needs_times_for_the_data_clock(run: str, source: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f'[run]\n{run}\n[[sources]]\nname = "a"\n{source}\n')
    assert says in str(caught.value)


SEVERAL = [
    ("[]", "sources[0].listen is an empty list"),
    ('["udp://127.0.0.1:1", 3]', "sources[0].listen is not right"),
    ('["udp://127.0.0.1:1", "udp://127.0.0.1"]', "sources[0].listen[1] = "),
    ('["udp://127.0.0.1:1", "udp://127.0.0.1:1"]', 'sources[0].listen[1] = "udp://127.0.0.1:1" stands twice'),
    ('["udp://239.1.1.1:1", "udp://127.0.0.1:1@lo"]', 'only a udp:// multicast group has; leave out "@lo"'),
]


@pytest.mark.parametrize(("listen", "says"), SEVERAL)
def test_a_mistake_in_a_list_of_addresses_is_named(listen: str, says: str) -> None:
    assert says in complaint(SOURCE.replace('"udp://127.0.0.1:8600"', listen))


INTERFACES = [
    ("udp://127.0.0.1:1@eth0", 'names an interface, which only a udp:// multicast group has; leave out "@eth0"'),
    ("tcp://239.1.1.1:1@eth0", 'leave out "@eth0"'),
    ("udp://239.1.1.1:1@", 'has "" for an interface, e.g. "udp://239.1.1.1:1@eth0"'),
    ("udp://239.1.1.1:1@192.0.2.300", 'has "192.0.2.300" for an interface'),
    ("udp://239.1.1.1:1@eth 0", 'has "eth 0" for an interface'),
    ("udp://239.1.1.1:1@2001:db8::1", "needs an IPv4 address of the interface, or its name"),
    ("udp://[ff05::1]:1@192.0.2.1", 'needs an IPv6 address of the interface, or its name after the @, e.g. "udp://[ff'),
    ("udp://[ff05::1]:1@fe80::1%eth0", 'or its name after the @, e.g. "udp://[ff05::1]:1@eth0"'),
    ("udp://[ff02::1%eth0]:1", 'has an interface inside; write it at the end: "udp://[ff02::1]:1@eth0"'),
    ("udp://239.1.1.1@eth0", "has no port"),
]


@pytest.mark.parametrize(("listen", "says"), INTERFACES)
def test_a_mistake_in_an_interface_is_named_with_what_to_write(listen: str, says: str) -> None:
    said = complaint(SOURCE.replace("udp://127.0.0.1:8600", listen))
    assert said.startswith(f'line 4: sources[0].listen = "{listen}" ')
    assert says in said


def test_each_group_may_have_its_own_interface() -> None:
    listens = [
        "udp://239.1.1.1:1@192.0.2.7",
        "udp://239.1.1.1:1@eth0.7",
        "udp://[ff05::1]:1@fd00::2",
        "udp://239.1.1.1:1",
    ]
    both = SOURCE.replace('"udp://127.0.0.1:8600"', toml(listens))
    assert [found.split()[0] for found in exposed(parse(both))] == listens[:3]
    assert [found.split()[0] for found in exposed(parse(both + 'interface = "192.0.2.9"\n'))] == listens
    own = SOURCE.replace('"udp://127.0.0.1:8600"', toml([*listens[:3], "udp://127.0.0.1:9"]))
    assert "line 5: sources[0].interface is used by no group" in complaint(own + 'interface = "192.0.2.9"\n')


def test_one_source_may_listen_at_several_addresses_and_one_radar_in_two_sources_is_refused() -> None:
    both = SOURCE.replace('"udp://127.0.0.1:8600"', '["udp://239.1.1.1:1", "udp://0.0.0.0:2"]')
    settings = parse(both + 'interface = "192.0.2.7"\n')
    assert settings.sources[0].listens == ("udp://239.1.1.1:1", "udp://0.0.0.0:2")
    assert len(exposed(settings)) == 2
    assert "from udp://239.1.1.1:1, udp://0.0.0.0:2" in "".join(summary(settings))
    other = SOURCE.replace('"radar"', '"second"').replace("8600", "8601")
    twin = SENSOR.replace('"radar"', '"second"').replace('"r1"', '"r2"') + "sac = 1\nsic = 2\n"
    said = complaint(SOURCE + other + SENSOR + "sac = 1\nsic = 2\n" + twin)
    assert "list both addresses in one source: listen = [...]" in said


def test_the_summary_says_what_is_missing() -> None:
    assert "nothing will be seen" in summary(parse(""))[-1]
    assert "no alert will be raised" in summary(parse(SOURCE))[-1]
    assert "without max_range_m these watch no site" in summary(parse(SITE + SOURCE + SENSOR))[-1]
    assert "max_range_m" not in "".join(summary(parse(SITE + SOURCE + SENSOR + "max_range_m = 9000\n")))
    assert summary(parse(SITE + SOURCE + SENSOR))[1:3] == [
        "site A: 36.40000, -30.50000, radius 3000 m, warn 300 s before",
        "source radar: asterix from udp://127.0.0.1:8600 (r1)",
    ]


def test_lines_are_found_through_every_form_of_toml() -> None:
    text = (
        'a = 1 # b = 2\n"b c".d = "x # y"\n[run]\nx = [1,\n 2, # c\n {k = 3, l = """q\nr"""}, 5]\n'
        "[[s]]\nn = 'a'\n[[s]]\nn = 1979-05-27T07:32:00Z\n[s.sub]\nx = { a = 1, b.c = 2 }\n"
    )
    found = {dotted(key): line for key, line in locate(text).items()}
    assert found["a"] == 1
    assert found["b c.d"] == 2
    assert found["run.x[1]"] == 5
    assert found["run.x[2].l"] == 6
    assert found["run.x[3]"] == 7
    assert found["s[1].n"] == 11
    assert found["s[1].sub.x.b.c"] == 13


names = st.text("abc_", min_size=1, max_size=4)
scalars = st.integers(-5, 5) | st.booleans() | st.sampled_from(["", "a b", "1 km", "é#", "x=y"])
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))


entries = values | st.lists(st.dictionaries(names, values), max_size=3)
tables = st.dictionaries(st.sampled_from([*(s for s in SECTIONS if "." not in s), "other"]), entries, max_size=4)


@given(tables)
def test_whatever_stands_in_the_file_gives_settings_or_named_mistakes(data: dict[str, object]) -> None:
    text = "".join(f"{key} = {toml(value)}\n" for key, value in data.items())
    assert tomllib.loads(text) == data
    try:
        parse(text)
    except ConfigProblems as e:
        found = e.problems
    else:
        found = []
    assert all(1 <= line <= len(data) for line, _, _ in found)
