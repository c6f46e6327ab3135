"""Converts a call from Python to a command line: positional arguments, flags, frames as files, and the result."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from ._errors import UsageError
from ._frames import PREFIX, check_reader, handed_over, is_polars, read_frame, temporary_folder
from ._process import run


@dataclass(frozen=True)
class Spec:
    """Describes how the arguments of a function become a command line."""

    command: str
    #: names of the positional arguments, which come before the options
    words: tuple[str, ...]
    #: options that may be given several times
    repeats: tuple[str, ...]
    #: options that may be given several times and take names separated by commas
    commas: tuple[str, ...]
    #: options whose value False becomes the flag --no-NAME
    negated: tuple[str, ...]
    #: arguments that may be frames, with the form in which each is handed over (handed_over)
    frames: Mapping[str, str]
    #: options that have no value
    switches: tuple[str, ...]
    #: words that are values, by option
    choices: Mapping[str, tuple[str, ...]]


def call_json(spec: Spec, given: Mapping[str, Any]) -> Any:
    """Calls a command, and returns the value that --json prints."""
    return json.loads(_call(spec, given, ["--json"]) or b"null")


def call_bytes(spec: Spec, given: Mapping[str, Any]) -> Any:
    """Calls a command that writes a file. Returns the bytes of the file if no `out` is given."""
    return call_json(spec, given) if _has_target(given) else _call(spec, given, [])


def call_frame(spec: Spec, given: Mapping[str, Any]) -> Any:
    """Calls a command that writes rows. Returns the rows as a DataFrame if no `out` is given."""
    if _has_target(given):
        return call_json(spec, given)
    if given.get("format") not in (None, "parquet"):
        return _call(spec, given, [])
    check_reader()
    with temporary_folder() as folder:
        out = folder / "rows.parquet"
        _call(spec, {**given, "out": out, "format": "parquet"}, ["--json"])
        return read_frame(out, is_polars(given.get("log")))


def _has_target(given: Mapping[str, Any]) -> bool:
    return given.get("out") is not None or given.get("url_env") is not None


def _call(spec: Spec, given: Mapping[str, Any], more: list[str]) -> bytes:
    with handed_over(spec.frames, given) as (paths, files):
        words = [text for name in spec.words for text in _texts(name, paths.get(name))]
        flags = [flag for name, value in paths.items() if name not in spec.words for flag in _flags(spec, name, value)]
        for text in (*words, *flags):
            if "\0" in text:
                raise UsageError(f"{text!r} contains NUL, which no path or option may contain")
        after_dashes = any(word.startswith("-") and word != "-" for word in words)
        line = [*flags, *more, "--", *words] if after_dashes else [*words, *flags, *more]
        saves = given.get("on_interrupt") == "save"
        return run([spec.command, *line], saves, lambda text: in_python(text, spec, files))


#: a command, which stays as it is typed, or a flag and perhaps its value
_TYPED = re.compile(
    r"(?P<command>\bembed [a-z][a-z0-9-]*(?: (?:--?[a-z][a-z-]*|[A-Z][\w.]*|'[^']*'|\d[\w.]*)(?:=[^\s,;:]*)?)*)"
    r"|(?<![\w=./-])(?:--(?P<no>no-)?(?P<name>[a-z][a-z0-9-]*)|-o\b)"
    r"(?:[ =](?P<value>[A-Z][A-Z:=]*\b|\d[\w.]*|[a-z][\w-]*|'[^']*'))?"
)
#: the file of a frame that an earlier call handed over
_LOST = re.compile(r"'[^']*/" + PREFIX + r"[^']*', recorded in run '[^']*', was not found at '[^']*': restore it there")


def in_python(text: str, spec: Spec, files: Mapping[str, str]) -> str:
    """Returns a message of the program with the names of arguments instead of flags and of the files of frames."""
    for path, name in files.items():
        text = text.replace(f"'{path}'", f"'{name}'").replace(path, name)
    text = _LOST.sub("it was a frame, which is not kept: pass the rows again, or train on a file", text)

    def argument(found: re.Match[str]) -> str:
        if found["command"]:
            return found["command"]
        name, value = (found["name"] or "out").replace("-", "_"), found["value"]
        name = name + "_" if name in ("as", "for", "from") else name
        rest = f" {value}" if value else ""
        if found["no"]:
            return f"{name}=False{rest}"
        if name in spec.switches:
            return f"{name}=True{rest}"
        if value and (value in spec.choices.get(name, ()) or "'" in value):
            return f"{name}={value if chr(39) in value else chr(34) + value + chr(34)}"
        return f"{name}={value}" if value and not value[0].islower() else name + rest

    return _TYPED.sub(argument, text)


def _texts(name: str, value: Any) -> list[str]:
    """Returns the value of a positional argument as words: paths, or keys."""
    if value is None:
        return []
    words = value if isinstance(value, (list, tuple)) else [value]
    for word in words:
        if not isinstance(word, (str, os.PathLike)):
            raise UsageError(f"{name}: expected a path or a frame, got {type(word).__name__}")
    return [os.fspath(word) for word in words]


def _flags(spec: Spec, name: str, value: Any) -> list[str]:
    flag = "--" + name.rstrip("_").replace("_", "-")
    if value is None:
        return []
    if value is True:
        return [] if name in spec.negated else [flag]
    if value is False:
        return [flag.replace("--", "--no-", 1)] if name in spec.negated else []
    if isinstance(value, Mapping):
        if spec.frames.get(name) == "beside":
            return [f"{flag}={_text(name, one)}:{_text(name, key)}" for key, one in value.items()]
        return [f"{flag}={_text(name, key)}:{_text(name, one)}" for key, one in value.items()]
    if isinstance(value, str) or not _is_list(value):
        return [f"{flag}={_text(name, value)}"]
    texts = [_text(name, one) for one in value]
    for text in texts:
        if "," in text and (name in spec.commas or name not in spec.repeats):
            raise UsageError(f"{name}: {text!r} has a comma, which separates names here: rename the column")
    if name in spec.repeats:
        return [f"{flag}={text}" for text in texts]
    # an option that is given once has one text: FROM-TO for the two bounds of hard_negatives, else values with commas
    return [f"{flag}={('-' if name == 'hard_negatives' else ',').join(texts)}"]


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset)) or (hasattr(value, "tolist") and hasattr(value, "ndim"))


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    raise UsageError(f"{name}: expected a text or a number, got {type(value).__name__}")
