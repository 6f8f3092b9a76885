"""What the people at a position are told of a raid, and how often they are disturbed for it.

    skywarden simulate bench/raids/night948.toml --seed 101 --out DIR
    python bench/announced.py DIR [DIR ...]

Prints one line of JSON for each: announcements (all, most in ten minutes, most in an hour, share of the time in a
flood, which begins above 10 in ten minutes and ends below 5), how long at most until an alert's group was listed and a
critical site named, how many never were, and of the attacks how many were listed, and announced aloud, with the
right site, kind and direction, before the site's need. An attack is what `skywarden score` calls one: a raid target
that enters a site's radius; those that were under way for less than the site's need are left out and counted.
"""

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skywarden.config import parse
from skywarden.geo import ecef
from skywarden.model.assessment import Class
from skywarden.model.event import AlertRaised, Announced, Input, LevelChanged, Output, decode
from skywarden.model.place import F64, I64, Site
from skywarden.model.raid import KIND_OF, NOWHERE, Heading, Kind, Level, Raids
from skywarden.pipeline import Line
from skywarden.raid.members import OVERLAP, WIDTH, frame
from skywarden.replay import is_input
from skywarden.service.frames import record_in

SECOND = 1_000_000_000
TEN_MINUTES, HOUR = 600, 3600
FLOOD, OVER = 10, 5  # announcements in ten minutes: above, below


class Course:
    """What was told at the one position, second by second from `begin`, s.

    listed: headings; aloud: those announced of the raid that is on. loud: s, of announcements. alert_delay: s, from an
    alert until its group was listed; critical_delay: s, from a site's turning critical until it was named so.
    """

    def __init__(self) -> None:
        self.begin = 0
        self.listed: list[frozenset[Heading]] = []
        self.aloud: list[frozenset[Heading]] = []
        self.loud: list[int] = []
        self.alert_delay: list[float] = []
        self.critical_delay: list[float] = []
        self._alerts: dict[tuple[str, int], int] = {}  # ns, of those that no list has yet
        self._critical: dict[str, int] = {}  # ns, of sites that were not named yet
        self._announced = frozenset[Heading]()

    def heard(self, said: Output) -> None:
        """Take an event in."""
        match said:
            case AlertRaised(alert):
                self._alerts[alert.site, alert.track] = alert.raised
            case LevelChanged(time, site, Level.CRITICAL):
                self._critical[site] = time
            case Announced(time, _, _, aloud, news):
                self.loud += [time // SECOND] if aloud else []
                self._announced |= {one.heading for one in news} if aloud else set()
                named = {one.heading.site for one in news if one.level is Level.CRITICAL} & set(self._critical)
                self.critical_delay += [(time - self._critical.pop(site)) / SECOND for site in sorted(named)]

    def seen(self, raids: Raids) -> None:
        """Take in what stands after a tick."""
        listed = frozenset(one.heading for one in raids.told[0].listed)
        self._announced &= listed
        for one in raids.members:
            raised = self._alerts.get((one.site, one.track))
            if raised is not None and one.heading in listed:
                self.alert_delay.append((raids.time - self._alerts.pop((one.site, one.track))) / SECOND)
        self.begin = self.begin or raids.time // SECOND
        while len(self.listed) <= raids.time // SECOND - self.begin:
            self.listed.append(listed)
            self.aloud.append(self._announced)

    @property
    def untold(self) -> int:
        """How many alerts and critical sites were never listed."""
        return len(self._alerts) + len(self._critical)


def inputs(frames: Path) -> Iterator[Input]:
    """Yield the inputs of a simulated record."""
    return (decode(entry.payload) for entry in record_in(frames).entries() if is_input(entry))


def watched(frames: Path) -> Course:
    """Run the line over a record and keep what is told at its one position."""
    line, course = Line(), Course()
    for seq, event in enumerate(inputs(frames), 1):
        for caused in line.feed(seq, event):
            course.heard(caused.event)
        if line.picture is not None and line.picture.raids.told:
            course.seen(line.picture.raids)
    return course


class Path3(NamedTuple):
    """The way of a target. time: (n,) s; place: (n, 3) ECEF m."""

    time: I64
    place: F64


def ways(scenario: Path) -> dict[str, tuple[Kind, Path3]]:
    """Return kind and way of each raid target."""
    targets = {one["target"]: one for one in json.loads((scenario / "targets.json").read_bytes()) if one["raid"]}
    rows: dict[str, list[tuple[int, float, float, float]]] = defaultdict(list)
    with (scenario / "truth.csv").open() as table:
        for row in csv.DictReader(table):
            if row["target"] in targets:
                place = (float(row[name]) for name in ("latitude", "longitude", "height_m"))
                rows[row["target"]].append((int(row["time_ns"]) // SECOND, *place))
    found = {}
    for name, way in rows.items():
        time, latitude, longitude, height = np.array(way).T
        kind = KIND_OF.get(Class(targets[name]["class"]), Kind.UNKNOWN)
        found[name] = kind, Path3(time.astype(np.int64), ecef(np.radians(latitude), np.radians(longitude), height))
    return found


def judged(scenario: Path, course: Course) -> dict[str, float]:
    """Return how many attacks were listed and announced right before the site's need, by what was right."""
    counts: dict[str, float] = defaultdict(float)
    for kind, way in ways(scenario).values():
        for site in parse((scenario / "skywarden.toml").read_text()).sites:
            attack = _attack(way, site)
            if attack is None:
                continue
            second, bearing = attack
            row = second - course.begin
            if second < way.time[0] or not 0 <= row < len(course.listed):
                counts["under way for less than the need"] += 1
                continue
            counts["attacks"] += 1
            for word, told in (("listed", course.listed[row]), ("aloud", course.aloud[row])):
                mine = [one for one in told if one.site == site.name]
                counts[f"{word}: site"] += bool(mine)
                counts[f"{word}: site and kind"] += any(one.kind is kind for one in mine)
                right = [one for one in mine if one.kind is kind and _from(one, bearing)]
                counts[f"{word}: site, kind and direction"] += bool(right)
    return counts


def _attack(way: Path3, site: Site) -> tuple[int, float] | None:
    """Return the second by which a site needs to know, and from where the target comes then, rad; None: no attack."""
    here = frame(site)
    level = (way.place - here.centre) @ here.axes.T
    inside = np.flatnonzero(np.hypot(*level.T) <= site.radius_m)
    if not len(inside):
        return None
    second = int(way.time[inside[0]]) - round(site.lead_time_s)
    row = min(int(np.searchsorted(way.time, second)), len(way.time) - 1)
    return second, float(np.arctan2(level[row, 0], level[row, 1]))


def _from(heading: Heading, bearing: float) -> bool:
    """Return whether a bearing lies in the sector of a group, its wide edges included."""
    off = (bearing - heading.direction * WIDTH + np.pi) % (2 * np.pi) - np.pi
    return heading.direction != NOWHERE and abs(off) <= WIDTH / 2 + OVERLAP


def disturbed(loud: list[int], seconds: int) -> dict[str, float]:
    """Return how often people were disturbed."""
    times = np.array(loud, np.int64)
    last = (
        [int(((times > t - TEN_MINUTES) & (times <= t)).sum()) for t in range(loud[0], loud[0] + seconds)]
        if loud
        else []
    )
    flood, on = 0, False
    for count in last:
        on = count > FLOOD or (on and count >= OVER)
        flood += on
    hour = [int(((times > t - HOUR) & (times <= t)).sum()) for t in loud]
    return {
        "announcements": len(loud),
        "most_in_10_min": max(last, default=0),
        "most_in_1_h": max(hour, default=0),
        "flood": flood / max(seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="+", type=Path, metavar="DIR")
    for scenario in parser.parse_args().scenarios:
        course = watched(scenario / "frames")
        late = {
            "alert_delay_s": max(course.alert_delay, default=0.0),
            "critical_delay_s": max(course.critical_delay, default=0.0),
            "untold": course.untold,
        }
        told = disturbed(course.loud, len(course.listed))
        print(json.dumps({"scenario": scenario.name, **told, **late, **judged(scenario, course)}), flush=True)


if __name__ == "__main__":
    main()
