"""Checks that our encoding of rows with trees of LightGBM and XGBoost equals that of these libraries.

usage: foreign-conformance.py FOLDER, in the project's root

Trains models of many kinds on a random table with missing numbers, zeros, names that need quotes, and categories that
do not occur in training. `embed transform --model` then encodes a log of it, and the script compares leaves and raw
scores on every row: leaves must be equal, scores may differ by 1e-6 (XGBoost sums in f32: by 1e-5 of the largest
score). Parquet output is read with pyarrow.
"""

import os
import subprocess
import sys

import lightgbm
import numpy
import pandas
import xgboost

folder = sys.argv[1]
# one process runs all commands, because a start of Node takes longer than most of them
commands = subprocess.Popen(["node", ".ci/commands.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
random = numpy.random.default_rng(7)
N = 5000
NAMES = ["tea", "a, b", 'with "quotes"', "été", "x y", "zz"]
# XGBoost 3.2 truncates names with non-ASCII characters in its file, so embed rejects such a file
ASCII = {"été": "ete"}


def table(n, names=NAMES):
    frame = pandas.DataFrame(
        {
            "x": random.normal(size=n),
            "with space": random.integers(-3, 4, n).astype(float),
            "sparse": numpy.where(random.random(n) < 0.7, 0.0, random.normal(size=n)),
            "full": random.random(n),
            "name": random.choice(names, n),
            "number": random.choice([3, 10, 200, 4000], n),
            "code": random.integers(0, 40, n),
        }
    )
    frame.loc[random.random(n) < 0.1, "x"] = numpy.nan
    frame.loc[random.random(n) < 0.2, "sparse"] = numpy.nan
    frame.loc[random.random(n) < 0.1, "name"] = None
    odds = frame.x.fillna(1) + (frame.name == "tea") * 2 - (frame.code % 3 == 0) + frame["with space"] / 3
    return frame, odds.to_numpy() + random.normal(size=n)


def categories_of(frame, column):
    known = sorted(train[column].dropna().unique())
    return pandas.Categorical(frame[column].where(frame[column].isin(known)), categories=known)


train, target = table(N)
# rows to encode: they have a category that training lacks; the column `full` has no missing number except in the last
# 100 rows, as it had none in training
rows, _ = table(N, [*NAMES, "new"])
rows.loc[N - 100 :, "full"] = numpy.nan
# takes numbers from the training rows, some of which are exactly the thresholds of splits
rows.loc[: N // 2, "x"] = train.x.to_numpy()[: N // 2 + 1]
labels = {
    "binary": (target > 0.5).astype(int),
    "regression": target,
    "multiclass": numpy.digitize(target, [-0.5, 1.5]),
    "positive": numpy.exp(target / 4),
    "count": numpy.maximum(0, target).round(),
}


def embed(model, columns, name):
    log = f"{folder}/{name}.csv"
    rows[columns].to_csv(log, index=False)
    out = f"{folder}/{name}-leaves"

    def run(command, *more):
        words = [os.getcwd(), command, "--model", model, log, "--quiet", *more]
        with open(f"{folder}/command", "w", encoding="utf8") as file:
            file.writelines(f"{word}\0" for word in words)
        commands.stdin.write(f"{folder}/command\n")
        commands.stdin.flush()
        code = commands.stdout.readline().strip()
        if code != "0":
            sys.exit(f"embed {words[1:]} ended with {code}: {open(f'{folder}/command.err', encoding='utf8').read()}")

    run("transform", "--format", "npy", "-o", out)
    run("predict", "-o", f"{out}.csv")
    leaves = numpy.load(f"{out}/leaves.npy")
    scores = numpy.loadtxt(f"{out}.csv", delimiter=",", skiprows=1)[:, 1:]
    if name == "multiclass":
        run("transform", "--format", "parquet", "--key", "name", "-o", f"{out}.parquet")
        read = pandas.read_parquet(f"{out}.parquet")
        assert list(read["name"]) == list(rows["name"].fillna(""))
        assert (read.filter(regex=r"^t\d+$").to_numpy() == leaves).all()
        run("predict", "--keep", "name", "-o", f"{out}-scores.parquet")
        read = pandas.read_parquet(f"{out}-scores.parquet")
        assert list(read["name"]) == list(rows["name"].fillna(""))
        assert (read.filter(like="score:").to_numpy() == scores).all()
    return leaves, scores


failed = False


def compare(name, ours, theirs, tolerance):
    global failed
    wrong = int((ours[0] != theirs[0].reshape(ours[0].shape)).sum())
    apart = float(numpy.abs(ours[1] - theirs[1].reshape(ours[1].shape)).max())
    bad = wrong > 0 or not apart <= tolerance
    failed = failed or bad
    print(f"{name}: {ours[0].shape[0]} rows, {ours[0].shape[1]} trees, {wrong} leaves differ, scores by {apart:.1e} at most{'  FAILED' if bad else ''}")


def with_lightgbm(name, told, label, columns, categorical=(), coded=()):
    def frame(of):
        out = of[columns].copy()
        for column in categorical:
            out[column] = categories_of(out, column)
        return out

    data = lightgbm.Dataset(frame(train), labels[label], categorical_feature=list(coded) or "auto")
    options = {"verbose": -1, "num_threads": 1, "min_data_per_group": 5, "cat_smooth": 1, "seed": 3, **told}
    booster = lightgbm.train(options, data, 30)
    model = f"{folder}/{name}.txt"
    booster.save_model(model)
    loaded = lightgbm.Booster(model_file=model)
    scores = loaded.predict(frame(rows), raw_score=True)
    # LightGBM divides scores by the number of trees only in models whose scores it also converts to probabilities
    if told.get("boosting") == "rf":
        scores /= 30
        if label == "binary":
            assert numpy.abs(1 / (1 + numpy.exp(-scores)) - loaded.predict(frame(rows))).max() < 1e-12
    theirs = loaded.predict(frame(rows), pred_leaf=True), scores
    compare(f"LightGBM {lightgbm.__version__}, {name}", embed(model, columns, name), theirs, 1e-6)


numbers = ["x", "with space", "sparse", "full"]
named = [*numbers, "name", "number"]
with_lightgbm("numeric", {"objective": "binary"}, "binary", numbers)
with_lightgbm("zero-missing", {"objective": "regression", "zero_as_missing": True}, "regression", numbers)
with_lightgbm("no-missing", {"objective": "regression", "use_missing": False}, "regression", numbers)
with_lightgbm("pandas", {"objective": "binary"}, "binary", named, ["name", "number"])
with_lightgbm("codes", {"objective": "binary", "max_cat_to_onehot": 1}, "binary", [*numbers, "code"], (), ["code"])
with_lightgbm("rf", {"objective": "binary", "boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1}, "binary", named, ["name", "number"])
with_lightgbm("multiclass", {"objective": "multiclass", "num_class": 3}, "multiclass", named, ["name", "number"])
with_lightgbm("multiclass-rf", {"objective": "multiclassova", "num_class": 3, "boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1}, "multiclass", numbers)
with_lightgbm("dart", {"objective": "poisson", "boosting": "dart"}, "count", numbers)
with_lightgbm("goss", {"objective": "huber", "data_sample_strategy": "goss"}, "regression", numbers)
with_lightgbm("stump", {"objective": "regression", "min_data_in_leaf": 4000}, "regression", numbers)

train["name"], rows["name"] = train["name"].replace(ASCII), rows["name"].replace(ASCII)


def with_xgboost(name, told, label, columns, categorical=(), types=None):
    def frame(of):
        out = of[columns].copy()
        for column in categorical:
            out[column] = categories_of(out, column)
        return xgboost.DMatrix(out, enable_categorical=True, feature_types=types, missing=numpy.nan)

    data = frame(train)
    data.set_label(labels[label])
    booster = xgboost.train({"max_depth": 5, "seed": 3, "nthread": 1, **told}, data, 30)
    model = f"{folder}/xgb-{name}.json"
    booster.save_model(model)
    encoded = frame(rows)
    margins = booster.predict(encoded, output_margin=True)
    theirs = booster.predict(encoded, pred_leaf=True), margins
    compare(f"XGBoost {xgboost.__version__}, {name}", embed(model, columns, f"xgb-{name}"), theirs, 1e-5 * max(1, float(numpy.abs(margins).max())))


with_xgboost("gamma", {"objective": "reg:gamma", "grow_policy": "lossguide", "max_leaves": 31, "max_depth": 0}, "positive", numbers)
with_xgboost("binary", {"objective": "binary:logistic", "base_score": 0.3}, "binary", numbers)
with_xgboost("regression", {"objective": "reg:squarederror"}, "regression", numbers)
with_xgboost("categories", {"objective": "binary:logistic", "max_cat_to_onehot": 3}, "binary", named, ["name", "number"])
with_xgboost("onehot", {"objective": "binary:logistic", "max_cat_to_onehot": 100}, "binary", named, ["name", "number"])
with_xgboost("codes", {"objective": "binary:logistic", "max_cat_to_onehot": 3}, "binary", [*numbers, "code"], (), ["q", "q", "q", "q", "c"])
with_xgboost("multiclass", {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2}, "multiclass", named, ["name", "number"])
with_xgboost("dart", {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5}, "binary", numbers)
with_xgboost("poisson", {"objective": "count:poisson"}, "count", numbers)

commands.stdin.close()
commands.wait()
sys.exit(failed)
