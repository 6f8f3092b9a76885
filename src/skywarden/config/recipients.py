"""Checks of recipients: what belongs to which kind, areas that there are, nothing open or secret by chance."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from skywarden.config.address import address, is_loopback
from skywarden.config.locate import Key
from skywarden.config.settings import OutputSettings
from skywarden.config.shape import Problem, tables, toml
from skywarden.config.suggest import meant

SENDER = re.compile(r"[A-Za-z0-9._@-]{1,100}")
SAFE = {"http": "https", "mqtt": "mqtts", "tcp": "tls"}
NO_TLS = ("file", "udp", *SAFE)


class Way(NamedTuple):
    """What a kind of recipient takes. first: an example of a url."""

    schemes: tuple[str, ...]
    settings: tuple[str, ...]
    first: str


WAYS: Mapping[str, Way] = {
    "cap": Way(("https", "http", "file"), ("key", "tls_ca"), "https://warning.example.org/cap"),
    "webhook": Way(("https", "http"), ("key", "tls_ca"), "https://hook.example.org/warnings"),
    "mqtt": Way(("mqtts", "mqtt"), ("key", "user", "topic", "tls_ca"), "mqtts://broker.example.org"),
    "cot": Way(("tls", "tcp", "udp"), ("tls_ca",), "udp://239.2.3.1:6969@192.0.2.1"),
    "command": Way((), (), ""),
}
SPECIAL = ("key", "user", "topic", "tls_ca", "plain")


def problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield every mistake of recipients, and of who warns them."""
    known = _areas(data)
    blocks = tables(data, "recipients")
    for index, table in enumerate(blocks):
        key: Key = ("recipients", index)
        kind = table.get("kind")
        if isinstance(kind, str) and kind in WAYS:
            yield from _way(key, kind, table)
        for place, name in enumerate(_texts(table.get("areas"))):
            if name not in known:
                guess = meant(name, known)
                hint = f"; did you mean {toml(guess)}?" if guess else f"; areas are {', '.join(known) or 'none'}"
                yield Problem(
                    (*key, "areas", place), f"= {toml(name)} is no district, nor a site that is in none{hint}"
                )
    yield from _sender(data, any(table.get("actual") is True for table in blocks))


def _areas(data: Mapping[str, Any]) -> list[str]:
    districts = tables(data, "districts")
    inside = {site for district in districts for site in _texts(district.get("sites"))}
    sites = [site["name"] for site in tables(data, "sites") if isinstance(site.get("name"), str)]
    named = [district["name"] for district in districts if isinstance(district.get("name"), str)]
    return [*named, *(site for site in sites if site not in inside)]


def _sender(data: Mapping[str, Any], meant_seriously: bool) -> Iterator[Problem]:
    outputs = data.get("outputs")
    sender = outputs.get("sender") if isinstance(outputs, Mapping) else None
    if isinstance(sender, str) and not SENDER.fullmatch(sender):
        text = f"= {toml(sender)} must be letters, digits and . _ @ - only; write a domain name of yours"
        yield Problem(("outputs", "sender"), text)
    if sender in (None, OutputSettings().sender) and meant_seriously:
        text = 'need a sender of their own: somebody is told for real; write sender = "warning.example.org" (yours)'
        yield Problem(("outputs",), text)


def _way(key: Key, kind: str, table: Mapping[str, Any]) -> Iterator[Problem]:
    way, command, url = WAYS[kind], table.get("command"), table.get("url")
    for name in SPECIAL:
        if name in table and name not in way.settings and not (name == "plain" and way.schemes):
            yield Problem((*key, name), f"is not for kind = {toml(kind)}; leave it out")
    if "key" not in table and "user" in table and kind == "mqtt":
        yield Problem((*key, "user"), "stands without its password; write key = with the name of a file that holds it")
    if kind == "command":
        if url is not None:
            yield Problem((*key, "url"), "is not for a command; leave it out")
        yield from _command(key, command)
        return
    if command:
        yield Problem((*key, "command"), f"is not for kind = {toml(kind)}; leave it out")
    if url is None:
        yield Problem(key, f"has no url; write url = {toml(way.first)}")
    elif isinstance(url, str):
        yield from _url((*key, "url"), url, way, table)


def _command(key: Key, command: Any) -> Iterator[Problem]:
    example = 'command = ["/usr/local/bin/send-mail", "duty@example.org"]'
    if not command:
        yield Problem(key, f"has no command; write {example}")
    elif texts := _texts(command):
        if not texts[0].startswith("/"):
            yield Problem((*key, "command", 0), f"= {toml(texts[0])} must be a whole path: nothing is looked for")
        if any("\0" in text for text in texts):
            yield Problem((*key, "command"), "has a zero character, which no argument may have")


def _url(key: Key, text: str, way: Way, table: Mapping[str, Any]) -> Iterator[Problem]:
    wrong = f"; write for example {toml(way.first)}"
    try:
        url = urlsplit(text)
        host, _ = url.hostname or "", url.port  # asking for a port that is none raises
    except ValueError as error:
        yield Problem(key, f"= {toml(text)} cannot be read ({error}){wrong}")
        return
    if url.scheme not in way.schemes:
        allowed = ", ".join(f"{scheme}://" for scheme in way.schemes)
        yield Problem(key, f"= {toml(text)} must begin with one of {allowed}{wrong}")
    elif url.scheme == "file":
        if host or not url.path.startswith("/"):
            yield Problem(key, f'= {toml(text)} must be a whole path; write "file:///var/spool/cap"')
    elif url.scheme in ("tls", "tcp", "udp"):
        yield from _socket(key, text, table)
    elif not host:
        yield Problem(key, f"= {toml(text)} names no computer{wrong}")
    else:
        yield from _web(key, url, table)


def _web(key: Key, url: SplitResult, table: Mapping[str, Any]) -> Iterator[Problem]:
    if "@" in url.netloc:
        yield Problem(key, "holds a user or password, and would be recorded; use key (a file) instead")
    if not url.netloc.isascii() or not (url.path + url.query).isprintable() or " " in url.path + url.query:
        yield Problem(key, "has a character that a web address may not have; write it as %XX")
    if url.fragment:
        yield Problem(key, f"has a part after #, which is never sent; leave {toml('#' + url.fragment)} out")
    if url.scheme in SAFE and not is_loopback(url.hostname or "") and table.get("plain") is not True:
        yield Problem(key, _open(f'begin it with "{SAFE[url.scheme]}://"'))
    yield from _idle_ca(key, url.scheme, table)


def _socket(key: Key, text: str, table: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        to = address(text)
    except ValueError as error:
        yield Problem(key, f'= {toml(text)} {error}; write "tls://ADDRESS:PORT" or "udp://ADDRESS:PORT"')
        return
    if to.port == 0:
        yield Problem(key, "has port 0; write the one at which it listens")
    if to.scheme != "tls" and to.exposed and table.get("plain") is not True:
        yield Problem(key, _open('begin it with "tls://"'))
    yield from _idle_ca(key, to.scheme, table)


def _idle_ca(key: Key, scheme: str, table: Mapping[str, Any]) -> Iterator[Problem]:
    if "tls_ca" in table and scheme in NO_TLS:
        yield Problem((*key[:-1], "tls_ca"), f"is of no use with {scheme}://; leave it out")


def _open(instead: str) -> str:
    return f"would go to another computer without TLS; {instead}, or plain = true if you trust all who are on the way"


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
