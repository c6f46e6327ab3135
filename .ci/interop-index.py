"""Checks that hnswlib finds the same neighbors in our indexes as embed. usage: interop-index.py FOLDER"""

import hashlib
import json
import sys

import hnswlib
import numpy

folder = sys.argv[1]
vectors = numpy.load(f"{folder}/npy/vectors.npy")
keys = [json.loads(line) for line in open(f"{folder}/npy/keys.txt", encoding="utf8")]
place = {key: i for i, key in enumerate(keys)}
unit = vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)
scores = {
    "cosine": unit @ unit.T,
    "dot": vectors @ vectors.T,
    "l2": 2 * vectors @ vectors.T - (vectors**2).sum(axis=1)[None, :] - (vectors**2).sum(axis=1)[:, None],
}
for metric, similarity in scores.items():
    facts = json.load(open(f"{folder}/{metric}/index.json"))
    assert [line.rstrip("\n").split("\t")[1] for line in open(f"{folder}/{metric}/ids.tsv", encoding="utf8")] == keys
    index = hnswlib.Index(space=facts["space"], dim=facts["width"])
    index.load_index(f"{folder}/{metric}/index.hnsw")
    assert (index.element_count, index.M, index.ef_construction) == (len(keys), facts["m"], facts["efConstruction"])
    index.set_ef(200)
    found, distances = index.knn_query(vectors, k=10)
    best = (-similarity).argsort(axis=1, kind="stable")[:, :10]
    recall = numpy.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), best.tolist())])
    assert recall > 0.98, (metric, recall)
    # hnswlib's distances equal those computed from the vectors in the file
    expected = {"cosine": lambda s: 1 - s, "dot": lambda s: 1 - s, "l2": lambda s: -s}[metric](numpy.take_along_axis(similarity, found.astype(int), 1))
    assert numpy.abs(distances - expected).max() < 1e-4 * max(1, numpy.abs(expected).max()), metric
    # the query's own row does not count as a neighbor
    for query in json.load(open(f"{folder}/{metric}.json"))["queries"]:
        row = place[query["key"]]
        ours = [place[neighbor["key"]] for neighbor in query["neighbors"]]
        theirs = [label for label in index.knn_query(vectors[row : row + 1], k=11)[0][0].tolist() if label != row][:10]
        assert ours == theirs, (metric, query["key"], ours, theirs)
    print(f"hnswlib finds {recall:.4f} of the ten nearest by {metric} of {len(keys)} rows, and the same neighbors as embed")

theirs = hnswlib.Index(space="l2", dim=vectors.shape[1])
theirs.init_index(max_elements=len(keys), M=12, ef_construction=100, random_seed=5)
theirs.add_items(vectors, num_threads=1)
theirs.save_index(f"{folder}/l2/index.hnsw")
data = open(f"{folder}/l2/index.hnsw", "rb").read()
facts = json.load(open(f"{folder}/l2/index.json"))
facts["files"]["index.hnsw"] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
json.dump(facts, open(f"{folder}/l2/index.json", "w"))
