"""Checks that each format's usual reader finds the table in the exported file.

usage: interop-exports.py FOLDER

FOLDER contains `run`, and one file or directory per format, which has the format's name: the rows of the field `item`
with their weights. Every format is compared with jsonl, and jsonl with the run's own embeddings.arrow.
"""

import csv
import json
import os
import re
import sqlite3
import sys

import duckdb
import faiss
import gensim
import numpy
import onnx
import onnxruntime
import pandas
import pyarrow
import pyarrow.parquet
import safetensors.numpy
import sklearn.datasets
import usearch.index
from gensim.models import KeyedVectors

folder = sys.argv[1]
at = lambda name: f"{folder}/{name}"
rows = [json.loads(line) for line in open(at("jsonl"), encoding="utf8")]
keys = [row["key"] for row in rows]
counts = numpy.array([row["count"] for row in rows], dtype=numpy.uint32)
weights = numpy.array([row["weight"] for row in rows], dtype=numpy.float32)
vectors = numpy.array([row["vector"] for row in rows], dtype=numpy.float32)
wide = numpy.hstack([vectors, weights[:, None]])
word = lambda key: re.sub(r"\s", "_", key)
cell = lambda key: re.sub(r"[\t\n\r]", "_", key)
checked = []


def check(name, *facts):
    for fact in facts:
        assert fact, name
    checked.append(name)


def same(a, b):
    return numpy.array_equal(numpy.asarray(a, dtype=numpy.float32), b)


def of_item(table):
    table = table.to_pandas()
    return table[table["field"] == "item"]


run = of_item(pyarrow.ipc.open_file(at("run/embeddings.arrow")).read_all())
check("jsonl", list(run["key"]) == keys, same(numpy.stack(run["vector"]), vectors), same(run["weight"], weights))

frame = pandas.read_json(at("jsonl"), lines=True, dtype={"key": str}, precise_float=True)
check("jsonl in pandas", list(frame["key"]) == keys, same(frame["vector"].tolist(), vectors), list(frame["count"]) == list(counts))

bare = pyarrow.ipc.open_file(at("arrow-unweighted")).read_all()
bare.validate(full=True)
check("arrow without weights", bare.column_names == ["field", "key", "count", "vector"],
      same(numpy.stack(bare.to_pandas()["vector"]), vectors))

arrow = pyarrow.ipc.open_file(at("arrow")).read_all()
own = arrow.to_pandas()
check("arrow", list(own["key"]) == keys, list(own["count"]) == list(counts), same(numpy.stack(own["vector"]), vectors))
read = duckdb.sql("select key, vector from arrow").fetchall()
check("arrow in DuckDB", [row[0] for row in read] == keys, same([row[1] for row in read], vectors))

# csv and tsv, compared cell by cell in three readers
for name, delimiter in [("csv", ","), ("tsv", "\t")]:
    head, *cells = csv.reader(open(at(name), encoding="utf8", newline=""), delimiter=delimiter)
    check(name, head == ["field", "key", "count", "weight", *(f"v{d}" for d in range(vectors.shape[1]))],
          [row[:2] for row in cells] == [["item", key] for key in keys], [int(row[2]) for row in cells] == list(counts),
          same([row[3] for row in cells], weights), same([row[4:] for row in cells], vectors))
    frame = pandas.read_csv(at(name), sep=delimiter, dtype={"key": str}, keep_default_na=False)
    numbers = frame.filter(regex=r"^v\d+$").to_numpy()
    check(f"{name} in pandas", list(frame["key"]) == keys, same(numbers, vectors), same(frame["weight"], weights),
          list(frame["count"]) == list(counts))
    read = duckdb.read_csv(at(name), delimiter=delimiter, header=True, dtype={"key": "VARCHAR"}).fetchall()
    check(f"{name} in DuckDB", [row[1] for row in read] == keys, [row[2] for row in read] == list(counts),
          same([row[3] for row in read], weights), same([row[4:] for row in read], vectors))

for name, binary in [("word2vec", False), ("word2vec-bin", True), ("fasttext-vec", False)]:
    read = KeyedVectors.load_word2vec_format(at(name), binary=binary)
    check(name, read.index_to_key == [word(key) for key in keys], same(read.vectors, wide))
read = KeyedVectors.load_word2vec_format(at("glove"), binary=False, no_header=True)
check("glove", read.index_to_key == [word(key) for key in keys], same(read.vectors, wide))

numbers = numpy.load(at("npy/vectors.npy"), allow_pickle=False)
names = [json.loads(line) for line in open(at("npy/keys.txt"), encoding="utf8")]
check("npy", names == keys, same(numbers, vectors), same(numpy.load(at("npy/weights.npy")), weights))

# read as FuxiCTR's loader does: without pickle, with keys as text
npz = numpy.load(at("npz"), allow_pickle=False)
check("npz", list(npz["key"]) == keys, same(npz["value"], vectors), same(npz["weight"], weights))

tensors = safetensors.numpy.load_file(at("safetensors"))
ends = tensors["keyOffsets"]
text = tensors["keys"].tobytes()
names = [text[ends[r]:ends[r + 1]].decode() for r in range(len(ends) - 1)]
check("safetensors", names == keys, same(tensors["vectors"], vectors), same(tensors["weights"], weights))

matrix, labels = sklearn.datasets.load_svmlight_file(at("libsvm"), n_features=wide.shape[1])
names = [json.loads(line.split(" # ", 1)[1]) for line in open(at("libsvm"), encoding="utf8")]
check("libsvm", same(matrix.toarray(), wide), not labels.any(), names == keys)

# read as RecBole does: quotes belong to the key, and some words mean a missing value
frame = pandas.read_csv(at("recbole"), sep="\t", dtype=str, engine="python")
held = [i for i, key in enumerate(keys) if key != "NULL" and "\n" not in key]
numbers = [[float(x) for x in line.split(" ")] for line in frame["item_emb:float_seq"]]
check("recbole", list(frame["item:token"]) == [cell(keys[i]) for i in held], same(numbers, wide[held]))

lines = [line.rstrip("\n").split("\t") for line in open(at("starspace-tsv"), encoding="utf8", newline="\n")]
check("starspace-tsv", [line[0] for line in lines] == [cell(key).replace(" ", "_") for key in keys],
      same([[float(x) for x in line[1:]] for line in lines], wide))

frame = pandas.read_csv(at("projector/metadata.tsv"), sep="\t", dtype={"key": str}, keep_default_na=False,
                        quoting=csv.QUOTE_NONE)
check("projector", list(frame["key"]) == [cell(key) for key in keys], list(frame["count"]) == list(counts),
      same(numpy.loadtxt(at("projector/vectors.tsv"), delimiter="\t"), vectors))

numbers = numpy.load(at("faiss/vectors.npy"))
index = faiss.IndexFlatIP(numbers.shape[1])
index.add(numbers)
names = [line.rstrip("\n").split("\t")[1] for line in open(at("faiss/ids.tsv"), encoding="utf8", newline="\n")]
_, found = index.search(vectors[:3], 1)
best = (vectors[:3] @ vectors.T).argmax(axis=1)
check("faiss", names == [cell(key) for key in keys], list(found[:, 0]) == list(best))

points = [json.loads(line) for line in open(at("qdrant-jsonl"), encoding="utf8")]
check("qdrant-jsonl", [point["payload"]["key"] for point in points] == keys,
      same([point["vector"] for point in points], vectors), [point["id"] for point in points] == list(range(len(keys))))
lines = [json.loads(line) for line in open(at("elasticsearch-bulk"), encoding="utf8")]
check("elasticsearch-bulk", [line["index"]["_id"] for line in lines[::2]] == keys,
      same([line["vector"] for line in lines[1::2]], vectors))


def commands(data):
    """Encodes commands in Redis's protocol: arrays of bulk strings."""
    at = 0

    def line():
        nonlocal at
        end = data.index(b"\r\n", at)
        start, at = at, end + 2
        return data[start:end]

    while at < len(data):
        parts = []
        for _ in range(int(line()[1:])):
            size = int(line()[1:])
            parts.append(data[at:at + size])
            at += size + 2
        yield parts


sets = list(commands(open(at("redis"), "rb").read()))
blobs = [numpy.frombuffer(dict(zip(parts[2::2], parts[3::2]))[b"vector"], dtype="<f4") for parts in sets]
check("redis", [parts[1].decode() for parts in sets] == ["items:" + key for key in keys], same(blobs, vectors), {parts[0] for parts in sets} == {b"HSET"})

unescape = lambda text: re.sub(r"\\(.)", lambda m: {"t": "\t", "n": "\n", "r": "\r"}.get(m[1], m[1]), text)
lines = [line.rstrip("\n").split("\t") for line in open(at("pgvector"), encoding="utf8", newline="\n")]
check("pgvector", [unescape(line[1]) for line in lines] == keys, same([json.loads(line[4]) for line in lines], vectors))

# parquet in three readers: keys, counts and weights, and every number of every vector
numbered = [f"v{d}" for d in range(vectors.shape[1])]
matrix = lambda frame: frame[numbered].to_numpy() if "v0" in frame else numpy.stack(frame["vector"])
parquet_readers = {
    "pyarrow": lambda path: pyarrow.parquet.read_table(path).to_pandas(),
    "pandas": pandas.read_parquet,
    "DuckDB": lambda path: duckdb.sql(f"select * from read_parquet('{path}')").df(),
}
for name in ["parquet", "parquet-wide"]:
    for reader, read in parquet_readers.items():
        frame = read(at(name))
        check(f"{name} in {reader}", list(frame["key"]) == keys, set(frame["field"]) == {"item"}, list(frame["count"]) == list(counts),
              same(frame["weight"], weights), same(matrix(frame), vectors))
    groups = pyarrow.parquet.ParquetFile(at(name)).metadata
    stated = [groups.row_group(0).column(c).statistics for c in range(3)]
    check(f"{name}'s statistics", (stated[0].min, stated[0].max) == ("item", "item"), stated[1] is None or not stated[1].has_min_max,
          (stated[2].min, stated[2].max) == (min(counts), max(counts)))
    most = max(counts)
    asked = duckdb.sql(f"select key from read_parquet('{at(name)}') where count = {most} and field = 'item'").fetchall()
    check(f"{name} narrowed in DuckDB", [row[0] for row in asked] == [key for key, count in zip(keys, counts) if count == most])

# product and residual codes: faiss reads our index, and decodes its codes as the books do
for dtype, decode in {"pq": lambda parts: numpy.concatenate(parts, axis=1), "rq": sum}.items():
    codes, books = numpy.load(at(f"faiss-{dtype}/vectors.npy")), numpy.load(at(f"faiss-{dtype}/books.npy"))
    index = faiss.read_index(at(f"faiss-{dtype}/index.faiss"))
    levels = books.reshape(codes.shape[1], 256, -1)
    decoded = decode([book[codes[:, level]] for level, book in enumerate(levels)])
    found = index.search(decoded[:20], 1)[0][:, 0]
    check(f"faiss, codes {dtype}", index.ntotal == len(codes), (abs(index.reconstruct_n(0, len(codes)) - decoded) < 1e-6).all(),
          (abs(found) < 1e-4).all())

# smaller types: f16 equals numpy's rounding, and i8 is within half a step of the row's scale
for dtype in ["f16", "i8"]:
    npz = numpy.load(at(f"npz-{dtype}"), allow_pickle=False)
    tensors = safetensors.numpy.load_file(at(f"safetensors-{dtype}"))
    arrays = lambda name: (numpy.load(at(f"{name}-{dtype}/vectors.npy")), dtype == "i8" and numpy.load(at(f"{name}-{dtype}/scales.npy")))
    for name, (values, scales) in {
        "npy": arrays("npy"),
        "faiss": arrays("faiss"),
        "npz": (npz["value"], dtype == "i8" and npz["scale"]),
        "safetensors": (tensors["vectors"], dtype == "i8" and tensors["scales"]),
    }.items():
        if dtype == "f16":
            check(f"{name} in f16", values.dtype == numpy.float16, numpy.array_equal(values, vectors.astype(numpy.float16)))
        else:
            read = values.astype(numpy.float32) * scales[:, None]
            check(f"{name} in i8", values.dtype == numpy.int8, (abs(read - vectors) <= 0.501 * scales[:, None]).all())
    frames = {"arrow": pyarrow.ipc.open_file(at(f"arrow-{dtype}")).read_all().to_pandas()} | {
        f"{name} in {reader}": read(at(f"{name}-{dtype}")) for name in ["parquet", "parquet-wide"] for reader, read in parquet_readers.items()}
    for name, frame in frames.items():
        read = matrix(frame).astype(numpy.float32)
        exact = same(read, vectors.astype(numpy.float16)) if dtype == "f16" else (
            abs(read * frame["scale"].to_numpy()[:, None] - vectors) <= 0.501 * frame["scale"].to_numpy()[:, None]).all()
        check(f"{name}, {dtype}", list(frame["key"]) == keys, exact)

# the fnn format has [w, v] by field, reserved rows where each network library expects them, and the row of every key in
# vocab.json
table = pyarrow.ipc.open_file(at("run/embeddings.arrow")).read_all().to_pandas()
model = safetensors.numpy.load_file(at("run/model/fm.safetensors"))
places = {"fnn": (None, None), "fnn-keras": (0, 1), "fnn-fuxictr": (0, -1), "fnn-pytorch": (1, 0)}
for name, (padding, unknown) in places.items():
    tensors = safetensors.numpy.load_file(at(f"{name}/fnn.safetensors"))
    vocabulary = json.load(open(at(f"{name}/vocab.json"), encoding="utf8"))
    assert same(tensors["w0"], model["w0"]), name
    for f, field in enumerate(["user", "item", "price"]):
        mine = table[table["field"] == field]
        got = tensors[field][[vocabulary[field][key] for key in mine["key"]]]
        expected = numpy.hstack([numpy.asarray(mine["weight"])[:, None], numpy.stack(mine["vector"])])
        assert same(got, expected), (name, field)
        if padding is None or field == "price":
            assert len(tensors[field]) == len(mine), (name, field)
            continue
        assert len(tensors[field]) == len(mine) + 2 and not tensors[field][padding].any(), (name, field)
        assert same(tensors[field][unknown], numpy.hstack([model["oovWeights"][f], model["oovVectors"][f]])), (name, field)
    check(name)

# the onnx model returns vectors by key: the out-of-vocabulary row for unknown keys, zeros for the empty key
onnx.checker.check_model(onnx.load(at("onnx")), full_check=True)
session = onnxruntime.InferenceSession(at("onnx"))
asked = numpy.array(keys + ["nobody", ""], dtype=object)
found = session.run(["item_vector", "item_weight"], {"item": asked, "user": asked[:1]})
check("onnx", same(found[0][:-2], vectors), same(found[1][:-2], weights), same(found[0][-2], model["oovVectors"][1]),
      not found[0][-1].any())
session = onnxruntime.InferenceSession(at("onnx-row"))
inputs = {field: numpy.arange(len(keys) if field == "item" else 1) for field in ["user", "item", "price"]}
check("onnx --onnx-input row", same(session.run(["item_vector"], inputs)[0], vectors))

database = sqlite3.connect(at("sqlite"))
read = database.execute("select key, count, weight, vector from embeddings where field = 'item' order by rowid").fetchall()
check("sqlite", [row[0] for row in read] == keys, [row[1] for row in read] == list(counts),
      same([row[2] for row in read], weights), same([numpy.frombuffer(row[3], "<f4") for row in read], vectors),
      database.execute("pragma integrity_check").fetchone() == ("ok",))

if os.path.exists(at("usearch")):
    index = usearch.index.Index.restore(at("usearch/index.usearch"))
    found = index.search(vectors, 3)
    unit = vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)
    best = (-unit @ unit.T).argsort(axis=1, kind="stable")[:, :3]
    names = [line.rstrip("\n").split("\t")[1] for line in open(at("usearch/ids.tsv"), encoding="utf8", newline="\n")]
    check("usearch", names == [cell(key) for key in keys], numpy.array_equal(found.keys, best))

print(f"{len(checked)} formats read back by gensim {gensim.__version__}, numpy {numpy.__version__}, pandas {pandas.__version__}, "
      f"pyarrow {pyarrow.__version__}, duckdb {duckdb.__version__}, faiss {faiss.__version__}: {', '.join(checked)}")
