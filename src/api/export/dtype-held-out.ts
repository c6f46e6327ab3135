// Measures the cost of --dtype on held-out rows: the metric of the run's task for exact vectors, and for vectors as a
// reader decodes them.
//
//   table with items composed as in the export ──► encoded and decoded ──► the model's rows ──► evaluation
//
// Weights, w0, out-of-vocabulary rows and fields that are not exported keep their trained values. The error e of a
// composed item is added to the row of its id, and <e, other rows> is subtracted from its weight, because a reader has
// the exact bias of the item:
//
//   <s, c + e> + b   with c = v + others, b its bias:   v' = v + e,  w' = w - <e, others>

import { ranksItems } from "../../dataset/labels.js";
import type { Interval } from "../../evaluation/user-metric.js";
import { decoded, encoded, type Dtype } from "../../export/dtype.js";
import type { Run } from "../../embedding/run-directory.js";
import { rowsOf, type EmbeddingTable } from "../../embedding/table.js";
import { UsageError } from "../../errors.js";
import { defaultReadOptions, type ReadOptions } from "../../log/log.js";
import { capable, modelOf } from "../../trainers/index.js";
import { readPreprocess } from "../../training/capabilities/run-space.js";
import { compositionOf, type Compose } from "../compose.js";
import { composed } from "../composed-items.js";
import { measureRankings } from "../../ranking/measure.js";
import { scoreRows } from "../scored-rows.js";
import type { Watch } from "../../training/session/watch.js";

export interface DtypeHeldOutLoss {
  /** the evaluated split, or the files of the evaluated log */
  on: string;
  /** name of the metric: auc, rmse or recallAt20, depending on the run's task */
  metric: string;
  exact: number;
  /** metric for the vectors with fewer bits */
  encoded: number;
  /** the metric for vectors with fewer bits minus that for exact vectors */
  change: number;
  /** 95 % bootstrap interval of the change over users (or over rows without users); absent if it is unknown */
  interval?: Interval;
}

export interface HeldOutData {
  /** files of a log that was not used for training */
  on?: string[];
  /** if `on` is absent: the name of a held-out split of the run */
  part?: "valid" | "test";
}

export interface Written {
  /** names of the exported fields; all fields when undefined */
  fields: readonly string[] | undefined;
  compose: Compose | undefined;
  dtype: Dtype;
}

/**
 * Evaluates a run with its exact vectors, and with the vectors that a reader of the export decodes.
 *
 * @throws {UsageError} the run's scores do not come from its table, or the split or the log cannot be read
 * @throws {DataError} a value is too large for f16
 */
export async function heldOutLoss(
  run: Run,
  written: Written,
  { on, part }: HeldOutData,
  watch: Watch,
): Promise<DtypeHeldOutLoss> {
  await capable(
    run,
    "scoresBy",
    "cannot be evaluated by the vectors of its table (--on, --part)",
    "Omit --on and --part: the share of unchanged neighbors is reported without them",
  );
  const preprocess = await readPreprocess(run);
  if (preprocess.hashKeys)
    throw new UsageError(
      `the ids of run '${run.path}' are hashed, and export has no option for the secret: omit --on and --part`,
    );
  const runs = [
    { run, name: "exact" },
    { run, name: written.dtype, table: await tableAsRead(run, written) },
  ];
  const reading = { ...defaultReadOptions, ...(run.manifest.options["reading"] as Partial<ReadOptions>) };
  const ranks = ranksItems(preprocess.task);
  const asked = { on, part, reading, ...(ranks && { k: [20], repeats: "mask" as const }) };
  const { compared } = ranks
    ? await measureRankings(runs, asked, watch)
    : await scoreRows(runs, asked, watch);
  const [exact, other] = compared;
  const metric = ranks ? "recallAt20" : preprocess.task === "regression" ? "rmse" : "auc";
  const values = [exact, other].map((one) => one!.metrics[metric]);
  if (values.some((value) => value === undefined || Number.isNaN(value)))
    throw new UsageError(
      `${metric} is undefined on ${part ? `the ${part} split` : on!.join(", ")}: too few rows, or only one ` +
        "class",
    );
  const { difference: _, ...interval } = other!.toFirst[metric] ?? {};
  return {
    on: part ?? on!.join(", "),
    metric,
    exact: values[0]!,
    encoded: values[1]!,
    change: values[1]! - values[0]!,
    ...("low" in interval && { interval: interval as Interval }),
  };
}

/**
 * Returns the run's table, in which the exported rows have the vectors that a reader decodes. With it, the model scores
 * like the reader.
 *
 * @throws {UsageError} composed items have vectors of another dimension
 * @throws {DataError} a value is too large for f16
 */
export async function tableAsRead(run: Run, { fields, compose, dtype }: Written): Promise<EmbeddingTable> {
  const table = await run.readTable();
  const composition = await compositionOf(run, table.fields, compose);
  const exact = composition ? (await composed(table, composition)).table : table;
  const { dim } = table;
  if (exact.dim !== dim)
    throw new UsageError(
      "a field-aware model does not score rows by composed item vectors: use --compose none",
    );
  const [vectors, weights] = [table.vectors.slice(), table.weights?.slice()];
  for (const field of fields ?? table.fields) {
    const { first, last } = rowsOf(table, field);
    const read = decoded(encoded(exact.vectors.slice(first * dim, last * dim), dim, dtype), dim, dtype);
    for (let row = first; row < last; row++) {
      let within = 0;
      for (let d = 0; d < dim; d++) {
        const [i, at] = [row * dim + d, (row - first) * dim + d];
        const others = exact.vectors[i]! - table.vectors[i]!;
        const error = read[at]! - exact.vectors[i]!;
        vectors[i] = others === 0 ? read[at]! : table.vectors[i]! + error;
        within += error * others;
      }
      if (weights) weights[row]! -= within;
    }
  }
  if ((await modelOf(run))?.scoresBy === "weights") return { ...table, vectors, weights: vectors.slice() };
  return { ...table, vectors, ...(weights && { weights }) };
}
