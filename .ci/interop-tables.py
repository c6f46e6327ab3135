"""Checks that Keras, PyTorch and FuxiCTR find every trainer's vectors by key, and the row for unknown keys.

usage: interop-tables.py FOLDER   a folder that .ci/interop-tables created: tables/NAME with keras, pytorch, fuxictr.npz
and rows.jsonl
"""

import csv
import json
import logging
import os
import sys
import warnings
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
logging.disable()
warnings.simplefilter("ignore")

import numpy

folder = Path(sys.argv[1])
UNKNOWN = "never seen"


def by_keras(table):
    """Vectors by key as docs/recipes/keras.md looks them up; the empty key is masked."""
    import keras

    vectors = numpy.load(table / "keras" / "vectors.npy")
    keys = lines(table / "keras" / "keys.txt")
    rows = keras.layers.StringLookup(vocabulary=keys[2:], mask_token="")
    layer = keras.layers.Embedding(*vectors.shape, weights=[vectors], mask_zero=True)
    asked = rows([*keys[2:], UNKNOWN, ""])
    found = dict(zip([*keys[2:], UNKNOWN, ""], layer(asked).numpy()))
    assert [bool(one) for one in layer.compute_mask(asked)] == [True] * (len(keys) - 1) + [False], "mask"
    return found


def by_torch(table):
    """Vectors by key as docs/recipes/pytorch.md looks them up."""
    import torch

    vectors = torch.from_numpy(numpy.load(table / "pytorch" / "vectors.npy"))
    rows = {key: row for row, key in enumerate(lines(table / "pytorch" / "keys.txt")) if key}
    layer = torch.nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=1)
    asked = [*rows, UNKNOWN]
    ids = torch.tensor([*(rows.get(key, 0) for key in asked), 1])
    return dict(zip([*asked, ""], layer(ids).detach().numpy()))


def by_fuxictr(table):
    """Vectors by key as docs/recipes/fuxictr.md looks them up, in a log with every key and one row with a missing key.
    """
    import torch
    from fuxictr.preprocess import FeatureProcessor
    from fuxictr.pytorch.layers import FeatureEmbeddingDict

    npz = numpy.load(table / "fuxictr.npz")
    keys = npz["key"].tolist()
    assert [keys[0], keys[-1]] == ["__PAD__", "__OOV__"], "names of the reserved rows"
    log = table / "log.csv"
    with open(log, "w", encoding="utf8", newline="") as file:
        rows = ([i % 2, i % 3, key] for i, key in enumerate(keys[1:-1]))
        csv.writer(file).writerows([["click", "user", "item"], *rows])
    key = {"active": True, "dtype": "str", "type": "categorical"}
    pretrained = {"pretrained_emb": str(table / "fuxictr.npz"), "pretrain_usage": "init", "freeze_emb": True}
    processor = FeatureProcessor(
        # two features, because FuxiCTR 2.3.10 cannot read the vocabulary of a single one
        feature_cols=[{"name": "user", **key}, {"name": "item", **key, **pretrained}],
        label_col={"name": "click", "dtype": "float"},
        dataset_id="fuxictr",
        data_root=str(table),
    )
    processor.fit(processor.preprocess(processor.read_data(str(log))))
    layer = FeatureEmbeddingDict(processor.feature_map, embedding_dim=npz["value"].shape[1])
    rows = processor.processor_dict["item::tokenizer"].vocab
    ids = torch.tensor([rows[key] for key in [*keys[1:-1], "__OOV__", "__PAD__"]])
    return dict(zip([*keys[1:-1], UNKNOWN, ""], layer({"item": ids})["item"].detach().numpy()))


def lines(path):
    return [json.loads(line) for line in open(path, encoding="utf8")]


def check(name, table, found):
    """Checks that every key has its vector, the empty key zeros, and unknown keys the row that reserve.json names."""
    known = {row["key"]: numpy.array(row["vector"], "float32") for row in lines(table / "rows.jsonl")}
    assert set(found) == {*known, UNKNOWN, ""}, f"{name}: keys"
    for key, vector in known.items():
        assert numpy.array_equal(found[key], vector), f"{name}: {key!r}"
    assert not found[""].any(), f"{name}: padding"
    (kind,) = json.load(open(table / "keras" / "reserve.json"))["unknownKeys"].values()
    unknown = found[UNKNOWN]
    mean = numpy.mean(list(known.values()), axis=0, dtype="float64")
    right = {"zeros": not unknown.any(), "mean": abs(unknown - mean).max() < 1e-6, "trained": unknown.any()}
    assert right[kind], f"{name}: the unknown key is not {kind}: {unknown}"
    return kind


def has(module):
    from importlib.util import find_spec

    return find_spec(module) is not None


readers = {"keras": ("Keras", by_keras), "torch": ("PyTorch", by_torch), "fuxictr": ("FuxiCTR", by_fuxictr)}
for module, (tool, read) in readers.items():
    if not has(module) or (module == "keras" and not has("tensorflow")):
        continue
    kinds = {table.name: check(f"{tool}, {table.name}", table, read(table)) for table in sorted((folder / "tables").iterdir())}
    assert set(kinds.values()) == {"trained", "mean", "zeros"}, kinds
    print(f"{tool}: {len(kinds)} tables by key; unknown keys: {', '.join(f'{name} {kind}' for name, kind in kinds.items())}")
