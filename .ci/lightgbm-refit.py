"""Does LightGBM's refit give the leaves that `--init RUN --refit` gives?

usage: lightgbm-refit.py MODEL.txt FEATURES_DIR LABELS.svm SCORES.csv

MODEL.txt is refitted by LightGBM to the rows of FEATURES_DIR, whose labels stand first in the lines of LABELS.svm; SCORES.csv has
the raw scores of the run that embed refitted to the same rows. They must agree to 1e-5: LightGBM's gradients are f32.
"""

import sys

import lightgbm
import numpy

model, features, labels, predicted = sys.argv[1:]
booster = lightgbm.Booster(model_file=model)
rows = numpy.load(f"{features}/features.npy")
with open(labels) as lines:
    own = numpy.array([float(line.split(" ", 1)[0]) for line in lines])
refitted = booster.refit(rows, own, decay_rate=0.9, verbosity=-1)
theirs = refitted.predict(rows, raw_score=True)
scores = numpy.loadtxt(predicted, delimiter=",", skiprows=1)[:, 1:].reshape(theirs.shape)
apart = float(numpy.abs(theirs - scores).max())
moved = float(numpy.abs(theirs - booster.predict(rows, raw_score=True)).max())
print(f"LightGBM {lightgbm.__version__}: refitted scores differ by {apart:.1e} at most, the refit moved them by {moved:.2f}")
sys.exit(not apart <= 1e-5 or moved == 0)
