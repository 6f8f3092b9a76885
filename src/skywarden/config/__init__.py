"""Settings of one installation: one TOML file in, frozen values out, every mistake named with its line."""

import tomllib
from pathlib import Path
from typing import Any

from skywarden.config.address import exposed
from skywarden.config.read import ConfigProblems, parse
from skywarden.config.recall import recalled, resolved
from skywarden.config.renew import renewed
from skywarden.config.settings import ApiSettings, OutputSettings, RecordSettings, RunSettings, Settings
from skywarden.errors import ConfigError

__all__ = [
    "ApiSettings",
    "ConfigProblems",
    "OutputSettings",
    "RecordSettings",
    "RunSettings",
    "Settings",
    "exposed",
    "load",
    "parse",
    "recalled",
    "renewed",
    "resolved",
    "text_of",
]

DEEPEST = 16  # tables and lists within each other; a right configuration has 4


def load(path: Path) -> Settings:
    """Read a configuration file. Raises ConfigError, also when it cannot be read."""
    return parse(text_of(path))


def text_of(path: Path) -> str:
    """Return the text of a configuration file; the record keeps it. Raises ConfigError when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows editors put a mark before the text
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; write one: skywarden config init > {path}") from None
    except UnicodeDecodeError as e:
        raise ConfigError(f"{path} is not UTF-8 text (byte {e.start}); save it as UTF-8") from None
    except OSError as e:
        raise ConfigError(f"{path} cannot be read: {e.strerror}") from None
    _refuse_nesting(text, path)
    return text


def _refuse_nesting(text: str, path: Path) -> None:
    """Raise ConfigError for what is nested so deeply that a later check would run out of stack."""
    try:
        level: list[Any] = [tomllib.loads(text)]
    except tomllib.TOMLDecodeError:
        return  # `parse` names the line
    except RecursionError:
        raise ConfigError(f"{path} is nested too deeply; no setting needs more than a list in a table") from None
    for _ in range(DEEPEST):
        level = [c for v in level for c in (v.values() if isinstance(v, dict) else v if isinstance(v, list) else ())]
    if level:
        raise ConfigError(f"{path} is nested too deeply; no setting needs more than a list in a table")
