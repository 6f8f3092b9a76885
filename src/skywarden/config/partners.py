"""Partners: where cues go, and whether others can read them on the way."""

from collections.abc import Iterator, Mapping
from typing import Any

from skywarden.config.address import address
from skywarden.config.shape import Problem, tables, toml

FORM = 'write "tcp://ADDRESS:PORT" or "udp://ADDRESS:PORT", for example "tcp://127.0.0.1:8087"'


def problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the addresses of partners."""
    for index, table in enumerate(tables(data, "partners")):
        text, key = table.get("address"), ("partners", index, "address")
        if not isinstance(text, str):
            continue
        try:
            found = address(text)
        except ValueError as error:
            yield Problem(key, f"= {toml(text)} {error}; {FORM}")
            continue
        if found.scheme not in ("tcp", "udp"):
            yield Problem(key, f"= {toml(text)} has no scheme that is known; {FORM}")
        elif found.multicast:
            yield Problem(
                key, f"= {toml(text)} is a group; what goes to a partner goes to it alone: write its own address"
            )
        elif not found.port:
            yield Problem(key, f"= {toml(text)} has port 0, at which nobody listens; {FORM}")
        elif found.exposed and table.get("plain") is not True:
            hint = "send it through a tunnel, or write plain = true if that network may see it"
            yield Problem(key, f"= {toml(text)} would be sent unencrypted to another computer; {hint}")
