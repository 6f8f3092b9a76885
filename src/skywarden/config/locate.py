"""On which line each key of a TOML text stands; tomllib does not say."""

import re
from bisect import bisect_right

Key = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"[ \t\r\n]*(?:#[^\n]*[ \t\r\n]*)*")
_STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\'', re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\n]+")


def dotted(key: Key) -> str:
    """Return a key as people write it: sites[0].radius_m."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def locate(text: str) -> dict[Key, int]:
    """Return key -> line (from 1) of every table, key and list item of a text that tomllib accepts."""
    scan = _Scan(text)
    scan.document()
    return scan.found


class _Scan:
    """Walks the text once. The grammar is not checked: tomllib has done that."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[Key, int] = {}
        self._counts: dict[Key, int] = {}  # arrays of tables -> tables so far
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def document(self) -> None:
        base: Key = ()
        self._space()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                base = self._header()
            else:
                self._pair(base)
            self._space()

    def _header(self) -> Key:
        array = self.text.startswith("[[", self.at)
        line = self._line()
        self.at += 2 if array else 1
        name = self._name()
        self.at += 2 if array else 1
        key = self._inside(name[:-1]) + name[-1:]
        if array:
            self._counts[key] = self._counts.get(key, 0) + 1
            self.found.setdefault(key, line)
            key = (*key, self._counts[key] - 1)
        self.found[key] = line
        return key

    def _inside(self, name: Key) -> Key:
        """Put the index of the latest table behind each array of tables."""
        key: Key = ()
        for part in name:
            key = (*key, part)
            if key in self._counts:
                key = (*key, self._counts[key] - 1)
        return key

    def _name(self) -> Key:
        parts: list[str] = []
        while True:
            self._blank()
            if match := _STRING.match(self.text, self.at):
                parts.append(match.group()[1:-1])
            elif match := _BARE.match(self.text, self.at):
                parts.append(match.group())
            else:
                raise ValueError("not a key")
            self.at = match.end()
            self._blank()
            if not self.text.startswith(".", self.at):
                return tuple(parts)
            self.at += 1

    def _pair(self, base: Key) -> None:
        line = self._line()
        key = base + self._name()
        self.found[key] = line
        self.at += 1  # "="
        self._blank()
        self._value(key)

    def _value(self, key: Key) -> None:
        opening = self.text[self.at]
        match = _STRING.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
        if match and opening not in "[{":
            self.at = match.end()
            return
        self.at += 1
        index = 0
        self._space()
        while self.text[self.at] not in "]}":
            if opening == "{":
                self._pair(key)
            else:
                self.found[(*key, index)] = self._line()
                self._value((*key, index))
                index += 1
            self._space()
            if self.text[self.at] == ",":
                self.at += 1
                self._space()
        self.at += 1

    def _line(self) -> int:
        return bisect_right(self._ends, self.at - 1) + 1

    def _space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _blank(self) -> None:
        while self.text.startswith((" ", "\t"), self.at):
            self.at += 1
