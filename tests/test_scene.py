"""Scenario files: every mistake is named with its line and what to write instead; template and page are whole."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skywarden.config.shape import toml
from skywarden.config.write import rows
from skywarden.errors import ConfigError
from skywarden.geo.terrain import MOST_CORNERS
from skywarden.sim.generate import WINDOW_S
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.scene import SCENARIO, read, sizes, template
from skywarden.sim.scene.about import SECTIONS
from skywarden.sim.scene.flying import ABOUT
from skywarden.sim.scene.template import documented

PAGE = Path(__file__).parent.parent / "docs" / "scenarios.md"
HEAD = '[scenario]\nname = "Test"\norigin = [29.5, -45.75]\narea_km = [100, 80]\n'  # 4 lines
SITE = '[[sites]]\nname = "A"\nat_km = [0, 0]\n'
RADAR = '[[radars]]\nname = "r"\n'
CAMERA = '[[cameras]]\nname = "c"\n'
SPOOFER = '[[spoofers]]\nname = "s"\nwhat = "adsb"\nat_km = [0, 0]\n'
WAVE = '[[waves]]\nname = "w"\nkind = "uav-piston"\n'
WHOLE = HEAD + SITE


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


MISTAKES = [
    (HEAD + "duration_s = 0\n", "line 5: scenario.duration_s = 0 must be between 10 and 86400 (seconds)"),
    (HEAD + "duration_min = 30\n", "line 5: scenario.duration_min is unknown; write duration_s = 1800 (seconds)"),
    (
        HEAD.replace("[100, 80]", "[100]"),
        "line 4: scenario.area_km must be a list of 2 values, not 1; write area_km = [",
    ),
    (HEAD.replace("[100, 80]", "[100, -80]"), "line 4: scenario.area_km[1] = -80 must be between 1 and 4000"),
    (HEAD.replace("[100, 80]", "100"), "line 4: scenario.area_km must be a list, not 100; write area_km = [200, 160]"),
    (HEAD.replace("29.5, -45.75", "-95, 29"), "line 3: scenario.origin has latitude -95; the latitude stands first"),
    (
        HEAD + "start = 2030-01-01T00:00:00\n",
        "line 5: scenario.start has no time zone; for UTC write start = 2030-01-01T",
    ),
    (HEAD + 'start = "noon"\n', "line 5: scenario.start is not right"),
    (WHOLE + "[[radar]]\n", "line 8: radar is unknown; did you mean radars?"),
    (WHOLE + RADAR + '[[radar]]\nname = "s"\n', "line 10: radar is unknown; did you mean radars?"),
    (
        WHOLE + '[[lidar]]\nname = "x"\n',
        "line 8: lidar is unknown; known here: scenario, terrain, weather, sites, radars",
    ),
    (HEAD + SITE.replace("[0, 0]", "[51, 0]"), "line 7: sites[0].at_km = [51, 0] is outside the area (-50 to 50 east"),
    (WHOLE + SITE, 'line 9: sites[1].name = "A" is taken by sites[0]; give each its own name'),
    (WHOLE + "radius_m = -3\n", "line 8: sites[0].radius_m = -3 must be between 1 and 200000 (metres)"),
    (WHOLE + RADAR + "at_km = [0, 41]\n", "line 10: radars[0].at_km = [0, 41] is outside the area"),
    (WHOLE + RADAR + "range_sigma_m = -30\n", "line 10: radars[0].range_sigma_m = -30 must be between 0.1 and"),
    (WHOLE + RADAR + "reach_m = 30000\n", "line 10: radars[0].reach_m is unknown; write reach_km = 30 (kilometres)"),
    (WHOLE + RADAR + "count = 4\n", "line 8: radars[0] puts 4 at one point; write extent_km = [40, 30], or count = 1"),
    (WHOLE + RADAR + "count = 3.0\n", "line 10: radars[0].count must be a whole number; write count = 3 (sensors)"),
    (WHOLE + RADAR + "count = 0\n", "line 10: radars[0].count = 0 must be between 1 and 100000"),
    (
        WHOLE + RADAR + "count = 4\nextent_km = [120, 0]\n",
        "line 11: radars[0].extent_km reaches to [-60, 0] outside the",
    ),
    (WHOLE + CAMERA + "moving = true\n", "line 8: cameras[0] moves but has no path; write path_km = [[0, 0], [10, 5]]"),
    (WHOLE + CAMERA + "path_km = [[0, 0], [1, 1]]\n", "line 10: cameras[0].path_km is only for a sensor that moves"),
    (WHOLE + CAMERA + "moving = true\npath_km = [[0, 0], [70, 1]]\n", "line 11: cameras[0].path_km = [70, 1] is out"),
    (WHOLE + CAMERA + "moving = true\npath_km = [[0, 0], [1]]\n", "line 11: cameras[0].path_km[1] must be a list of 2"),
    (WHOLE + RADAR + '[[cameras]]\nname = "r"\n', 'line 11: cameras[0].name = "r" is taken by radars[0]'),
    (
        WHOLE + RADAR + 'mode = "stair"\n',
        'radars[0].mode = "stair" is not one of "scan", "stare"; did you mean "stare"?',
    ),
    (
        WHOLE + '[[observers]]\nname = "o"\nblunder = 1.5\n',
        "line 10: observers[0].blunder = 1.5 must be between 0 and 1",
    ),
    (WHOLE + '[[observers]]\nname = "o"\ndelay_s = [90, 15]\n', "line 10: observers[0].delay_s = [90, 15]: the median"),
    (
        WHOLE + '[[microphones]]\nname = "m"\nexcess_db = [18, 12]\n',
        "the lower one stands first; write excess_db = [12",
    ),
    (WHOLE + WAVE.replace("uav-piston", "uav-pistn"), 'is not one of "uav-piston", "uav-jet", "decoy", "multirotor"'),
    (WHOLE + WAVE.replace("uav-piston", "uav-pistn"), 'did you mean "uav-piston"?'),
    (
        WHOLE + WAVE.replace("uav-piston", "airliner"),
        'line 10: waves[0].kind = "airliner" is peaceful traffic; write it as',
    ),
    (HEAD + WAVE, "line 5: waves[0] has no site to go to; write a [[sites]] block"),
    (
        WHOLE + WAVE + 'sites = ["A", "B"]\n',
        'line 11: waves[0].sites[1] = "B" is not the name of a site; there are "A"',
    ),
    (
        WHOLE + WAVE + 'quarter = "2031Q1"\n',
        'line 11: waves[0].quarter = "2031Q1" has no statistics; write one from "2022Q3"',
    ),
    (
        WHOLE + WAVE + 'quarter = "2026Q2"\ncount = 4\n',
        "line 11: waves[0].quarter is for a drawn number of one-way UAVs",
    ),
    (
        WHOLE + WAVE + "speed_m_s = [45, 300]\n",
        'line 11: waves[0].speed_m_s = [45, 300] is impossible for "uav-piston"; write [45, 55]',
    ),
    (WHOLE + WAVE + "speed_m_s = [-45, 50]\n", "line 11: waves[0].speed_m_s[0] = -45 must be between 0 and 3000"),
    (WHOLE + WAVE + "height_m = [900, 100]\n", "the lower one stands first; write height_m = [100"),
    (WHOLE + WAVE + "loiter = 2\n", "line 11: waves[0].loiter = 2 must be between 0 and 1 (0 to 1)"),
    (WHOLE + WAVE + "start_s = 1800\n", "line 11: waves[0].start_s = 1800 is not before the end of the scenario"),
    (WHOLE + WAVE + WAVE, 'line 12: waves[1].name = "w" is taken by waves[0]'),
    (WHOLE + WAVE.replace('"w"', '"airliner"'), 'line 9: waves[0].name = "airliner" is the name of a kind'),
    (
        WHOLE + WAVE.replace("uav-piston", "multirotor"),
        'has no count, and nothing is reported to draw it from for "multirotor"',
    ),
    (WHOLE + WAVE.replace("uav-piston", "uav-jet") + "decoys = 0.5\n", 'waves[0].decoys are among "uav-piston" only'),
    (
        WHOLE + '[[traffic]]\nkind = "cruise-missile"\ncount = 1\n',
        'traffic[0].kind = "cruise-missile" is no peaceful traffic',
    ),
    (
        WHOLE + '[[traffic]]\nkind = "birds"\ncount = -1\n',
        "line 10: traffic[0].count = -1 must be between 0 and 100000",
    ),
    (WHOLE + '[[recordings]]\nkind = "glider"\n', 'line 8: recordings[0] has no file; write file = "flights.csv.gz"'),
    (
        WHOLE + '[[recordings]]\nfile = "a.txt"\n',
        'recordings[0].file = "a.txt" must end with one of .csv, .csv.gz, .igc',
    ),
    (
        WHOLE + '[[recordings]]\nfile = "a.csv"\nstart = "noon"\n',
        'start = "noon" is not a time with its zone; write for',
    ),
    (
        WHOLE + '[[spoofers]]\nname = "s"\nwhat = "adsb"\nat_km = [0, 0]\ncopies_of = "airliner-1"\n',
        'line 12: spoofers[0].copies_of = "airliner-1" is not a target of this scenario; there is none; leave it',
    ),
    (
        WHOLE
        + '[[traffic]]\nkind = "airliner"\ncount = 2\n'
        + '[[spoofers]]\nname = "s"\nwhat = "adsb"\nat_km = [0, 0]\ncopies_of = "airliner-3"\n',
        'line 15: spoofers[0].copies_of = "airliner-3": targets are "airliner-1" to "airliner-2"',
    ),
    (WHOLE.replace('"A"', '"a,b"'), "line 6: sites[0].name has a comma in it, which names cannot have; write for"),
    (
        WHOLE.replace('"A"', '"a\\nb"'),
        "line 6: sites[0].name has a line break in it, which names cannot have; write for",
    ),
    (HEAD.replace('"Test"', "'a\"b'"), "line 2: scenario.name has a double quote in it, which names cannot have"),
    (WHOLE + RADAR.replace('"r"', '"a\\u0007"'), "radars[0].name has the control character U+0007 in it"),
    (WHOLE + WAVE.replace('"w"', "'a\"b'"), "line 9: waves[0].name has a double quote in it"),
    (
        WHOLE + WAVE.replace('"w"', f'"{31 * "w"}"'),
        "line 9: waves[0].name is 31 bytes long; write a name of at most 30",
    ),
    (
        WHOLE + RADAR.replace('"r"', f'"{20 * "é"}"'),
        "line 9: radars[0].name is 40 bytes long; write a name of at most 39",
    ),
    (
        WHOLE + RADAR.replace('"r"', f'"{39 * "r"}"') + "count = 2\nextent_km = [5, 5]\n",
        "line 9: radars[0].name is too long: each of the 2 has a number besides; write at most 37 bytes",
    ),
    (
        WHOLE + RADAR + 'beam_deg = 2\ncount = 2\nextent_km = [5, 5]\n[[cameras]]\nname = "r-2"\n',
        'line 14: cameras[0].name = "r-2" is that of one of the 2 of radars[0]; give each its own name',
    ),
    (WHOLE + '[[observers]]\nname = "o"\ndelay_s = [0, 15]\n', "line 10: observers[0].delay_s = [0, 15]: nobody"),
    (WHOLE + '[[observers]]\nname = "o"\ndelay_s = [0, 0]\n', "line 10: observers[0].delay_s = [0, 0]: nobody"),
    (HEAD + "start = 1979-12-31T23:00:00Z\n", "line 5: scenario.start must be between 1980-01-01 and 2200-01-01"),
    (HEAD + "start = 2200-01-01T00:00:00Z\nstart_drawn = true\n", "line 5: scenario.start must be between 1980-01-01"),
    (WHOLE + RADAR + "height_m = 600\n", "line 10: radars[0].height_m = 600 must be between 0 and 500 (metres)"),
    (WHOLE + RADAR + "moving = true\n", "line 10: radars[0].moving is not for radars: only direction finders, cameras"),
    (HEAD.replace("-45.75", "179.9"), "line 3: scenario.origin = [29.5, 179.9]: scenario.area_km = [100, 80] around"),
    (HEAD.replace("-45.75", "179.9"), "beyond 180 (degrees); the area must not cross the date line; choose another"),
    (HEAD.replace("29.5", "-79.5").replace("80]", "1600]"), "to -72.31, beyond 85 (degrees); east and north mean"),
    (WHOLE + SPOOFER, 'line 10: spoofers[0].what = "adsb" is heard by nobody; write a [[receivers]] block'),
    (
        WHOLE + WAVE + "count = 2\n" + SPOOFER + 'copies_of = "w-1"\n',
        'line 16: spoofers[0].copies_of = "w-1" sends nothing of "adsb" to be copied; leave it out',
    ),
    (
        WHOLE
        + '[[traffic]]\nkind = "airliner"\ncount = 2\n'
        + SPOOFER.replace("adsb", "remote-id")
        + 'copies_of = "airliner-1"\n[[traffic]]\nkind = "multirotor"\ncount = 2\n',
        '= "airliner-1" sends nothing of "remote-id" to be copied; write for example "multirotor-1", or leave',
    ),
    (WHOLE + WAVE + "count = 20001\n", "line 11: waves[0].count = 20001 must be between 0 and 20000 (fliers)"),
    (
        WHOLE + '[terrain]\nkind = "hills"\nheight_m = 6000\nrelief_m = 5000\n',
        "line 11: terrain.relief_m = 5000 of hills up to 11000 m, height_m + relief_m; both together at most 8400",
    ),
    (
        WHOLE + '[terrain]\nkind = "tiles"\ntiles = ["N29W046.hgt",\n"N43E006.hgt"]\n',
        'line 11: terrain.tiles[1] = "N43E006.hgt" does not meet the area (latitude 29.1',
    ),
    (WHOLE + '[terrain]\nkind = "tiles"\ntiles = ["a.hgt"]\n', 'line 10: terrain.tiles[0] = "a.hgt" is no name of'),
    (WHOLE + '[terrain]\ntiles = ["a.hgt"]\n', 'line 9: terrain.tiles need kind = "tiles", not "flat"'),
    (
        WHOLE + '[terrain]\nkind = "tiles"\n',
        'line 9: terrain.kind = "tiles" needs files of heights; write tiles = ["N43',
    ),
    (
        WHOLE + CAMERA + "moving = true\npath_km = [[0, 0]]\n",
        "line 8: cameras[0] moves but has a path of one point, which needs two; write path_km = [[0, 0], [10, 5]]",
    ),
    (
        HEAD + "start = 2030-03-14T20:00:00.25Z\n",
        "line 5: scenario.start has a part of a second; write a whole one: start = 2030-03-14T20:00:00Z",
    ),
    (
        WHOLE + WAVE + "start_s = 1799\n",
        "line 11: waves[0].start_s = 1799 is not before the last second of the scenario (scenario.duration_s = 1800)",
    ),
    (
        WHOLE + WAVE + '[[traffic]]\nkind = "airliner"\ncount = 2\n' + SPOOFER + 'copies_of = "airliner-9"\n',
        'copies_of = "airliner-9": targets are "airliner-1" to "airliner-2"',
    ),
    (
        WHOLE + WAVE + '[[traffic]]\nkind = "airliner"\ncount = 2\n' + SPOOFER + 'copies_of = "first-1"\n',
        'copies_of = "first-1" sends nothing of "adsb" to be copied; write for example "airliner-1", or leave it out',
    ),
    (
        HEAD.replace("[100, 80]", "[4000, 4000]") + '[terrain]\nkind = "hills"\nscale_km = 1\n',
        "line 4: scenario.area_km = [4000, 4000] with hills is a grid of 20202 x 20202 heights, 408 million; 30 can be "
        'made: write for example area_km = [1054, 1054], or terrain.kind = "flat"',
    ),
    (
        WHOLE + WAVE + "count = 20000\n" + 5 * '[[traffic]]\nkind = "birds"\ncount = 10000\n',
        "line 11: waves[0].count makes 20,000 of 70,000 fliers, and coverage.npy can number 65,536; write fewer",
    ),
    (
        WHOLE + 2 * '[[traffic]]\nkind = "light-aircraft"\ncount = 6000\n',
        "line 10: traffic[0].count makes 10,800,000 of 21,600,000 seconds of flight, and 20,000,000 can be planned",
    ),
    (
        WHOLE + CAMERA + "count = 66000\nextent_km = [50, 50]\nperiod_s = 9\n",
        "line 10: cameras[0].count makes 66,000 sensors, and coverage.npy can number 65,536; write fewer",
    ),
    (
        WHOLE + WAVE + "count = 2000\n" + RADAR + "count = 30000\nextent_km = [50, 50]\nclutter = 0\n",
        "radars[0].count makes 60,000,000 pairs of a radar and a flier, and 50,000,000 can be worked on",
    ),
    (
        WHOLE + RADAR + "period_s = 0.1\nrange_cell_m = 1\nbeam_deg = 0.1\nfalse_alarm = 0.01\n",
        "line 8: radars[0] makes 1,080,001,800 looks and false plots in 30 s, and 3,000,000 can be worked on; write",
    ),
    (
        WHOLE + CAMERA + "period_s = 0.02\ncount = 9000\nextent_km = [50, 50]\n",
        "line 8: cameras[0] makes 13,500,000 looks and false plots in 30 s, and 3,000,000 can be worked on; write",
    ),
    (
        WHOLE + '[[observers]]\nname = "o"\ncount = 50000\nextent_km = [50, 50]\nfalse_per_h = 3600\n',
        "line 12: observers[0].false_per_h makes 1,500,000 reports of nothing in 30 s, and 300,000 can be made",
    ),
    (
        WHOLE + '[[microphones]]\nname = "m"\ncount = 5000\nextent_km = [50, 50]\ndisturbances_per_h = 3600\n',
        "line 12: microphones[0].disturbances_per_h makes 9,000,000 disturbances in the scenario, and 1,000,000 can",
    ),
    (WHOLE + "[faults]\nlost = -0.1\n", "line 9: faults.lost = -0.1 must be between 0 and 1 (0 to 1)"),
    (WHOLE + "[weather]\nwind_m_s = nan\n", "line 9: weather.wind_m_s = nan is not a number that can be used"),
    ("[scenario]\nname = x\n", "line 2: not TOML"),
    (SITE, "line 1: has no scenario; write [scenario]"),
    ("", "line 1: has no scenario; write [scenario]"),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_a_mistake_is_named_with_its_line_and_what_to_write_instead(text: str, expected: str) -> None:
    assert expected in complaint(text)


def test_all_mistakes_of_a_file_are_listed_in_its_order() -> None:
    said = complaint(HEAD + "duration_s = -1\n" + SITE.replace("[0, 0]", "[99, 0]") + WAVE + "group = 0\n")
    assert [int(line.split()[1][:-1]) for line in said.splitlines()] == [5, 8, 12]


def test_a_mark_of_the_byte_order_at_the_begin_is_passed_over() -> None:
    assert read("\ufeff" + WHOLE) == read(WHOLE)


def test_a_right_file_gives_what_it_says() -> None:
    scene = read(WHOLE + RADAR + WAVE + 'count = 3\nsites = ["A"]\nheight_m = [100, 200]\n[weather]\nnight = false\n')
    assert scene.scenario.area_km == (100, 80)
    assert scene.scenario.start.isoformat() == "2030-03-14T20:00:00+00:00"
    assert (scene.waves[0].kind, scene.waves[0].count, scene.waves[0].height_m) == (Kind.UAV_PISTON, 3, (100, 200))
    assert scene.radars[0].period_s == 4.0
    assert not scene.weather.night


def test_a_default_that_is_written_out_is_right() -> None:
    wave = WAVE + 'quarter = ""\nsites = []\nfrom_deg = []\nheight_m = [0, 0]\nspeed_m_s = [0, 0]\n'
    assert read(WHOLE + wave) == read(WHOLE + WAVE)


def test_every_setting_has_words_and_every_number_has_limits() -> None:
    known = {f"{row.section}.{row.name}": row for row in rows(SCENARIO)}
    assert set(ABOUT) == set(known)
    assert list(SECTIONS) == list(dict.fromkeys(row.section for row in known.values()))
    for name, row in known.items():
        words = ABOUT[name]
        assert row.default or words.example, name
        value = tomllib.loads(f"x = {row.default or words.example}")["x"]
        value = value[0] if isinstance(value, list) else value
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert words.unit, name
            assert words.low is not None, name
            assert words.high is not None, name
            assert words.low <= value <= words.high, name


def test_the_template_is_a_right_scenario_with_every_setting() -> None:
    scene = read(template())
    assert scene.sites
    assert scene.radars
    assert scene.waves
    text = template()
    for row in rows(SCENARIO):
        assert f"# {ABOUT[f'{row.section}.{row.name}'].text}" in text
    for line in re.findall(r"^#(\w+ = .*)$", text, re.MULTILINE):
        assert len(tomllib.loads(line)) == 1


def test_every_setting_has_its_row_in_the_page() -> None:
    page = PAGE.read_text().splitlines()
    missing = [row for row in documented() if row not in page]
    assert missing == [], "new rows: add them by hand; changed ones: run tests/documented.py"
    assert len([line for line in page if re.match(r"\| `\w+\.\w+` \|", line)]) == len(list(documented()))


def test_every_kind_has_its_row_in_the_page() -> None:
    page = PAGE.read_text()
    for kind, traits in KINDS.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{kind.value}` |"))
        assert row.startswith(f"| `{kind.value}` | {traits.speed[0]:g} to {traits.speed[1]:g} |")
        assert row.endswith(f"| {'yes' if traits.raid else 'no'} | {traits.words} |")


def test_the_page_names_every_size_that_is_too_large() -> None:
    page = PAGE.read_text()
    for most in (sizes.NUMBERS, sizes.MOST_MESSAGES):
        assert f"| {most:,}" in page
    millions = (
        sizes.MOST_HEIGHTS, sizes.MOST_ROWS, sizes.MOST_PAIRS, sizes.MOST_LOOKS, sizes.MOST_NOISES, MOST_CORNERS,
    )  # fmt: skip
    for most in millions:
        assert f"{most / 1e6:g} million" in page
    assert sizes.WINDOW_S == WINDOW_S


def test_sizes_wait_until_each_setting_is_within_its_limits() -> None:
    said = complaint(WHOLE + RADAR + "period_s = 0\nrange_cell_m = 0\nfalse_alarm = 0.01\n" + f"count = {10**400}\n")
    assert "period_s = 0 must be between" in said
    assert "can be worked on" not in said


RIGHT = tomllib.loads(
    WHOLE
    + '[[radars]]\nname = "r"\n[[observers]]\nname = "o"\n[[waves]]\nname = "w"\nkind = "uav-piston"\n'
    + '[[traffic]]\nkind = "birds"\ncount = 1\n[[spoofers]]\nname = "s"\nwhat = "adsb"\nat_km = [0, 0]\n'
    + '[[recordings]]\nfile = "a.csv"\n[terrain]\n[weather]\n'
)
words = st.sampled_from(["", "A", "1 km", "ring", "tiles", "uav-piston", "airliner-1", "w-1", "2026Q2", "a.igc", "é#"])
scalars = st.integers(-5, 5) | st.floats(-1e3, 1e3) | st.booleans() | words
values = scalars | st.lists(scalars | st.lists(scalars, max_size=3), max_size=3)
changes = st.fixed_dictionaries(
    {},
    optional={
        section: st.dictionaries(
            st.sampled_from([row.name for row in rows(SCENARIO) if row.section == section]), values, max_size=4
        )
        for section in RIGHT
    },
)


def changed(old: object, change: dict[str, object]) -> object:
    return [{**one, **change} for one in old] if isinstance(old, list) else {**dict(old), **change}  # type: ignore


@given(changes)
def test_whatever_stands_in_a_file_gives_a_scene_or_named_mistakes(change: dict[str, dict[str, object]]) -> None:
    data = {section: changed(old, change.get(section, {})) for section, old in RIGHT.items()}
    text = "".join(f"{key} = {toml(value)}\n" for key, value in data.items())
    said = ""
    try:
        read(text)
    except ConfigError as e:
        said = str(e)
    assert all(line.startswith("line ") for line in said.splitlines())
