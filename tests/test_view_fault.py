"""A view that cannot be drawn: health says so, and it comes back by itself."""

import io
from pathlib import Path
from typing import Any

import pytest
from inbox_samples import until
from rich.console import Console
from service_samples import published, wires

from skywarden.service import view
from skywarden.service.app import App
from skywarden.service.publish import Publisher
from skywarden.service.view import View


def test_a_view_that_cannot_be_drawn_says_why_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "AGAIN", 0.3)
    monkeypatch.setattr(view, "PERIOD", 0.02)
    render, faults = view.render, [ZeroDivisionError("no room"), ZeroDivisionError()]

    def sometimes(*arguments: Any) -> Any:
        if faults:
            raise faults.pop(0)
        return render(*arguments)

    monkeypatch.setattr(view, "render", sometimes)
    publisher, screen = Publisher(), io.StringIO()
    publisher.publish(published(), [])
    one = View(publisher, "en", Console(file=screen, width=80, height=24, force_terminal=True))
    assert one.fault == ""
    one.start()
    until(lambda: one.fault == "no room")
    until(lambda: one.fault == "ZeroDivisionError")
    until(lambda: one.fault == "" and "Plant A" in screen.getvalue())
    one.stop()
    assert not one._thread.is_alive()


def test_health_says_whether_the_view_is_drawn() -> None:
    def shown(fault: str | None) -> dict[str, Any]:
        return published(wires=wires()[:1], view=fault).health()

    assert (shown(None)["view"], shown(None)["state"]) == (None, "ok")
    assert (shown("")["view"], shown("")["state"]) == ("ok", "ok")
    assert (shown("no room")["view"], shown("no room")["state"]) == ("cannot draw: no room", "degraded")


def test_an_installation_tells_of_its_view(tmp_path: Path) -> None:
    app = App(f'[api]\nlisten = "127.0.0.1:0"\n[record]\npath = "{tmp_path / "record"}"\n')
    app._view = View(app.publisher, "en", Console(file=io.StringIO()))
    app._view.fault = "no room"
    app.start()
    until(lambda: app.publisher.latest is not None)
    assert app.publisher.latest is not None
    assert app.publisher.latest.view == "no room"
    app.stop()
