"""Converts a call from Python to a command line: positional arguments, flags, frames as files, and the result."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from ._errors import UsageError
from ._frames import check_reader, handed_over, is_polars, read_frame, temporary_folder
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
    #: options that accept a log, which may be a frame
    logs: tuple[str, ...]


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
    with handed_over(spec.words + spec.logs, given) as paths:
        words = [text for name in spec.words for text in _texts(name, paths.get(name))]
        flags = [flag for name, value in paths.items() if name not in spec.words for flag in _flags(spec, name, value)]
        for text in (*words, *flags):
            if "\0" in text:
                raise UsageError(f"{text!r} contains NUL, which no path or option may contain")
        after_dashes = any(word.startswith("-") and word != "-" for word in words)
        line = [*flags, *more, "--", *words] if after_dashes else [*words, *flags, *more]
        return run([spec.command, *line], saves=given.get("on_interrupt") == "save")


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
