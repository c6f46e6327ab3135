"""Does LightGBM read the trees as we do?

usage: lightgbm-conformance.py MODEL.txt FEATURES_DIR LEAVES_DIR SCORES.csv

FEATURES_DIR and LEAVES_DIR are what `embed transform --features --format npy` and `embed transform --format npy` wrote of a log,
SCORES.csv what `embed predict --raw-scores` wrote of it. LightGBM loads the model, and its leaves must be ours on every row, its scores ours to 1e-6. So must the columns' importances be, which stand beside the model.
"""

import json
import os
import sys

import lightgbm
import numpy

model, features, leaves, predicted = sys.argv[1:]
booster = lightgbm.Booster(model_file=model)
rows = numpy.load(f"{features}/features.npy")
ours = numpy.load(f"{leaves}/leaves.npy")
scores = numpy.loadtxt(predicted, delimiter=",", skiprows=1)[:, 1:].reshape(len(rows), -1)

by_column = {}
with open(os.path.join(os.path.dirname(model), "importances.jsonl")) as lines:
    for line in lines:
        told = json.loads(line)
        by_column[told["column"]] = told
told = [by_column[name] for name in booster.feature_name()]
numpy.testing.assert_array_equal([one["splits"] for one in told], booster.feature_importance("split"))
numpy.testing.assert_allclose([one["gain"] for one in told], booster.feature_importance("gain"), rtol=1e-6)

theirs = booster.predict(rows, pred_leaf=True).reshape(ours.shape)
wrong = int((theirs != ours).sum())
apart = float(numpy.abs(booster.predict(rows, raw_score=True).reshape(scores.shape) - scores).max())
print(f"LightGBM {lightgbm.__version__}: {ours.shape[0]} rows, {ours.shape[1]} trees, "
      f"{wrong} leaves differ, scores differ by {apart:.1e} at most")
sys.exit(wrong > 0 or not apart <= 1e-6)
