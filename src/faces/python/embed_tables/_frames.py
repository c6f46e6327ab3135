"""Passes data frames to the program and back: a log as a Parquet file in a temporary folder, and rows as a DataFrame.

A folder is locked while its call runs. A call also removes the folders of killed calls, which nobody locks any more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path as _FilePath
from typing import Any, Union

from ._errors import DataError, EmbedError, IoError, NoRowsError, UsageError
from ._names import ID_NAMES
from ._process import Path

#: a log: a path, a pandas or polars DataFrame, a pyarrow Table or RecordBatchReader
Log = Union[Path, Any]
#: a log, or a list of paths that are read as one log
Logs = Union[Log, Sequence[Path]]

#: prefix of the names of temporary folders
PREFIX = "embed-python-"
#: seconds after which a folder that nobody locks is regarded as left by a killed call
_OLD = 3600


@contextlib.contextmanager
def temporary_folder() -> Iterator[_FilePath]:
    """Provides a folder that is removed when the call ends or, if the process is killed, by a later call."""
    _remove_leftovers()
    while True:
        folder = _FilePath(tempfile.mkdtemp(prefix=PREFIX))
        lock = open(folder / "lock", "w")
        # another call may have removed the folder before it was locked
        if _take(lock) and (folder / "lock").exists():
            break
        lock.close()
    try:
        yield folder
    finally:
        lock.close()
        shutil.rmtree(folder, ignore_errors=True)


def _take(lock: Any) -> bool:
    """Locks an open file. Windows needs no lock, because it does not remove a file that is open."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_leftovers() -> None:
    with contextlib.suppress(OSError):
        for folder in _FilePath(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                _remove_leftover(folder)


def _remove_leftover(folder: _FilePath) -> None:
    lock = folder / "lock"
    if not lock.exists():
        if time.time() - folder.stat().st_mtime > _OLD:
            shutil.rmtree(folder, ignore_errors=True)
        return
    if sys.platform == "win32":
        lock.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        return
    with lock.open("r+") as held:
        if _take(held):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def handed_over(names: Sequence[str], given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the arguments with each frame replaced by the path of a file, which exists until the context ends."""
    frames = [name for name in names if is_frame(given.get(name))]
    if not frames:
        yield dict(given)
        return
    with temporary_folder() as folder:
        paths = dict(given)
        for name in frames:
            paths[name] = folder / f"{name}.parquet"
            _write(given[name], paths[name], given)
        try:
            yield paths
        except EmbedError as error:
            raise _about_frames(error, {name: paths[name] for name in frames}) from None


def _about_frames(error: EmbedError, paths: Mapping[str, _FilePath]) -> EmbedError:
    """Returns the error with the names of arguments instead of the temporary files that stand for them."""
    message, place = str(error), error.place
    for name, path in paths.items():
        message = message.replace(f"'{path}'", f"'{name}'").replace(str(path), name)
        if place and place.file == str(path):
            place = replace(place, file=name)
    return type(error)(message, place)


def is_frame(value: Any) -> bool:
    """Returns whether a value is a frame, which holds rows itself, and not a path."""
    return hasattr(value, "__arrow_c_stream__") or _module_of(value) in ("pandas", "polars", "pyarrow")


def is_polars(value: Any) -> bool:
    """Returns whether a value is a frame of polars, in which case results are polars frames, too."""
    return _module_of(value) == "polars"


def _module_of(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def _write(frame: Any, path: _FilePath, given: Mapping[str, Any]) -> None:
    kind = _module_of(frame)
    if hasattr(frame, "collect_schema") and not hasattr(frame, "to_arrow"):
        raise UsageError("the log is a LazyFrame: call its collect() first")
    if kind == "pandas":
        _check_pandas(frame)
    try:
        if kind == "polars" and find_spec("pyarrow") is None:
            _check_columns({name: str(one).lower() for name, one in frame.schema.items()}, given)
            numbers = frame.height
            frame.write_parquet(path, compression="uncompressed")
        else:
            numbers = _write_arrow(frame, path, given)
    except OSError as error:
        raise IoError(f"writing the frame to '{path}' failed: {error}") from error
    if numbers == 0:
        raise NoRowsError("the frame has no row")


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageError(
            "a frame is handed over by pyarrow, which is not installed: pip install pyarrow, or pass the path of a file"
        ) from None
    return pyarrow


def _write_arrow(frame: Any, path: _FilePath, given: Mapping[str, Any]) -> int:
    arrow = _pyarrow()
    if isinstance(frame, (arrow.RecordBatchReader, arrow.Table)):
        batches = frame
    elif isinstance(frame, arrow.RecordBatch):
        batches = arrow.Table.from_batches([frame])
    elif _module_of(frame) == "pandas":
        batches = _from_pandas(arrow, frame)
    elif hasattr(frame, "__arrow_c_stream__"):
        batches = arrow.RecordBatchReader.from_stream(frame)
    else:
        raise UsageError(f"expected a path or a frame, got {type(frame).__name__}")
    schema = batches.schema
    if len(set(schema.names)) < len(schema.names):
        raise DataError(f"two columns are called {_first_twice(schema.names)!r}: rename one of them")
    _check_columns({field.name: _kind(arrow, field.type) for field in schema}, given)
    # milliseconds are the unit in which the program reads times; compression and statistics take time but do not help a
    # file that is read only once
    how = {
        "compression": "none",
        "write_statistics": False,
        "store_schema": False,
        "coerce_timestamps": "ms",
        "allow_truncated_timestamps": True,
    }
    rows = 0
    try:
        with arrow.parquet.ParquetWriter(path, schema, **how) as writer:
            if isinstance(batches, arrow.Table):
                writer.write_table(batches, row_group_size=1 << 20)
                return int(batches.num_rows)
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
    except arrow.ArrowException as error:
        raise DataError(f"the frame cannot be written as Parquet: {error}") from error
    return rows


def _check_pandas(frame: Any) -> None:
    if not hasattr(frame, "columns"):
        raise UsageError(f"expected a path or a frame, got {type(frame).__name__}")
    names = list(frame.columns)
    if not names:
        raise DataError("the frame has no columns")
    for name in names:
        if not isinstance(name, str):
            raise DataError(f"a column is called {name!r}: names must be texts, as in df.columns = ['user', 'item']")
    if len(set(names)) < len(names):
        raise DataError(f"two columns are called {_first_twice(names)!r}: rename one of them")
    index = [name for name in frame.index.names if name is not None]
    if index or frame.index.nlevels > 1:
        what = f"the index {', '.join(map(repr, index))} is" if index else "a MultiIndex is"
        raise DataError(f"{what} no column, so it would be lost: call df.reset_index() first (drop=True drops it)")


def _from_pandas(arrow: Any, frame: Any) -> Any:
    try:
        return arrow.Table.from_pandas(frame, preserve_index=False)
    except (arrow.ArrowException, TypeError, ValueError, OverflowError) as error:
        for name in frame.columns:
            kinds = frame[name].map(type)
            first = kinds.iloc[0] if len(kinds) else None
            missing = frame[name].isna()
            there = kinds[~missing]
            if there.nunique() > 1:
                first = there.iloc[0]
                row = int((there != first).to_numpy().argmax())
                raise DataError(
                    f"column {name!r} holds values of several types, such as {first.__name__} and "
                    f"{there.iloc[row].__name__}: make them one, as in df[{name!r}] = df[{name!r}].astype(str)"
                ) from error
        raise DataError(f"the frame cannot be written as Parquet: {error}") from error


def _kind(arrow: Any, type_: Any) -> str:
    types = arrow.types
    if types.is_dictionary(type_):
        return _kind(arrow, type_.value_type)
    if types.is_floating(type_):
        return "float"
    if types.is_duration(type_) or types.is_time(type_) or types.is_interval(type_):
        return "duration"
    return "other"


def _check_columns(kinds: Mapping[str, str], given: Mapping[str, Any]) -> None:
    """Rejects columns that the program would read with another meaning than they have in the frame."""
    if not kinds:
        raise DataError("the frame has no columns")
    for name, kind in kinds.items():
        if kind.startswith(("duration", "time(", "time64")) or kind == "time":
            raise DataError(
                f"column {name!r} holds durations: pass a number of seconds, as in df[{name!r}].dt.total_seconds(), "
                "or leave the column out"
            )
    for role, known in ID_NAMES.items():
        column = given.get(role) or _named(kinds, known)
        if isinstance(column, str) and kinds.get(column, "").startswith("float"):
            raise DataError(
                f"column {column!r} is the {role} and holds floating-point numbers: ids above 2^53 have lost digits, "
                f"and pandas makes floats of integers where cells are missing. Use df[{column!r}].astype('Int64'), or "
                "read the ids with dtype='Int64' or dtype=str"
            )


def _named(columns: Mapping[str, str], known: Sequence[str]) -> str | None:
    """Returns the column that is taken for ids by its name: the one whose name comes first in `known`."""
    plain = {name: "".join(c for c in name.lower() if c not in " \t_-.") for name in columns}
    found = [name for name in columns if plain[name] in known]
    return min(found, key=lambda name: known.index(plain[name]), default=None)


def _first_twice(names: Sequence[str]) -> str:
    seen: set[str] = set()
    return next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]


def check_reader() -> None:
    """Raises an error before any work if no package is installed that can read the result as a DataFrame."""
    if find_spec("polars") is None and find_spec("pyarrow") is None:
        raise UsageError(
            "a DataFrame takes pyarrow or polars, and neither is installed: pip install pyarrow, or name a file as out"
        )


def read_frame(path: Path, as_polars: bool = False) -> Any:
    """Reads a Parquet file as a polars DataFrame if preferred or if pandas is missing, else as a pandas one."""
    if find_spec("polars") and (as_polars or not find_spec("pandas")):
        import polars

        return polars.read_parquet(os.fspath(path), memory_map=False)
    table = _pyarrow().parquet.read_table(os.fspath(path), memory_map=False)
    return table.to_pandas() if find_spec("pandas") else table


def frame_of(columns: Mapping[str, Any]) -> Any:
    """Returns columns as a DataFrame of pandas, else of polars, else as a table of pyarrow, else as a dict."""
    if find_spec("pandas"):
        import pandas

        return pandas.DataFrame(dict(columns))
    if find_spec("polars"):
        import polars

        return polars.DataFrame(dict(columns))
    if find_spec("pyarrow"):
        return _pyarrow().table(dict(columns))
    return dict(columns)
