"""The errors of the package, one class for each exit code of the command."""

from __future__ import annotations

from dataclasses import dataclass

from ._names import ERROR_NAMES


class EmbedWarning(UserWarning):
    """A warning of the program."""


@dataclass(frozen=True)
class Place:
    """A place in the input where something is wrong; lines count from 1."""

    file: str
    line: int | None = None
    column: str | int | None = None


class EmbedError(Exception):
    """An error that a user can act upon: the message says what was expected, what was found and what to try next."""

    exit_code = 1

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.place = place


class UsageError(EmbedError):
    """An invalid option or value, or options that do not go together."""

    exit_code = 64


class NodeError(UsageError):
    """No version of Node that can run the program was found."""


class DataError(EmbedError):
    """The input is malformed; ``place`` has file, line and column."""

    exit_code = 65


class NoRowsError(DataError):
    """The input has no row that can be used."""


class NoInputError(EmbedError):
    """An input does not exist."""

    exit_code = 66


class OutputError(EmbedError):
    """The output exists already (``force=True`` replaces it), or cannot be created."""

    exit_code = 73


class IoError(EmbedError):
    """Reading or writing failed, or the system is out of memory, threads or file handles."""

    exit_code = 74


class LockedError(EmbedError):
    """Another process is writing to the same place."""

    exit_code = 75


class ConfigError(EmbedError):
    """An invalid config or pipeline file."""

    exit_code = 78


class DivergedError(EmbedError):
    """The training diverged; nothing was written."""

    exit_code = 80


class GateError(EmbedError):
    """A gate failed; nothing was published."""

    exit_code = 81


class ArtifactError(EmbedError):
    """A run or dataset is damaged, or of another version."""

    exit_code = 82


_CLASSES = {
    one.__name__: one
    for one in (
        UsageError, DataError, NoRowsError, NoInputError, OutputError, IoError,
        LockedError, ConfigError, DivergedError, GateError, ArtifactError,
    )
}  # fmt: skip


def error_of(exit_code: int, name: str | None, message: str, place: Place | None) -> Exception:
    """Returns the exception for a failed command, by class or exit code; a RuntimeError for a bug of the program."""
    found = _CLASSES.get(name or ERROR_NAMES.get(exit_code, ""))
    if found is not None:
        return found(message, place)
    if exit_code < 0:
        advice = "; the system may have been out of memory" if exit_code == -9 else ""
        return IoError(f"the program was ended by signal {-exit_code}{advice}")
    if exit_code in (129, 143):
        return IoError("the program was ended by a signal: no output was written")
    return RuntimeError(message or f"the program ended with {exit_code}")
