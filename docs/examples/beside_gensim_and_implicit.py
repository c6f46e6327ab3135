# ruff: noqa: D103
"""Purchases to lists and to similar items with embed-tables, implicit and gensim.

Usage: python beside_gensim_and_implicit.py FOLDER, which has the two files of UCI Online Retail II. Each tool runs in a
process of its own. Vectors have 64 dimensions, gensim trains skip-grams, and everything else is a default of the tool.
The last invoice of each customer is held out.
"""

import inspect
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd


def embed_lists(log):
    import embed_tables

    run = embed_tables.train_als(log, out="als", user="user", item="item", dim=64)
    return run.recall(k=20).groupby("user")["item"].agg(list)


def implicit_lists(log):
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    users, items = log["user"].astype("category"), log["item"].astype("category")
    ones = np.ones(len(log), dtype=np.float32)
    matrix = csr_matrix((ones, (users.cat.codes, items.cat.codes)))
    model = AlternatingLeastSquares(factors=64, random_state=1)
    model.fit(matrix, show_progress=False)
    ids, _ = model.recommend(np.arange(matrix.shape[0]), matrix, N=20)
    names = items.cat.categories.to_numpy()
    return pd.Series([list(names[row]) for row in ids], index=users.cat.categories)


def embed_similar(log):
    import embed_tables

    run = embed_tables.train_item2vec(log, out="item2vec", item="item", session="invoice", time="time", dim=64)
    return run.recall(k=10, for_="item").groupby("item")["neighbor"].agg(list)


def gensim_similar(log):
    from gensim.models import Word2Vec

    sessions = log.sort_values("time", kind="stable").groupby("invoice")["item"].agg(list).tolist()
    model = Word2Vec(sessions, vector_size=64, sg=1, workers=os.cpu_count(), seed=1)
    names = model.wv.index_to_key
    return pd.Series([[key for key, _ in model.wv.most_similar(name, topn=10)] for name in names], index=names)


TOOLS = {"lists": [embed_lists, implicit_lists], "similar items": [embed_similar, gensim_similar]}


def purchases(folder):
    files = [f"{folder}/online_retail_{years}.csv.gz" for years in ("2009_2010", "2010_2011")]
    log = pd.concat([pd.read_csv(file, dtype=str) for file in files], ignore_index=True)
    log = log[log["CustomerID"].notna() & ~log["InvoiceNo"].str.startswith("C")]
    names = {"CustomerID": "user", "StockCode": "item", "InvoiceNo": "invoice", "InvoiceDate": "time"}
    log = log.rename(columns=names)[list(names.values())].drop_duplicates()
    log["time"] = pd.to_datetime(log["time"])
    last = log.sort_values("time", kind="stable").groupby("user")["invoice"].transform("last")
    held = log["invoice"] == last[log.index]
    return log[~held].reset_index(drop=True), log[held].reset_index(drop=True)


def recall_of_new_items(lists, train, test):
    """Recall@20 of the items of each user's last invoice that the user had not bought before."""
    had = train.groupby("user")["item"].agg(set)
    wanted = test[test["user"].isin(had.index)].groupby("user")["item"].agg(set)
    shares = []
    for user, items in wanted.items():
        new = items - had[user]
        if new:
            shares.append(len(new & set(lists.get(user, []))) / min(len(new), 20))
    return float(np.mean(shares))


def hits_in_the_same_invoice(similar, train, test):
    """Share of the held-out purchases for which one of the 10 items most similar to it is in the same invoice."""
    hits = [
        not set(similar.get(item, [])).isdisjoint(items)
        for items in test.groupby("invoice")["item"].agg(set)
        if len(items) > 1
        for item in items
    ]
    return float(np.mean(hits))


MEASURES = {"lists": recall_of_new_items, "similar items": hits_in_the_same_invoice}


def child(task, name, folder):
    tool = next(one for one in TOOLS[task] if one.__name__ == name)
    train, test = purchases(folder)
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        start, cpu = time.perf_counter(), os.times()
        found = tool(train)
        seconds, end = time.perf_counter() - start, os.times()
        os.chdir(folder)
    own, others = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu": sum(end[:4]) - sum(cpu[:4]),
                "megabytes": (own + others) / 1e3,
                "quality": MEASURES[task](found, train, test),
            }
        )
    )


def main(folder):
    print("| task | tool | lines | seconds | processor seconds | peak memory with the log, MB | quality |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for task, tools in TOOLS.items():
        for tool in tools:
            lines = sum(bool(line.strip()) for line in inspect.getsource(tool).splitlines()[1:])
            line = [sys.executable, "-W", "ignore", __file__, task, tool.__name__, folder]
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
            got = json.loads(subprocess.run(line, check=True, capture_output=True, text=True, env=environment).stdout)
            numbers = f"{got['seconds']:.1f} | {got['cpu']:.1f} | {got['megabytes']:.0f} | {got['quality']:.4f}"
            print(f"| {task} | {tool.__name__} | {lines} | {numbers} |", flush=True)


if __name__ == "__main__":
    child(*sys.argv[1:]) if len(sys.argv) > 2 else main(str(Path(sys.argv[1]).resolve()))
