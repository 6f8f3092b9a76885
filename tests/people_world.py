"""People, a server at which they log in, and an engine that only remembers what it was told."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from service_samples import publishing

from skywarden.model.act import Act, Person, Role
from skywarden.model.advice import Verdict
from skywarden.model.assessment import Category
from skywarden.model.raid import Kind
from skywarden.service.engine import Effect
from skywarden.service.people import change, desk, password
from skywarden.service.people.desk import Desk
from skywarden.service.people.routes import routes
from skywarden.service.server import Server, serve

PASSWORD = "correct horse battery"
CHEAP = password.Cost(8, 1, 1)  # so that tests are quick
ACTS: dict[str, dict[str, Any]] = {
    "Acknowledge": {"position": "", "raid": 1, "seen": 5},
    "Shelve": {"position": "", "site": "A", "kind": Kind.DRONES, "direction": "E", "until": 9, "reason": "test"},
    "Unshelve": {"position": "", "site": "A", "kind": Kind.DRONES, "direction": ""},
    "Categorise": {"track": 1, "label": 2, "category": Category.NEUTRAL, "reason": "seen"},
    "Uncategorise": {"track": 1, "reason": "a mistake"},
    "AllowFeed": {"partner": "brigade", "purpose": "joint watch", "until": 9},
    "EndFeed": {"partner": "brigade"},
    "AnswerAdvice": {"advice": 1, "verdict": Verdict.REFUSED, "unit": "", "reason": "road is mined"},
    "Quarantine": {"sensor": "hill", "until": 9, "reason": "its mast is bent"},
    "Unquarantine": {"sensor": "hill", "reason": "mended"},
    "Trust": {"sensor": "hill", "until": 9, "reason": "checked on the spot"},
    "Untrust": {"sensor": "hill", "reason": "it was not"},
}
ACKNOWLEDGE = {"type": "Acknowledge", **ACTS["Acknowledge"]}


class Clock:
    """A clock that is put on by hand, s."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Told:
    """What would go to the engine. effect: what comes of it; None: nothing ever."""

    def __init__(self) -> None:
        self.acts: list[tuple[Person, Act]] = []
        self.effect: Effect | BaseException | None = Effect("", True)
        self.futures: list[Future[Effect]] = []

    def __call__(self, person: Person, act: Act) -> "Future[Effect]":
        self.acts.append((person, act))
        done: Future[Effect] = Future()
        self.futures.append(done)
        if isinstance(self.effect, BaseException):
            done.set_exception(self.effect)
        elif self.effect is not None:
            done.set_result(self.effect)
        return done


class World:
    """A server with a desk. path: the file of people; clock: of its locks and sessions."""

    def __init__(self, path: Path) -> None:
        self.path, self.told, self.clock = path, Told(), Clock()
        self.desk = Desk(path, self.told)
        self.desk._locks = desk.Locks(self.clock)
        self.desk.sessions = desk.Sessions(self.clock)
        self.server: Server | None = None
        self.browsers: list[Browser] = []

    def add(self, name: str = "Olena", role: Role = Role.OPERATOR) -> None:
        change.add(self.path, name, role, PASSWORD)

    def browser(self) -> "Browser":
        assert self.server is not None
        self.browsers.append(Browser(f"http://127.0.0.1:{self.server.port}"))
        return self.browsers[-1]


@contextmanager
def world(path: Path) -> Iterator[World]:
    """Run a server for people in a file."""
    made = World(path)
    made.server = serve(publishing(), "127.0.0.1", 0, people=routes(made.desk, None))
    try:
        yield made
    finally:
        for browser in made.browsers:
            browser.close()
        made.server.stop()
        made.desk.close()


class Browser(httpx.Client):
    """What a page of ours does. csrf: once it is logged in."""

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__(base_url=address, trust_env=False, timeout=20, **options)
        self.here, self.csrf = address, ""

    def send_json(self, path: str, body: Any, without: str = "", **headers: str) -> httpx.Response:
        """Post as a page does, without one header or with others."""
        usual = {"Origin": self.here, "X-CSRF-Token": self.csrf}
        sent = {name: value for name, value in usual.items() if name.lower() != without.lower()}
        return self.post(path, json=body, headers={**sent, **headers})

    def login(self, name: str = "Olena", password: str = PASSWORD) -> httpx.Response:
        answer = self.send_json("/api/login", {"name": name, "password": password})
        if answer.status_code == 200:
            self.csrf = answer.json()["csrf"]
        return answer

    def act(self, name: str = "Acknowledge", **others: Any) -> httpx.Response:
        return self.send_json("/api/acts", {"type": name, **ACTS[name], **others})
