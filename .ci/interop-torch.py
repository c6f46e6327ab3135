"""Checks that PyTorch, FuxiCTR and RecBole load the values that the exports contain.

usage: interop-torch.py FOLDER   a folder that .ci/interop-torch created: rows.csv, fnn and scores.jsonl; week1-*,
week2-* and delta-*; fuxictr.npz; odd.jsonl, odd.npz and recbole
"""

import csv
import json
import logging
import math
import re
import sys
import warnings

import numpy
import torch
from fuxictr.preprocess import FeatureProcessor
from fuxictr.pytorch.layers import FeatureEmbeddingDict
from fuxictr.preprocess.tokenizer import Tokenizer
from recbole.config import Config
from recbole.data.dataset import Dataset
from safetensors.torch import load_file

folder = sys.argv[1]
at = lambda name: f"{folder}/{name}"
read = lambda name: [json.loads(line) for line in open(at(name), encoding="utf8")]
logging.disable()
warnings.simplefilter("ignore")
checked = []


def check(name, *facts):
    for fact in facts:
        assert fact, name
    checked.append(name)


# computes the factorization machine's scores of rows in PyTorch, from w0 and z = [w, v] of each feature
tensors = load_file(at("fnn/fnn.safetensors"))
vocabulary = json.load(open(at("fnn/vocab.json"), encoding="utf8"))
preprocess = json.load(open(at("fnn/preprocess.json"), encoding="utf8"))
layers = {name: torch.nn.Embedding.from_pretrained(z, freeze=False) for name, z in tensors.items() if name != "w0"}


def features(row):
    """Yields the row of z for each feature of a log's row, multiplied by the feature's value x."""
    for field in preprocess["fields"]:
        name, cell = field["name"], row[field["name"]]
        if cell == "":
            continue
        if field["kind"] == "number":
            yield layers[name](torch.tensor(0)) * ((float(cell) - field["mean"]) / field["deviation"])
        else:
            keys = cell.split(field["separator"]) if field["kind"] == "multi" else [cell]
            # with --reserve pytorch, unknown keys have row 0
            for key in keys:
                yield layers[name](torch.tensor(vocabulary[name].get(key, 0))) / len(keys)


def score(row):
    z = torch.stack(list(features(row)))
    w, v = z[:, 0], z[:, 1:]
    return float(tensors["w0"] + w.sum() + (v.sum(0).square() - v.square().sum(0)).sum() / 2)


# scores.jsonl has the log loss that `embed evaluate` prints for each row alone, from which the score follows
worst, unknown, missing = 0, 0, 0
for told, row in zip(read("scores.jsonl"), csv.DictReader(open(at("rows.csv"), encoding="utf8", newline=""))):
    odds = -math.log(math.expm1(told["metrics"]["on"]["logLoss"]))
    worst = max(worst, abs(score(row) - (odds if row["click"] == "1" else -odds)))
    unknown += row["item"] not in vocabulary["item"]
    missing += "" in row.values()
check("fnn: the score of a row to 1e-5", worst < 1e-5, unknown > 0, missing > 0)

# applies the second week's changes to the first week's table, in which all keys keep their row numbers
for reserve in ["none", "keras", "pytorch"]:
    for form in ["npy", "jsonl"]:
        table = torch.nn.Embedding.from_pretrained(torch.from_numpy(numpy.load(at(f"week1-{reserve}/vectors.npy"))), freeze=False)
        week2 = torch.from_numpy(numpy.load(at(f"week2-{reserve}/vectors.npy")))
        if form == "npy":
            rows = numpy.load(at(f"delta-{reserve}/rows.npy")).astype("int64")
            vectors = numpy.load(at(f"delta-{reserve}/vectors.npy"))
            keys, gone = read(f"delta-{reserve}/keys.txt"), read(f"delta-{reserve}/removed.jsonl")
        else:
            changes = read(f"delta-{reserve}.jsonl")
            written, gone = ([c for c in changes if (c["change"] == "removed") == removed] for removed in [False, True])
            rows = numpy.array([c["row"] for c in written])
            vectors = numpy.array([c["vector"] for c in written], dtype="float32")
            keys = [c["key"] for c in written]
        grown = torch.zeros(max(len(table.weight), rows.max() + 1), table.embedding_dim)
        grown[: len(table.weight)] = table.weight.detach()
        grown[torch.from_numpy(rows)] = torch.from_numpy(vectors)
        grown[[one["row"] for one in gone]] = 0
        names = read(f"week2-{reserve}/keys.txt")
        check(f"delta, {form}, --reserve {reserve}: week 2's table row by row", torch.equal(grown, week2),
              [names[row] for row in rows] == keys, all(names[one["row"]] == "" for one in gone),
              len(table.weight) < len(week2), len(gone) > 0, 0 < len(rows) < len(week2))

# FuxiCTR finds the vectors by key through a vocabulary that it builds itself
npz = numpy.load(at("fuxictr.npz"))
exported = dict(zip(npz["key"].tolist(), npz["value"]))
for freeze in [True, False]:
    key = {"active": True, "dtype": "str", "type": "categorical"}
    table = {"pretrained_emb": at("fuxictr.npz"), "pretrain_usage": "init", "freeze_emb": freeze}
    processor = FeatureProcessor(
        feature_cols=[{"name": "user", **key}, {"name": "item", **key, **table}],
        label_col={"name": "click", "dtype": "float"}, dataset_id=f"freeze-{freeze}", data_root=at("fuxictr"),
    )
    processor.fit(processor.preprocess(processor.read_data(at("rows.csv"))))
    spec = processor.feature_map.features["item"]
    rows = processor.processor_dict["item::tokenizer"].vocab
    layer = FeatureEmbeddingDict(processor.feature_map, embedding_dim=npz["value"].shape[1])
    weight = layer.embedding_layers["item"].pretrain_embedding.weight.detach().numpy()
    found = layer({"item": torch.arange(len(rows))})["item"].detach().numpy()
    mine = [name for name in rows if name in exported]
    others = [name for name in rows if name not in exported]
    check(f"FuxiCTR, freeze_emb={freeze}", set(exported) <= set(rows),
          all(numpy.array_equal(weight[rows[name]], exported[name]) for name in mine),
          all(numpy.array_equal(found[rows[name]], exported[name]) for name in mine if rows[name] <= spec["oov_idx"]),
          rows["__PAD__"] == 0, rows["__OOV__"] == spec["oov_idx"], not weight[0].any(), weight[spec["oov_idx"]].all(),
          # the data includes keys that are rare for us but frequent enough for FuxiCTR, and keys of ours that its log
          # lacks
          len(others) > 0, any(rows[name] > spec["oov_idx"] for name in mine))

odd = {row["key"]: row["vector"] for row in read("odd.jsonl")}
tokens = Tokenizer()
tokens.build_vocab({"0007": 1})
tokens.load_pretrained_vocab(str, at("odd.npz"))
check("FuxiCTR, odd keys", set(odd) <= set(tokens.vocab), len(tokens.vocab) == len(odd) + 2)

# RecBole's own reader, and the matrix with which its models start
keys = {re.sub(r"[\t\n\r]", "_", key): vector for key, vector in odd.items()}
with open(at("recbole/odd/odd.inter"), "w", encoding="utf8") as log:
    log.write("user:token\titem_id:token\n")
    log.writelines(f"u{i % 3}\t{key}\n" for i, key in enumerate([*keys, "not in the table"]))
dataset = Dataset(Config(model="BPR", dataset="odd", config_dict={
    "data_path": at("recbole"), "USER_ID_FIELD": "user", "additional_feat_suffix": ["itemvec"],
    "load_col": {"inter": ["user", "item_id"], "itemvec": ["item", "item_emb"]},
    "alias_of_item_id": ["item"], "preload_weight": {"item": "item_emb"}, "show_progress": False,
}))
weight = dataset.get_preload_weight("item").astype("float32")
names = dataset.field2id_token["item"].tolist()
check("RecBole, odd keys", set(names) == {"[PAD]", "not in the table", *keys},
      all(numpy.array_equal(weight[names.index(key)], numpy.array(vector, "float32")) for key, vector in keys.items()),
      not weight[0].any(), not weight[names.index("not in the table")].any())

print(f"{len(checked)} read by PyTorch {torch.__version__}, FuxiCTR and RecBole: {'; '.join(checked)}")
