"""Checks that LightGBM reads our trees as we do, and that its refit gives the same leaves as `--init RUN
--refit-leaves`.

usage: lightgbm-conformance.py FOLDER

FOLDER/cases names the cases, `trees NAME` or `refit NAME`. NAME is a run; NAME-features and NAME-leaves are the outputs
of `embed transform --features --format npy` and `embed transform --format npy` for a log, and NAME-scores.csv the
output of `embed predict --raw-scores`.

trees   LightGBM loads the model: leaves must equal ours on every row; scores and the columns' importances must agree to
1e-6. refit   LightGBM refits the model to the rows, whose labels stand first in the lines of NAME.svm; NAME-scores.csv
has the raw scores of the run that embed refitted to the same rows. They must agree to 1e-5: LightGBM's gradients are
f32.
"""

import json
import sys

import lightgbm
import numpy


def scores_of(path, num_rows):
    return numpy.loadtxt(f"{path}-scores.csv", delimiter=",", skiprows=1)[:, 1:].reshape(num_rows, -1)


def trees(path, booster, rows):
    ours = numpy.load(f"{path}-leaves/leaves.npy")
    scores = scores_of(path, len(rows))
    with open(f"{path}/model/importances.jsonl") as lines:
        by_column = {one["column"]: one for one in map(json.loads, lines)}
    own = [by_column[name] for name in booster.feature_name()]
    numpy.testing.assert_array_equal([one["splits"] for one in own], booster.feature_importance("split"))
    numpy.testing.assert_allclose([one["gain"] for one in own], booster.feature_importance("gain"), rtol=1e-6)

    theirs = booster.predict(rows, pred_leaf=True).reshape(ours.shape)
    wrong = int((theirs != ours).sum())
    apart = float(numpy.abs(booster.predict(rows, raw_score=True).reshape(scores.shape) - scores).max())
    print(f"{ours.shape[0]} rows, {ours.shape[1]} trees, {wrong} leaves differ, scores differ by {apart:.1e} at most")
    return wrong == 0 and apart <= 1e-6


def refit(path, booster, rows):
    with open(f"{path}.svm") as lines:
        labels = numpy.array([float(line.split(" ", 1)[0]) for line in lines])
    theirs = booster.refit(rows, labels, decay_rate=0.9, verbosity=-1).predict(rows, raw_score=True)
    scores = scores_of(f"{path}", len(rows)).reshape(theirs.shape)
    apart = float(numpy.abs(theirs - scores).max())
    moved = float(numpy.abs(theirs - booster.predict(rows, raw_score=True)).max())
    print(f"refitted scores differ by {apart:.1e} at most, the refit moved them by {moved:.2f}")
    return apart <= 1e-5 and moved > 0


folder = sys.argv[1]
print(f"LightGBM {lightgbm.__version__}")
failed = []
with open(f"{folder}/cases") as cases:
    for kind, name in map(str.split, cases):
        path = f"{folder}/{name}"
        print(f"{kind} {name}: ", end="")
        booster = lightgbm.Booster(model_file=f"{path}/model/lightgbm.txt")
        if not {"trees": trees, "refit": refit}[kind](path, booster, numpy.load(f"{path}-features/features.npy")):
            failed.append(name)
if failed:
    sys.exit(f"differs: {', '.join(failed)}")
