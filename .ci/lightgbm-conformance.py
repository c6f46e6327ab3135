"""Does LightGBM read the trees as we do?

usage: lightgbm-conformance.py MODEL.txt FEATURES_DIR LEAVES_DIR

FEATURES_DIR and LEAVES_DIR are what `embed transform --features --format npy` and `embed transform --with-scores --format npy`
wrote of the same log. LightGBM loads the model, and its leaves must be ours on every row, its scores ours to 1e-6.
"""

import sys

import lightgbm
import numpy

model, features, leaves = sys.argv[1:]
booster = lightgbm.Booster(model_file=model)
rows = numpy.load(f"{features}/features.npy")
ours = numpy.load(f"{leaves}/leaves.npy")
scores = numpy.load(f"{leaves}/scores.npy")

theirs = booster.predict(rows, pred_leaf=True).reshape(ours.shape)
wrong = int((theirs != ours).sum())
apart = float(numpy.abs(booster.predict(rows, raw_score=True) - scores).max())
print(f"LightGBM {lightgbm.__version__}: {ours.shape[0]} rows, {ours.shape[1]} trees, "
      f"{wrong} leaves differ, scores differ by {apart:.1e} at most")
sys.exit(wrong > 0 or not apart <= 1e-6)
