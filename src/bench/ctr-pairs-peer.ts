// Python program of CatBoost for `npm run bench -- ctr-pairs`; prints a JSON line.

/** Arguments: training, validation and test log, label, threads, and a JSON list of option sets. */
export const PEER = `
import json, sys
import catboost, numpy, pandas

train, valid, test, label, threads, settings = sys.argv[1:]
logs = [pandas.read_csv(path) for path in (train, valid, test)]
categories = [name for name in logs[0] if name != label and not pandas.api.types.is_numeric_dtype(logs[0][name])]
for log in logs:
    log[categories] = log[categories].fillna("")
fit, stop, last = [catboost.Pool(log.drop(columns=label), log[label], cat_features=categories) for log in logs]
fixed = {"iterations": 1000, "early_stopping_rounds": 50, "random_seed": 1, "verbose": False, "allow_writing_files": False}
best, losses = None, []
for setting in json.loads(settings):
    model = catboost.CatBoostClassifier(thread_count=int(threads), **fixed, **setting)
    model.fit(fit, eval_set=stop)
    losses.append(model.best_score_["validation"]["Logloss"])
    if losses[-1] == min(losses):
        best = model
p, y = best.predict_proba(last)[:, 1], logs[2][label].to_numpy()
print(json.dumps({"version": catboost.__version__, "valid": losses, "test": float(-numpy.mean(numpy.where(y == 1, numpy.log(p), numpy.log(1 - p))))}))
`;
