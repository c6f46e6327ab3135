// Kinds of models, each as its run's manifest names it.

import type { Run } from "../embedding/run-directory.js";
import { importedManifest } from "../testing/small-run.js";
import { capable, modelOf } from "./index.js";

/** A run as far as its manifest says which model it holds. */
function runOf(command: string, model: string): Pick<Run, "path" | "manifest"> {
  return { path: "RUN", manifest: { ...importedManifest, schemaVersion: 1, files: {}, command, model } };
}

const kinds: [string, Pick<Run, "path" | "manifest">][] = [
  ["factors", runOf("train-fm", "fm")],
  ["weights", runOf("train-fm", "lr")],
  ["field-aware factors", runOf("train-fm", "ffm")],
  ["draws", runOf("train-fm", "fm-draws")],
  ["ranking", runOf("train-ranking", "fm")],
  ["implicit feedback", runOf("train-als", "fm")],
  ["item vectors of sessions", runOf("train-item2vec", "item2vec")],
  ["nodes of a graph", runOf("train-graph", "graph")],
  ["nodes by LINE's first order", runOf("train-graph", "graph-order-1")],
  ["nodes by both orders", runOf("train-graph", "graph-both-orders")],
  ["items with side information", runOf("train-graph", "eges")],
  ["trees", runOf("train-gbdt", "gbdt")],
  ["a network", runOf("train-net", "net")],
  ["components", runOf("train-pca", "pca")],
  ["components of features", runOf("train-pca", "pca-features")],
  ["components of columns", runOf("train-pca", "pca-columns")],
  ["components of co-occurrences", runOf("train-pca", "pca-cooccurrence")],
  ["a table", runOf("import", "table")],
];

test.each(kinds)("a run of %s says how keys leave it", async (_, run) => {
  expect(await capable(run, "forgetting", "forgets no key")).toBeInstanceOf(Function);
});

test.each(kinds)("a run of %s has what it gives no reason to lack", async (_, run) => {
  const model = (await modelOf(run))!;
  for (const name of Object.keys(model.lacks ?? {})) expect(Object.keys(model)).not.toContain(name);
});
