"""Settings of one installation: one TOML file in, frozen values out, every mistake named with its line."""

from pathlib import Path

from skywarden.config.address import exposed
from skywarden.config.read import ConfigProblems, parse
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
    "text_of",
]


def load(path: Path) -> Settings:
    """Read a configuration file. Raises ConfigError, also when it cannot be read."""
    return parse(text_of(path))


def text_of(path: Path) -> str:
    """Return the text of a configuration file; the record keeps it. Raises ConfigError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; write one: skywarden config init > {path}") from None
    except UnicodeDecodeError as e:
        raise ConfigError(f"{path} is not UTF-8 text (byte {e.start}); save it as UTF-8") from None
    except OSError as e:
        raise ConfigError(f"{path} cannot be read: {e.strerror}") from None
