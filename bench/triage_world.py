"""A made-up evening of 500 reports: twelve things that fly, and everything else that people write to such a line.

Written without the triage in view: it knows villages, who lives in them, what they hear and what they do with a
telephone. Whoever reports sends lines of the format in docs/reports.md, and the line is all that triage gets.

What flies: one-way drones, jets, cruise missiles and helicopters, on ways with turns; two of the drones fly side by
side, 11 km apart, and two more the same way, four minutes apart. What people do: they notice while it is near, round
the time, remember it wrongly, stand where their telephone says or in the middle of a village, or in the wrong village;
point with an error, 20 to 90 degrees off, or to where it flew to; mark a place on a map or only name the village; send
it again; name the wrong thing. What else comes in: mopeds and generators, two thunderstorms, two rumours that go from
hand to hand (one of them of a thing that was real, and is long gone), pranks, aeroplanes and stars, and a group that
has agreed on a drone that is not there.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skywarden.sensors.reports import Spot, observer

F64 = NDArray[np.float64]
START = 1_790_000_000_000_000_000  # ns
LONG = 7200.0  # s
SIDE = 130_000.0  # m
LATITUDE, LONGITUDE = 36.0, -33.0  # deg, of the south-western corner
DEGREE = 111_195.0  # m
REPORTS = 500
SOUND = 340.0  # m/s
KINDS = {  # m/s lowest and highest, m of hearing, what people call it
    "piston": ((38.0, 58.0), 3600.0, ("one-way UAV piston", "one-way UAV piston", "one-way UAV jet", "unknown")),
    "jet": ((130.0, 190.0), 5000.0, ("one-way UAV jet", "cruise missile", "aeroplane", "unknown")),
    "cruise": ((200.0, 235.0), 5500.0, ("cruise missile", "one-way UAV jet", "aeroplane", "unknown")),
    "helicopter": ((50.0, 75.0), 4500.0, ("helicopter", "helicopter", "one-way UAV piston", "unknown")),
}
EVENTS = ("piston",) * 7 + ("jet",) * 2 + ("cruise",) + ("helicopter",) * 2


@dataclass(frozen=True)
class Thing:
    """What really flew: ways as (k,) s and (k, 2) m east and north of the corner. number: of the event."""

    kind: str
    time: F64
    way: F64

    def at(self, time: F64) -> F64:
        """Return (n, 2) m, NaN before and after. time: (n,) s."""
        inside = (time >= self.time[0]) & (time <= self.time[-1])
        place = np.column_stack([np.interp(time, self.time, self.way[:, k]) for k in (0, 1)])
        return np.where(inside[:, None], place, np.nan)


@dataclass
class World:
    """things: the truth. lines: (s when sent, bytes), in order of sending. told: how many of each cause.

    causes: number of a report -> what it is of.
    """

    things: list[Thing]
    lines: list[tuple[float, bytes]] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)
    causes: dict[int, str] = field(default_factory=dict)


def degrees(place: F64) -> tuple[float, float]:
    """Return latitude and longitude, deg, of one place, m."""
    latitude = LATITUDE + place[1] / DEGREE
    return float(latitude), float(LONGITUDE + place[0] / (DEGREE * np.cos(np.radians(LATITUDE))))


def metres(latitude: float, longitude: float) -> F64:
    """Return (2,) m of a place, deg."""
    east = (longitude - LONGITUDE) * DEGREE * np.cos(np.radians(LATITUDE))
    return np.array([east, (latitude - LATITUDE) * DEGREE])


class Country:
    """Villages and who lives in them."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.villages = rng.uniform(0, SIDE, (170, 2))
        size = np.minimum(rng.lognormal(np.log(12), 0.9, len(self.villages)).astype(int) + 2, 120)
        self.home = np.repeat(np.arange(len(size)), size)
        spread = 250.0 + 12.0 * size[self.home]
        self.people = self.villages[self.home] + rng.normal(size=(len(self.home), 2)) * spread[:, None]
        order = rng.permutation(len(self.home))  # numbers tell nothing of places
        self.home, self.people = self.home[order], self.people[order]

    def near(self, place: F64, reach: float) -> NDArray[np.int64]:
        return np.flatnonzero(np.hypot(*(self.people - place).T) <= reach)


class Telephone:
    """Turns what somebody noticed into a line, with all that goes wrong on the way."""

    def __init__(self, country: Country, rng: np.random.Generator) -> None:
        self.country, self.rng = country, rng
        self.lines: list[tuple[float, bytes]] = []
        self.numbers = 0
        self.cause, self.causes = "", dict[int, str]()
        self.careless = rng.beta(1.2, 4.0, len(country.people))  # some people err more than others

    def stands(self, who: int) -> F64:
        """Return where a report says that somebody stands."""
        country, rng = self.country, self.rng
        kind = rng.random()
        if kind < 0.8:
            return np.asarray(country.people[who] + rng.normal(size=2) * 30.0)
        middle = country.villages[country.home[who]]
        if kind < 0.96:
            return np.asarray(middle)
        apart = np.hypot(*(country.villages - middle).T)
        return np.asarray(country.villages[int(np.argsort(apart)[rng.integers(1, 5)])])  # of the same name, or a slip

    def said_time(self, time: float) -> float:
        rng = self.rng
        time += rng.normal() * 12.0
        kind = rng.random()
        step = 60.0 if kind < 0.35 else 300.0 if kind < 0.42 else 1.0
        return round(time / step) * step

    def wait(self) -> float:
        return float(min(self.rng.lognormal(np.log(45.0), 0.9), 560.0))

    def send(self, who: str, noticed: float, sent: float, **said: Any) -> None:
        time = min(noticed, sent)
        self.numbers += 1
        self.causes[self.numbers] = self.cause
        line = observer(
            sensor="line",
            number=self.numbers,
            time=START + round(time * 1e9),
            time_sent=START + round(sent * 1e9),
            who=who,
            **said,
        )
        self.lines.append((sent, line))

    def whole(self, who: int, seen: tuple[float, F64, F64], words: tuple[str, ...], name: str = "") -> None:
        """One person reports. seen: s, where the thing was heard or seen, and how it flew, m and m/s."""
        rng, (time, place, velocity) = self.rng, seen
        here = self.country.people[who]
        said: dict[str, Any] = {"seen": bool(rng.random() < 0.3), "what": words[rng.integers(len(words))]}
        if rng.random() < 0.2:
            del said["what"]
        kind = rng.random()
        if kind < 0.56:
            said |= self._pointed(who, place - here, velocity)
        elif kind < 0.86:
            off = rng.normal(size=2) * (900.0 if rng.random() < 0.85 else 6000.0)
            said |= {"at": Spot(*degrees(place + off)), "radius_m": float(rng.choice([1000.0, 2000.0, 3000.0]))}
        else:
            village = self.country.villages[self.country.home[who]]
            said |= {"at": Spot(*degrees(village)), "radius_m": 2000.0}
        if "azimuth_deg" in said or rng.random() < 0.5:
            said["place"] = Spot(*degrees(self.stands(who)))
        name = name or f"p{who}"
        told, sent = self.said_time(time), time + self.wait()
        self.send(name, told, sent, **said)
        while rng.random() < 0.13:  # it is not answered, so it is sent again
            sent += rng.uniform(10.0, 120.0)
            self.send(name, told if rng.random() < 0.5 else self.said_time(time), sent, **said)

    def _pointed(self, who: int, away: F64, velocity: F64) -> dict[str, Any]:
        rng = self.rng
        azimuth = float(np.degrees(np.arctan2(*away)))
        pointed = str(rng.choice(["guess", "guess", "device", "landmark"]))
        azimuth += rng.normal() * {"guess": 16.0, "device": 7.0, "landmark": 9.0}[pointed]
        if rng.random() < 0.1 + 0.3 * self.careless[who]:
            azimuth += rng.choice([-1, 1]) * rng.uniform(20.0, 90.0)
        elif rng.random() < 0.06:
            azimuth = float(np.degrees(np.arctan2(*velocity)))
        step = 45.0 if pointed == "guess" and rng.random() < 0.4 else 1.0
        return {"azimuth_deg": round(azimuth / step) * step % 360.0, "pointed": pointed}


def way(kind: str, rng: np.random.Generator, begins: float) -> Thing:
    """Return a way with turns, over the country."""
    (low, high), _, _ = KINDS[kind]
    speed = rng.uniform(low, high)
    longest = {"piston": 75_000.0, "helicopter": 50_000.0}.get(kind, 115_000.0)
    place = rng.uniform(0.05, 0.3, 2) * SIDE
    place = np.where(rng.random(2) < 0.5, SIDE - place, place)
    course = float(np.arctan2(*(rng.uniform(0.35, 0.65, 2) * SIDE - place)))
    points, left = [place], longest
    while left > 0:
        leg = min(rng.uniform(14_000.0, 34_000.0), left)
        for _ in range(8):  # round the corner, and within the country
            end = points[-1] + leg * np.array([np.sin(course), np.cos(course)])
            if (end > 0).all() and (end < SIDE).all():
                break
            course += rng.uniform(0.6, 1.2)
        points.append(end)
        left -= leg
        course += rng.normal() * 0.45
    path = np.array(points)
    lengths = np.hypot(*np.diff(path, axis=0).T)
    return Thing(kind, begins + np.concatenate(([0.0], np.cumsum(lengths))) / speed, path)


def things(rng: np.random.Generator) -> list[Thing]:
    """Return what flies."""
    kinds = list(EVENTS)
    begins = rng.uniform(200.0, LONG - 2000.0, len(kinds)).tolist()
    found = [way(kind, rng, begin) for kind, begin in zip(kinds, begins, strict=True)]
    one, three = found[0], found[2]
    course = one.way[1] - one.way[0]
    side = np.array([course[1], -course[0]]) / np.hypot(*course) * 11_000.0
    side = (
        side if np.linalg.norm(one.way[0] + side - SIDE / 2) < np.linalg.norm(one.way[0] - side - SIDE / 2) else -side
    )
    found[1] = Thing("piston", one.time.copy(), one.way + side)
    found[3] = Thing("piston", three.time + 240.0, three.way.copy())
    return found


def heard(thing: Thing, phone: Telephone, wanted: int) -> int:
    """Report one thing: `wanted` people of those over whom it flies; return how many there were."""
    rng, country = phone.rng, phone.country
    reach = KINDS[thing.kind][1]
    times = np.arange(thing.time[0] + 5.0, thing.time[-1] - 5.0, 4.0)
    places = thing.at(times)
    apart = np.hypot(country.people[:, None, 0] - places[:, 0], country.people[:, None, 1] - places[:, 1])
    limit = reach * rng.lognormal(0.0, 0.25, len(country.people))
    able = np.flatnonzero((apart < limit[:, None]).any(1))
    chosen = rng.permutation(able)[:wanted]
    for who in chosen.tolist():
        inside = np.flatnonzero(apart[who] < limit[who])
        at = float(times[inside[int(rng.beta(1.5, 2.5) * len(inside))]])
        now = np.array([at - 2.0, at])
        before = thing.at(np.maximum(now - apart[who, inside[0]] / SOUND, thing.time[0]))
        velocity = (before[1] - before[0]) / 2.0
        phone.whole(who, (at, before[1], velocity), KINDS[thing.kind][2])
    return len(chosen)


def mopeds(phone: Telephone, count: int) -> None:
    """Something that only sounds like it: it stands or rides about a village; one to five of it report."""
    rng, country = phone.rng, phone.country
    for _ in range(count):
        at, time = country.villages[rng.integers(len(country.villages))], rng.uniform(0.0, LONG)
        near = rng.permutation(country.near(at, 1800.0))[: rng.choice([1, 1, 2, 2, 3, 4, 5])]
        ride = rng.normal(size=2) * 7.0
        for who in near.tolist():
            later = rng.uniform(0.0, 240.0)
            phone.whole(who, (time + later, at + ride * later, ride), KINDS["piston"][2])


def storm(phone: Telephone, count: int) -> None:
    """Thunder: over ten minutes people far apart all point to where it is."""
    rng, country = phone.rng, phone.country
    middle, time = rng.uniform(0.2, 0.8, 2) * SIDE, rng.uniform(0.0, LONG - 700.0)
    apart = np.hypot(*(country.people - middle).T)
    able = rng.permutation(np.flatnonzero((apart > 5_000.0) & (apart < 28_000.0)))[:count]
    for who in able.tolist():
        bolt = middle + rng.normal(size=2) * 3_000.0
        words = ("ballistic", "unknown", "cruise missile", "one-way UAV jet", "ground vehicle or other noise")
        phone.whole(who, (time + rng.uniform(0.0, 600.0), bolt, np.array([3.0, 3.0])), words)


def rumour(phone: Telephone, place: F64, begins: float, count: int) -> None:
    """Copied by many: they did not see it, they write where it is said to be, and when they read it."""
    rng, country = phone.rng, phone.country
    village = country.villages[int(np.argmin(np.hypot(*(country.villages - place).T)))]
    near = rng.permutation(country.near(village, 25_000.0))[:count]
    for who in near.tolist():
        time = begins + float(rng.gamma(2.0, 240.0))
        said: dict[str, Any] = {"seen": bool(rng.random() < 0.4), "what": "one-way UAV piston"}
        if rng.random() < 0.6:
            off = rng.normal(size=2) * rng.choice([10.0, 400.0])
            said |= {"at": Spot(*degrees(village + off)), "radius_m": 2000.0}
        else:
            away = village - country.people[who]
            said |= {"azimuth_deg": float(np.degrees(np.arctan2(*away)) + rng.normal() * 20.0) % 360.0}
            said["place"] = Spot(*degrees(phone.stands(who)))
        phone.send(f"p{who}", phone.said_time(time), time + rng.uniform(5.0, 60.0), **said)


def liars(phone: Telephone, count: int) -> None:
    """A group with new names that has agreed on a drone: who says what, when, along one straight line."""
    rng = phone.rng
    begin, course = rng.uniform(0.25, 0.75, 2) * SIDE, rng.uniform(0.0, 2 * np.pi)
    velocity, time = 50.0 * np.array([np.sin(course), np.cos(course)]), rng.uniform(300.0, LONG - 900.0)
    for k in range(count):
        later = rng.uniform(0.0, 480.0)
        place = begin + velocity * later
        stand = place + rng.normal(size=2) * 1500.0
        said: dict[str, Any] = {"seen": True, "what": "one-way UAV piston", "place": Spot(*degrees(stand))}
        said |= {"azimuth_deg": float(np.degrees(np.arctan2(*(place - stand)))) % 360.0, "pointed": "device"}
        phone.send(f"new{k}", time + later, time + later + rng.uniform(5.0, 40.0), **said)


def single(phone: Telephone, count: int) -> None:
    """Pranks, stars, aeroplanes, fireworks: one person each, anywhere, any time."""
    rng, country = phone.rng, phone.country
    for _ in range(count):
        who = int(rng.integers(len(country.people)))
        place = country.people[who] + rng.normal(size=2) * 6_000.0
        velocity = rng.normal(size=2) * 60.0
        name = f"prank{phone.numbers}" if rng.random() < 0.3 else ""
        every = ("one-way UAV piston", "one-way UAV jet", "aeroplane", "multirotor", "unknown", "bird")
        phone.whole(who, (rng.uniform(0.0, LONG), place, velocity), every, name)


def world(seed: int) -> World:
    """Return one evening of 500 reports."""
    rng = np.random.default_rng([seed, 77])
    phone = Telephone(Country(rng), rng)
    flying, told = things(rng), dict[str, int]()
    for k, thing in enumerate(flying):
        phone.cause = f"{thing.kind} {k}"
        wanted = int(np.clip(rng.lognormal(np.log(20.0), 0.5), 9, 60))
        heard(thing, phone, wanted)
    told["true"] = len(phone.lines)
    true = flying[int(rng.integers(len(flying)))]
    half = float(true.time.mean())
    for name, make in (
        ("mopeds", lambda: mopeds(phone, 12)),
        ("thunder", lambda: (storm(phone, 14), storm(phone, 10))),
        ("rumours", lambda: rumour(phone, rng.uniform(0.1, 0.9, 2) * SIDE, rng.uniform(0.0, LONG - 900.0), 18)),
        ("late rumour", lambda: rumour(phone, true.at(np.array([half]))[0], half + 500.0, 14)),
        ("liars", lambda: liars(phone, 14)),
    ):
        before, phone.cause = len(phone.lines), name
        make()
        told[name] = len(phone.lines) - before
    phone.cause = "single"
    while len(phone.lines) < REPORTS:
        single(phone, 1)
    kept = phone.lines[:REPORTS]
    told["single"] = REPORTS - sum(told.values())
    return World(flying, sorted(kept), told, phone.causes)
