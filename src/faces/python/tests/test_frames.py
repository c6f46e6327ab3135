"""Data frames reach the program unchanged, and columns that would be misread are rejected."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

import embed_tables as et


def events(**columns: object) -> pd.DataFrame:
    rows = 60
    return pd.DataFrame(
        {"user": [f"u{i % 6}" for i in range(rows)], "item": [f"i{i % 5}" for i in range(rows)], **columns}
    )


def keys_of(log: object, tmp_path: Path, **options: object) -> set[str]:
    run = et.train_als(log, out=tmp_path / f"run{time.monotonic_ns()}", dim=2, epochs=1, **options)
    return set(run.keys("item").tolist())


BIG = [2**63 - 1, -(2**63), 9007199254740993, 0, 1]


@pytest.mark.parametrize("kind", ["int64", "Int64", "uint64", "category", "string", "object", "bytes", "nullable"])
def test_ids_are_exact(tmp_path: Path, kind: str) -> None:
    values: list = BIG * 12
    if kind == "uint64":
        values = [2**64 - 1, 2**63 + 1, 5, 6, 7] * 12
    column = {
        "category": lambda: pd.Series(values, dtype="int64").astype("category"),
        "string": lambda: pd.Series(map(str, values), dtype="string"),
        "object": lambda: pd.Series([str(one) for one in values], dtype=object),
        "bytes": lambda: pd.Series([str(one).encode() for one in values], dtype=object),
        "nullable": lambda: pd.Series([*values[:-1], None], dtype="Int64"),
    }.get(kind, lambda: pd.Series(values, dtype=kind))()
    # the row with the missing key is rejected by default
    options = {"on_bad_row": "skip", "max_bad": 0.5} if kind == "nullable" else {}
    assert keys_of(events(item=column), tmp_path, **options) == {str(one) for one in values}


def test_every_kind_of_log_gives_the_same_keys(tmp_path: Path) -> None:
    frame = events()
    table = pa.Table.from_pandas(frame)
    pa.parquet.write_table(table, tmp_path / "log.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    logs = {
        "table": table,
        "reader": pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=7)),
        "batch": table.combine_chunks().to_batches()[0],
        "path": tmp_path / "log.parquet",
        "paths": [str(tmp_path / "a.csv"), str(tmp_path / "a.csv")],
    }
    polars = pytest.importorskip("polars")
    logs["polars"] = polars.from_pandas(frame)
    for name, log in logs.items():
        assert keys_of(log, tmp_path) == set(frame["item"]), name


def test_times_with_zones_and_lists(tmp_path: Path) -> None:
    zoned = pd.date_range("2026-01-01 00:00", periods=60, freq="h", tz="America/New_York")
    tags = [["a", "b"][: 1 + i % 2] for i in range(60)]
    log = events(label=[i % 2 for i in range(60)], time=zoned, tags=tags)
    run = et.train_fm(log, out=tmp_path / "run", dim=2, epochs=1, valid=0.2, fields=["user", "item", "tags"])
    assert set(run.keys("tags").tolist()) == {"a", "b"}
    newest = run.manifest["split"]["newest"]
    assert newest == int(zoned[47].timestamp() * 1000)


@pytest.mark.parametrize("where", ["named", "inferred"])
def test_floats_as_ids_are_refused_with_advice(tmp_path: Path, where: str) -> None:
    log = events(item=[1.0, 2.0, np.nan, 4.0, 5.0] * 12)
    options = {}
    if where == "named":
        log, options = log.rename(columns={"item": "thing"}), {"item": "thing"}
    with pytest.raises(et.DataError, match=r"floating-point.*astype\('Int64'\)"):
        et.train_als(log, out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("log", "error", "match"),
    [
        (events(item=[1, "b", 3, 4, 5] * 12), et.DataError, r"several types, such as int and str.*astype\(str\)"),
        (events().rename(columns={"user": "a", "item": "b"}), et.UsageError, "needs a user column"),
        (pd.concat([events(), events()[["item"]]], axis=1), et.DataError, "two columns are called 'item'"),
        (events().set_index("user"), et.DataError, "reset_index"),
        (events().groupby(["user", "item"]).first(), et.DataError, "reset_index|no columns"),
        (events().head(0), et.NoRowsError, "no row"),
        (pd.DataFrame(), et.DataError, "no columns"),
        (pd.DataFrame([[1, 2]]), et.DataError, "called 0"),
        (events(gap=pd.to_timedelta(range(60), unit="s")), et.DataError, "total_seconds"),
        (pa.table([[1], [2]], names=["item", "item"]), et.DataError, "two columns"),
        (events()["item"], et.UsageError, "got Series"),
        (17, et.UsageError, "expected a path or a frame, got int"),
        ("no-such-file.csv", et.NoInputError, "no-such-file"),
    ],
    ids=lambda value: None,
)
def test_bad_frames(tmp_path: Path, log: object, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        et.train_als(log, out=tmp_path / "run")
    assert not list(tmp_path.glob("*run*"))


def test_a_filtered_frame_needs_no_new_index(tmp_path: Path) -> None:
    assert keys_of(events().query("item != 'i0'"), tmp_path) == {"i1", "i2", "i3", "i4"}


def test_a_folder_as_output_and_as_log(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(et.OutputError):
        et.train_als(events(), out=tmp_path / "there")
    with pytest.raises(et.EmbedError):
        et.train_als(tmp_path / "there", out=tmp_path / "run")
    with pytest.raises(et.NoInputError, match="no run"):
        et.Run(tmp_path / "there")


def test_the_frame_of_a_killed_call_goes_at_the_next(tmp_path: Path, nothing_left: Path) -> None:
    program = f"""
        import os, signal, tempfile
        tempfile.tempdir = {str(nothing_left)!r}
        from embed_tables._frames import temporary_folder
        with temporary_folder() as folder:
            (folder / "log.parquet").write_bytes(b"rows")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path)
    assert len(list(nothing_left.iterdir())) == 1
    keys_of(events(), tmp_path)
    assert list(nothing_left.iterdir()) == []
