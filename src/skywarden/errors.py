"""Every error skywarden raises on purpose, by whose fault it is.

Catch `SkywardenError` to catch them all. Each says what to do next.
"""


class SkywardenError(Exception):
    """Base class; never raised itself."""


class ConfigError(SkywardenError):
    """A setting is missing, unknown or out of range: ours or the operator's. Raised only at start.

    where: the dotted key ("sites[2].radius_m"); line: in the TOML file, 0 when unknown.
    """

    def __init__(self, message: str, where: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.where = where
        self.line = line


class DecodeError(SkywardenError, ValueError):
    """One message does not follow its format: the sensor's fault.

    reason: one word of `model.detection.Reason`, counted per source. detail: for a person.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class RecordError(SkywardenError):
    """The record cannot be written or read: a full disk, a gap, a newer format."""


class PeopleError(SkywardenError):
    """The file of people is not as it must be, or what was asked of it cannot be done."""


class StoppedError(SkywardenError):
    """The engine has ended: nothing comes of what it is told any more."""


class WorkError(SkywardenError):
    """A process that did a part of the work was ended by somebody else, as systems do that run out of memory."""


class TableError(SkywardenError, ValueError):
    """A table that is to be scored cannot be read: the fault of who wrote it.

    file: its kind ("tracks.csv"); line: counted from 1, 0 when it is not one line's fault; column: its name, "" when
    it is not one column's fault.
    """

    def __init__(self, message: str, file: str, line: int = 0, column: str = "") -> None:
        where = ", ".join([file, *([f"line {line}"] if line else []), *([f"column {column}"] if column else [])])
        super().__init__(f"{where}: {message}")
        self.said = message
        self.file = file
        self.line = line
        self.column = column

    def at(self, path: str) -> "TableError":
        """Return the same error with the path of the file, for where there are several of its kind."""
        return TableError(self.said, path, self.line, self.column)


class MismatchError(SkywardenError, ValueError):
    """A system's table and the truth have no time in common, so there is nothing to score.

    truth, tracks: first and last time of each, ns since 1970. file: the table's kind ("tracks.csv").
    """

    def __init__(self, message: str, truth: tuple[int, int], tracks: tuple[int, int], file: str = "tracks.csv") -> None:
        super().__init__(f"{file}: {message}")
        self.said = message
        self.file = file
        self.truth = truth
        self.tracks = tracks

    def at(self, path: str) -> "MismatchError":
        """Return the same error with the path of the file."""
        return MismatchError(self.said, self.truth, self.tracks, path)
