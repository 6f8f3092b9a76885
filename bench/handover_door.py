"""A running installation under random requests of many people, and a book of who may have handed what over.

Over real sockets: an aircraft that sensors see, people at the HTTP interface, partners that keep every byte. The book
follows docs/people.md and docs/handover.md and asks nothing of the code. Used by `fuzz_handover.py` and by the tests.
"""

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from door_noise import noise, spoilt
from handover_compare import Kept, compare
from handover_flight import first_cue, flown
from handover_sinks import Sink
from people_world import CHEAP, PASSWORD, Browser

from skywarden.model.act import Person, Role
from skywarden.model.assessment import Category
from skywarden.model.decision import HandOver
from skywarden.model.mode import Mode
from skywarden.service.people import change, password

SECOND = 1_000_000_000  # ns
PEOPLE = {
    "Olena": Role.SUPERVISOR, "Anna": Role.ADMINISTRATOR, "Taras": Role.OPERATOR, "Petro": Role.OBSERVER,
}  # fmt: skip
MAY = (Role.SUPERVISOR, Role.ADMINISTRATOR)
FRESH, STALE = 60.0, 20.0  # s
KEPT = 20  # cues that a session was shown, of which it may decide on one
TICK_MS = 50  # acts wait for a tick
BEGIN_S = 60.0  # s until there is something to hand over
Clock = Callable[[], float]


@dataclass
class Caller:
    """A person at a browser. proof: when the password was given once more, s, and no decision has used it yet."""

    browser: Browser
    name: str = ""
    alive: bool = False
    proof: float | None = None
    shown: dict[str, float] = field(default_factory=dict)  # digest -> when


class Door:
    """One installation, from its start to its end. Raises AssertionError where the book says no."""

    def __init__(self, directory: Path, mode: Mode, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._mode, self._rng, self._path = mode, Random(seed), directory
        self._ahead = self._unlocked = self._jump = 0.0  # s that clocks are ahead: of proofs, of locks, of the host
        self._roles = dict(PEOPLE)
        self._accepted: list[tuple[str, str]] = []  # partner, name
        self._places: list[str] = []  # where they go
        self._feeds: dict[str, list[list[float]]] = {}  # partner -> from, to; s, monotonic
        self._undo = ExitStack()
        self._sinks = {name: Sink(name, kind) for name, kind in
                       (("brigade", "tcp"), ("scouts", "udp"), ("moved", "tcp"), ("map", "udp"))}  # fmt: skip
        self._at = {"brigade": "brigade", "scouts": "scouts"}  # partner -> where it is
        for sink in self._sinks.values():
            self._undo.callback(sink.close)
        for name, role in PEOPLE.items():
            change.add(directory / "users.toml", name, role, PASSWORD)
        self._begin()

    def _begin(self) -> None:
        (self._path / "cap").mkdir()
        port = int(self._sinks["brigade"].address.rsplit(":", 1)[1])
        self._flight = flown(self._path, self._mode, port, self._more(), TICK_MS)
        self._app = self._flight.app
        self._undo.callback(self._app.stop)
        self._text = self._app.reloading._text
        desk = self._app._desk
        desk.sessions._clock = lambda: time.monotonic() + self._ahead
        desk._locks._clock = lambda: time.monotonic() + self._unlocked
        self._app.clock._wall = lambda: time.time_ns() + round(self._jump * SECOND)  # type: ignore[attr-defined]
        self._flight.until(lambda: first_cue(self._app), BEGIN_S)
        self._flying = threading.Event()
        self._pilot = threading.Thread(target=self._fly, daemon=True)
        self._pilot.start()
        self._here = self._app.address.rstrip("/")
        self._callers = [Caller(self._undo.enter_context(Browser(self._here))) for _ in range(5)]
        self._pool = self._undo.enter_context(ThreadPoolExecutor(4))

    def _more(self) -> str:
        """Return what is said of others than the brigade."""
        return f"""
[outputs]
sender = "warning.example.org"
[[partners]]
name = "scouts"
address = "{self._sinks["scouts"].address}"
[[recipients]]
name = "file"
kind = "cap"
url = "file://{self._path / "cap"}"
actual = true
in_exercise = true
[[recipients]]
name = "map"
kind = "cot"
url = "{self._sinks["map"].address}"
actual = true
in_exercise = true
"""

    def _fly(self) -> None:
        while not self._flying.wait(0.1):
            self._flight.send()

    def run(self, seconds: float, most: int = 1 << 30) -> None:
        """Do random things for some seconds."""
        draws: dict[Callable[[Caller], None], int] = {
            self._login: 10, self._prove: 20, self._look: 16, self._decide: 26, self._twice: 6, self._act: 14,
            self._noise: 14, self._logout: 2, self._later: 2, self._people: 2, self._reload: 1, self._step: 1,
        }  # fmt: skip
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.counts["requests"] < most:
            (draw,) = self._rng.choices(list(draws), list(draws.values()))
            draw(self._rng.choice(self._callers))
        self.counts["seconds"] += round(seconds)

    def _now(self) -> float:
        return time.monotonic() + self._ahead

    def _post(self, caller: Caller, path: str, body: Any, spoil: bool = False) -> httpx.Response:
        """Post as a page does; or with something wrong with it: then it may do nothing."""
        self.counts["requests"] += 1
        if not spoil:
            return caller.browser.send_json(path, body)
        self.counts["spoilt"] += 1
        answer = spoilt(self._rng, caller.browser, path, body, [one.browser for one in self._callers])
        assert answer.status_code not in (200, 409), f"{path}: {answer.status_code} for a request that is not right"
        assert answer.status_code < 500, answer.text
        return answer

    def _login(self, caller: Caller) -> None:
        rng = self._rng
        self._unlocked += 1000.0
        name, right = rng.choices(list(PEOPLE), (4, 2, 1, 1))[0], rng.random() < 0.85
        answer = caller.browser.login(name, PASSWORD if right else "wrong horse battery")
        self.counts["requests"] += 1
        ok = right and name in self._roles
        assert (answer.status_code == 200) == ok, (name, answer.text)
        if ok:
            caller.name, caller.alive, caller.proof, caller.shown = name, True, None, {}

    def _logout(self, caller: Caller) -> None:
        assert (self._post(caller, "/api/logout", {}).status_code == 200) == caller.alive
        caller.alive = False

    def _prove(self, caller: Caller) -> None:
        self._unlocked += 1000.0
        right, spoil = self._rng.random() < 0.8, self._rng.random() < 0.1
        began = self._now()
        answer = self._post(caller, "/api/prove", {"password": PASSWORD if right else "wrong"}, spoil)
        if not spoil:
            assert (answer.status_code == 200) == (right and caller.alive), answer.text
            if answer.status_code == 200:
                caller.proof = began

    def _look(self, caller: Caller) -> None:
        cue = first_cue(self._app)
        track = cue.track if cue and self._rng.random() < 0.9 else self._rng.randrange(-1, 5)
        spoil = self._rng.random() < 0.1
        answer = self._post(caller, "/api/cue", {"track": track}, spoil)
        if not spoil and answer.status_code == 200:
            assert caller.alive
            assert self._mode is Mode.LIVE
            digest = answer.json()["digest"]
            caller.shown.pop(digest, None)
            caller.shown[digest] = time.monotonic()
            while len(caller.shown) > KEPT:
                del caller.shown[next(iter(caller.shown))]

    def _asked(self, caller: Caller) -> dict[str, Any]:
        """Draw what somebody decides, most often rightly: as a person does it, look, password, decision."""
        rng = self._rng
        if rng.random() < 0.75:
            if not caller.alive:
                self._login(caller)
            self._look(caller)
            if rng.random() < 0.9:
                self._prove(caller)
        others = [digest for one in self._callers for digest in one.shown] or ["0" * 32]
        digest = [*caller.shown][-1] if caller.shown and rng.random() < 0.85 else rng.choice([*others, "", "0" * 32])
        return {"partner": rng.choice(("brigade", "brigade", "scouts", "scouts", "nobody")), "digest": digest}

    def _may(self, caller: Caller, asked: dict[str, Any]) -> str:
        """Return why nothing may come of a decision; "" it may. It uses up what was proved, if it comes so far."""
        lacks = {
            "not live": self._mode is not Mode.LIVE,
            "no session": not caller.alive,
            "role": self._roles.get(caller.name) not in MAY,
            "never shown": asked["digest"] not in caller.shown,
        }
        if why := next((why for why, true in lacks.items() if true), ""):
            return why
        proof, caller.proof = caller.proof, None
        lacks = {
            "no proof": proof is None or self._now() - proof > FRESH,
            "shown too long ago": time.monotonic() - caller.shown[asked["digest"]] > STALE + 1.0,
            "partner": asked["partner"] not in self._at,
        }
        return next((why for why, true in lacks.items() if true), "")

    def _decide(self, caller: Caller) -> None:
        asked = self._asked(caller)
        if self._rng.random() < 0.15:
            self._post(caller, "/api/handover", asked, spoil=True)
            return
        why = self._may(caller, asked)
        self._judge([self._post(caller, "/api/handover", asked)], caller, asked, why)

    def _twice(self, caller: Caller) -> None:
        """The same several times at once, or to both partners, with one proof: of all of them one may hold."""
        asked = self._asked(caller)
        why = self._may(caller, asked)
        each = [asked, asked, {**asked, "partner": "scouts"}, asked][: self._rng.randrange(2, 5)]
        answers = list(self._pool.map(lambda one: self._post(caller, "/api/handover", one), each))
        done = [one for one, answer in zip(each, answers, strict=True) if answer.status_code == 200]
        if why == "partner":  # another of them has one that is there
            why = ""
        self.counts["at once"] += 1
        self._judge(answers, caller, done[0] if done else asked, why)

    def _judge(self, answers: list[httpx.Response], caller: Caller, asked: dict[str, Any], why: str) -> None:
        done = [one for one in answers if one.status_code == 200]
        assert all(one.status_code in (200, 401, 403, 404, 409) for one in answers), [one.text for one in answers]
        assert len(done) <= 1, "one proof, two decisions"
        assert not (done and why), f"handed over, but {why}"
        self.counts[f"decided: {why or ('accepted' if done else 'refused by the engine')}"] += 1
        if done:
            self._accepted.append((asked["partner"], caller.name))
            self._places.append(self._at[asked["partner"]])

    def _act(self, caller: Caller) -> None:
        rng, cue = self._rng, first_cue(self._app)
        picture = self._app.publisher.latest.picture  # type: ignore[union-attr]
        number, label = (cue.track, cue.label) if cue else (1, 1)
        partner, lasts = rng.choice(("brigade", "scouts", "nobody")), rng.choice((1, 3))
        acts: list[dict[str, Any]] = [
            {"type": "Categorise", "track": number, "label": label, "category": rng.choice(list(Category)),
             "reason": "seen"},
            {"type": "Uncategorise", "track": number, "reason": "not so"},
            {"type": "AllowFeed", "partner": partner, "purpose": "watch", "until": picture.time + lasts * SECOND},
            {"type": "EndFeed", "partner": partner},
            {"type": "Decided", "partner": partner}, {"type": "HandOver", "partner": partner},
        ]  # fmt: skip
        act, spoil = rng.choice(acts), rng.random() < 0.1
        answer = self._post(caller, "/api/acts", act, spoil)
        if spoil or answer.status_code != 200:
            assert spoil or answer.status_code in (401, 403, 409, 422), answer.text
            return
        self.counts["acts"] += 1
        least = Role.SUPERVISOR if act["type"] == "AllowFeed" else Role.OPERATOR
        assert caller.alive
        assert self._roles[caller.name] >= least
        assert act["type"] not in ("Decided", "HandOver")
        if act["type"] == "AllowFeed":
            now = time.monotonic()
            self._feeds.setdefault(partner, []).append([now - 1.0, now + lasts])

    def _noise(self, caller: Caller) -> None:
        self.counts["requests"] += 1
        noise(self._rng, caller.browser, [wire.address for wire in self._app.wires])

    def _later(self, _: Caller) -> None:
        self._ahead += self._rng.choice((30.0, 59.0, 61.0))

    def _people(self, _: Caller) -> None:
        """Somebody's role changes, or he is shut out or let in: his sessions end."""
        name, rng = self._rng.choice(list(PEOPLE)), self._rng
        users = self._path / "users.toml"
        if name not in self._roles:
            change.set_disabled(users, name, disabled=False)
            self._roles[name] = self._was
        elif rng.random() < 0.3 and len(self._roles) == len(PEOPLE):
            self._was = self._roles.pop(name)
            change.set_disabled(users, name, disabled=True)
        else:
            self._roles[name] = PEOPLE[name] if rng.random() < 0.6 else rng.choice(list(Role))
            change.set_role(users, name, self._roles[name])
        for caller in self._callers:
            caller.alive = caller.alive and caller.name != name

    def _reload(self, _: Caller) -> None:
        """A partner is gone, has moved, or is back."""
        text, self._at = self._text, {"brigade": "brigade", "scouts": "scouts"}
        if self._rng.random() < 0.3:
            text = text.replace('name = "scouts"', 'name = "rangers"')
            self._at = {"brigade": "brigade", "rangers": "scouts"}
        if self._rng.random() < 0.3:
            text = text.replace(self._sinks["brigade"].address, self._sinks["moved"].address)
            self._at["brigade"] = "moved"
        self._app.reload(text)
        self.counts["reloads"] += 1

    def _step(self, _: Caller) -> None:
        self._jump += self._rng.choice((-100.0, -2.0, 2.0, 100.0))
        self.counts["clock jumps"] += 1

    def _program(self) -> None:
        """Past the desk, straight to the engine: in a picture that is not live it does nothing."""
        cue = first_cue(self._app)
        if cue is not None and self._mode is not Mode.LIVE:
            wanted = HandOver("brigade", cue, "", self._app.clock.now())
            assert self._app.act(Person("Olena", Role.SUPERVISOR, "s"), wanted).result(10).refused

    def close(self) -> Counter[str]:
        """End all; compare people's decisions, the record, and what came to partners. Return what was done."""
        try:
            self._program()
            time.sleep(1.5)
            self._flying.set()
            self._pilot.join()
            self._flight.socket.close()
            self._flight.finder.close()
            self._app.stop()
            time.sleep(0.3)
            kept = Kept(self._mode, self._accepted, self._places, self._feeds)
            self.counts += compare(self._path, self._sinks, kept)
        finally:
            self.leave()
        return self.counts

    def leave(self) -> None:
        """Let go of everything."""
        self._flying.set()
        self._pilot.join()
        self._undo.close()


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """Let a password cost nothing, so that thousands are compared."""
    before = password.COST
    password.COST = CHEAP
    try:
        yield
    finally:
        password.COST = before


def case(directory: Path, mode: Mode, seed: int, seconds: float) -> Counter[str]:
    """Run one installation; return what was done."""
    with cheap_passwords():
        door = Door(directory, mode, seed)
        try:
            door.run(seconds)
        except BaseException:
            door.leave()
            raise
        return door.close() + Counter({"installations": 1})
