// What a trained model is worth: its metrics on a part, as the task calls for.

import type { Roles } from "../dataset/dataset.js";
import type { FeatureRows } from "../dataset/rows.js";
import type { FeatureSpace } from "../dataset/vocabulary.js";
import type { Metrics } from "../embedding/manifest.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { metricsOf } from "../evaluation/metrics.js";
import type { FmTask } from "../trainers/fm/options.js";
import type { Trained } from "../trainers/trained.js";
import type { Examples } from "./examples.js";
import type { Watch } from "./progress.js";
import { rankingMetricsOf } from "./ranking-metrics.js";

/** A model and all that its metrics need. */
interface Judged {
  model: Trained;
  table: EmbeddingTable;
  space: FeatureSpace;
  roles: Roles;
  examples: Examples;
  threads: number;
}

/** The metrics of the training part, from the epoch that the model is of. */
export function trainMetrics({ epochs, bestEpoch, loss }: Trained, task: FmTask): Metrics {
  const { trainLoss } = epochs[bestEpoch - 1]!;
  if (task === "implicit") return { loss: trainLoss };
  return loss === "logistic" ? { logLoss: trainLoss } : { rmse: Math.sqrt(trainLoss) };
}

/** What computes the metrics of a part's rows. */
export function judgeOf(judged: Judged, { signal }: Watch): (rows: FeatureRows) => Promise<Metrics> {
  const { model, table, examples, threads } = judged;
  const { task, train, labelRange } = examples;
  return async (rows) => {
    if (task === "implicit") {
      if (train.kind !== "resident") throw new RangeError("events of --task implicit are resident");
      return await rankingMetricsOf(table, judged, { train: train.rows, part: rows }, { threads, signal });
    }
    const scores = await model.score(rows, { threads });
    return metricsOf(task, scores, rows.labels, {
      clip: { min: labelRange[0], max: labelRange[1] },
      ...(rows.weights && { weights: rows.weights }),
    });
  };
}
