// A small run with known numbers for the report's page; tests of the report modify it.

import type { ReportedRun, ReportedTable } from "../judge/report/page/content.js";

/** Returns the report's description of a run with binary labels and three epochs, of which the second is the best. */
export function reportedRun(changes: Partial<ReportedRun> = {}): ReportedRun {
  return {
    name: "week",
    path: "runs/week",
    manifest: {
      schemaVersion: 1,
      version: "0.1.0",
      command: "train-fm",
      model: "fm",
      options: { dim: 4, fields: [], seed: 1 },
      seed: 1,
      inputs: [{ path: "log.csv", bytes: 1234, sha256: "ab".repeat(32) }],
      roles: { user: "user_id", item: "item_id" },
      split: { by: "time", train: 80, valid: 10, test: 10 },
      rows: 100,
      metrics: { train: { logLoss: 0.3 }, test: { logLoss: 0.4, auc: 0.8 } },
      timings: { read: 0.01 },
      warnings: [],
      files: {},
    },
    lines: [
      { epoch: 1, trainLoss: 0.7, validLoss: 0.69, best: true },
      { epoch: 2, trainLoss: 0.5, validLoss: 0.6, best: true },
      { epoch: 3, trainLoss: 0.4, validLoss: 0.65, best: false },
    ],
    ...changes,
  };
}

/** Returns the report's description of an embedding table with three items. */
export function reportedTable(changes: Partial<ReportedTable> = {}): ReportedTable {
  const items = ["tea", "cup", "pot"].map((key, i) => ({ key, count: 10 * (i + 1), norm: i + 1 }));
  return {
    dim: 4,
    numRows: 3,
    norms: [{ field: "item_id", norms: Float64Array.of(1, 2, 3), zeros: 0, byCount: items }],
    field: "item_id",
    rows: 3,
    map: {
      points: items.map(({ key, count }) => ({ key, count })),
      layouts: [{ by: "pca", places: Float64Array.of(0, 0, 1, 1, 2, 1), explained: 0.9 }],
      labels: [],
    },
    neighbors: [{ key: "tea", count: 10, nearest: [{ key: "pot", count: 30, similarity: 0.5 }] }],
    ...changes,
  };
}
