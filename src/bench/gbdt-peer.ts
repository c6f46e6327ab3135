// Python program of LightGBM for `npm run bench -- gbdt`; prints its figures as a JSON line.

/** Arguments: what to measure, training log, test log, threads, seed of the sample for binning. */
export const PEER = `
import json, resource, sys, time
import lightgbm, numpy, pandas

what, train, test, threads, seed = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
told = {"version": lightgbm.__version__}
clock = lambda: (time.perf_counter(), time.process_time())
label = "income" if what == "adult" else "label"

def lap(name, since):
    told[name] = time.perf_counter() - since[0]
    return clock()

start = now = clock()
own, other = pandas.read_csv(train), pandas.read_csv(test)
now = lap("read", now)
for name in own.columns:
    if not pandas.api.types.is_numeric_dtype(own[name]):
        kind = pandas.CategoricalDtype(sorted(own[name].dropna().unique()))
        own[name], other[name] = own[name].astype(kind), other[name].astype(kind)
y, x = own.pop(label), own
y2, x2 = other.pop(label), other
params = {"objective": "binary", "num_leaves": 31, "learning_rate": 0.1, "num_threads": threads, "data_random_seed": seed, "verbose": -1}
data = lightgbm.Dataset(x, y, params=params).construct()
now = lap("bin", now)
booster = lightgbm.train(params, data, 100)
told["trainProcessor"] = clock()[1] - now[1]
if what in ("tabular", "adult"):
    now = lap("train", now)
    told["binAndTrain"] = told["bin"] + told["train"]
    told["seconds"] = now[0] - start[0]
    told["processor"] = now[1] - start[1]
    told["peakMb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    p = booster.predict(x2)
    ranks = pandas.Series(p).rank().to_numpy()
    n1 = int(y2.sum())
    told["auc"] = float((ranks[y2.to_numpy() == 1].sum() - n1 * (n1 + 1) / 2) / (n1 * (len(y2) - n1)))
    told["logLoss"] = float(-numpy.mean(numpy.where(y2 == 1, numpy.log(p), numpy.log(1 - p))))
else:
    codes = pandas.DataFrame({c: (x2[c].cat.codes.where(x2[c].cat.codes >= 0) if str(x2[c].dtype) == "category" else x2[c]) for c in x2})
    rows = numpy.tile(codes.to_numpy(dtype=numpy.float64), (10, 1))
    plain = lightgbm.Booster(model_str=booster.model_to_string().replace("pandas_categorical:", "was_categorical:"))
    now = clock()
    plain.predict(rows, raw_score=True, pred_leaf=what == "leaves", num_threads=threads)
    told = {"version": told["version"], "seconds": time.perf_counter() - now[0], "processor": time.process_time() - now[1]}
print(json.dumps(told))
`;
