"""Arrays and DataFrames of a run equal the output of the command."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import embed_tables as et
from embed_tables._process import command_line

FIXTURES = et.PROGRAM / "fixtures"


def command(*arguments: object) -> bytes:
    line = [*command_line(), *map(str, arguments)]
    return subprocess.run(line, check=True, capture_output=True).stdout


@pytest.mark.parametrize(
    ("trainer", "log", "options"),
    [
        ("train_als", "purchases.csv", {"dim": 8, "epochs": 2, "valid": 0.1}),
        (
            "train_fm",
            "clicks.csv",
            {"dim": 4, "epochs": 2, "fields": ["user_id", "item_id"], "split": "random", "valid": 0.1},
        ),
        ("train_item2vec", "purchases.csv", {"dim": 8, "epochs": 1, "session": "customer_id"}),
    ],
)
def test_the_same_bytes_as_the_command(tmp_path: Path, trainer: str, log: str, options: dict) -> None:
    frame = pd.read_csv(FIXTURES / log)
    run = getattr(et, trainer)(frame, out=tmp_path / "run", **options)
    flags = [
        f"--{name.replace('_', '-')}={','.join(value) if isinstance(value, list) else value}"
        for name, value in options.items()
    ]
    command(trainer.replace("_", "-"), FIXTURES / log, "-o", tmp_path / "typed", *flags)
    typed = et.Run(tmp_path / "typed")
    # compares tables and models only, because the manifest contains the log's path and times, and metrics.jsonl the
    # speed
    names = {name for name in run.manifest["files"] if name.startswith(("embeddings", "model/"))}
    assert names
    for name in names:
        assert run.manifest["files"][name] == typed.manifest["files"][name], name
    assert run.metrics == typed.metrics


def test_vectors_are_those_of_the_exported_table(items: et.Run) -> None:
    csv = pd.read_csv(pd.io.common.BytesIO(et.export_run(items, format="csv", field="item")))
    vectors = items.vectors("item")
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(csv), 8)
    np.testing.assert_allclose(vectors, csv.filter(regex=r"^v\d").to_numpy(), rtol=1e-6)
    assert items.keys("item").tolist() == csv["key"].tolist()
    assert items.counts("item").tolist() == csv["count"].tolist()
    # the array maps the file, and is read-only so that nobody changes the run
    assert isinstance(vectors, np.memmap)
    assert not vectors.flags.writeable
    assert items.fields == ["customer_id", "product_id"]
    assert items.vectors("user").shape[0] == items.manifest["split"].get("users", len(items.keys("customer_id")))


def test_the_table_as_frames(fm: et.Run) -> None:
    frame, table = fm.table("item"), fm.arrow("item")
    assert frame.columns.tolist() == ["key", "count", "weight", "v0", "v1", "v2", "v3"]
    assert table.schema.field("vector").type == pa.list_(pa.float32(), 4)
    assert table["vector"].to_pylist()[3] == frame.loc[3, ["v0", "v1", "v2", "v3"]].tolist()


def test_neighbors_of_one_key_and_of_several(items: et.Run) -> None:
    keys = items.keys("item")
    near = items.neighbors("item", keys[0], top=3)
    assert near.columns.tolist() == ["key", "similarity", "count"]
    assert len(near) == 3
    vectors = items.vectors("item")
    cosine = vectors @ vectors[0] / np.linalg.norm(vectors, axis=1) / np.linalg.norm(vectors[0])
    best = keys[np.argsort(-cosine)[1:4]].tolist()
    assert near["key"].tolist() == best
    both = items.neighbors("item", keys[:2], top=2)
    assert both["query"].tolist() == [keys[0]] * 2 + [keys[1]] * 2


def test_lists_predictions_and_metrics_are_frames(fm: et.Run, items: et.Run, clicks: Path) -> None:
    lists = items.recall(k=3)
    assert lists.columns.tolist() == ["user", "rank", "item", "score"]
    assert lists.groupby("user").size().max() == 3
    frame = pd.read_csv(clicks).head(7)
    predicted = fm.predict(frame, keep=["user", "item"])
    assert predicted["user"].tolist() == frame["user_id"].tolist()
    assert predicted["probability"].between(0, 1).all()
    assert fm.evaluate(part="test").loc[0, "auc"] == pytest.approx(fm.metrics["test"]["auc"])
    assert fm.evaluate(on=pd.read_csv(clicks)).loc[0, "auc"] > 0.6
    trees = et.train_gbdt(clicks, out=fm.path.parent / "trees", num_trees=3, force=True)
    assert len(trees.transform(frame)) == 7


def test_the_frame_of_a_training_is_not_kept(tmp_path: Path, purchases: pd.DataFrame) -> None:
    run = et.train_als(purchases, out=tmp_path / "run", dim=4, epochs=1, test=0.1)
    with pytest.raises(et.EmbedError, match="trained on a frame, which is not kept"):
        run.evaluate(part="test")
    assert run.evaluate(on=purchases.tail(600), repeats="allow").loc[0, "recallAt20"] > 0


def test_a_frame_of_polars_gives_frames_of_polars(fm: et.Run, clicks: Path) -> None:
    polars = pytest.importorskip("polars")
    predicted = fm.predict(polars.read_csv(clicks).head(5))
    assert isinstance(predicted, polars.DataFrame)
    assert predicted.height == 5


def test_layers_have_rows_for_padding_and_unknown_keys(fm: et.Run) -> None:
    keys = fm.keys("item")
    for reserve in ("pytorch", "keras", "fuxictr"):
        table = fm.layer_weights("item", reserve)
        rows = fm.rows("item", [keys[0], None, "never seen", keys[-1]], reserve)
        np.testing.assert_array_equal(table[rows[0]], fm.vectors("item")[0])
        np.testing.assert_array_equal(table[rows[3]], fm.vectors("item")[-1])
        assert not table[rows[1]].any()
        # the row for unknown keys was trained, because of oov_dropout
        assert table[rows[2]].any()
        assert len({*rows.tolist()}) == 4


def test_a_layer_of_torch_begins_with_the_vectors(fm: et.Run) -> None:
    torch = pytest.importorskip("torch")
    layer = fm.torch_embedding("item")
    rows = torch.from_numpy(fm.rows("item", [fm.keys("item")[0], None]))
    found = layer(rows).detach().numpy()
    np.testing.assert_array_equal(found[0], fm.vectors("item")[0])
    assert layer.padding_idx == rows[1]
    assert layer.weight.requires_grad


def test_a_layer_of_keras_begins_with_the_vectors(fm: et.Run) -> None:
    pytest.importorskip("keras")
    layer = fm.keras_embedding("item")
    found = np.asarray(layer(fm.rows("item", [fm.keys("item")[0], None], "keras")))
    np.testing.assert_array_equal(found[0], fm.vectors("item")[0])


def test_a_run_shows_its_report_in_a_notebook(fm: et.Run) -> None:
    html = fm._repr_html_()
    assert html.startswith("<iframe ")
    assert "srcdoc=" in html
    assert "&lt;svg" in html
    assert "allow-same-origin" not in html


def test_added_rows_follow_the_trained_ones(items: et.Run, tmp_path: Path) -> None:
    # rows of new items are in a second file with the same layout as the table of trained rows
    known = items.keys("item")
    catalogue = pd.DataFrame({"item": [*known, "brand-new"], "group": [key.split("-")[0] for key in known] + ["tea"]})
    et.transform(items, content=catalogue, content_key="item", append=True, out=tmp_path / "more")
    more = et.Run(tmp_path / "more")
    assert more.keys("item").tolist() == [*known, "brand-new"]
    assert more.vectors("item").shape == (len(known) + 1, 8)
    assert more.keys("item", table="default").tolist() == known.tolist()


def test_every_trainer_and_command_has_help() -> None:
    for name in ("train_als", "train_gbdt", "recall", "evaluate", "run_pipeline"):
        doc = getattr(et, name).__doc__
        assert "Args:" in doc
    assert "        dim: " in et.train_fm.__doc__


def test_embed_is_on_the_path(fm: et.Run, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "embed_tables", "ls", "--help"]
    said = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path)
    assert said.returncode == 0
    assert "Usage: embed ls" in said.stdout
    script = Path(sys.executable).with_name("embed")
    found = subprocess.run(
        [script, "neighbors", fm, "--key", f"item:{fm.keys('item')[0]}", "--json"], capture_output=True
    )
    assert json.loads(found.stdout)["command"] == "neighbors"
