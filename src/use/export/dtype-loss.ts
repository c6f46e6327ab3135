// Measures the cost of --dtype: the share of nearest neighbors that stay the same if vectors have fewer bits, and the
// change of a metric on held-out rows.
//
// Samples at most 20,000 of the exported rows by a hash of the row number. For 200 rows of the sample, finds the 20
// nearest rows (in the sample, of the same field, by cosine) among exact vectors and among decoded vectors. Rows
// without a key and zero vectors are left out. Only the sample is in memory.

import { decoded, encoded, type Dtype } from "../../export/dtype.js";
import type { CodeType } from "../../table/search-codes.js";
import type { TableRows } from "../../table/rows.js";
import { isHole, rowsOf, type EmbeddingTable } from "../../table/table.js";
import { titleOf } from "../../metrics/metrics.js";
import { draw } from "../../base/numeric/random.js";
import { ranksItems } from "../../dataset/labels.js";
import type { Compared } from "../../metrics/comparison.js";
import type { Interval } from "../../metrics/user-metric.js";
import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { defaultReadOptions, type ReadOptions } from "../../log/log.js";
import { capable, modelOf } from "../../trainers/index.js";
import { readPreprocess } from "../../training/capabilities/run-space.js";
import { compositionOf, type Compose } from "../compose.js";
import { composed } from "../composed-items.js";
import { measureRankings } from "../rank-items/measure.js";
import { scoreRows } from "../predict/scored-rows.js";
import type { Watch } from "../../training/session/watch.js";

/** How rows are written: the type, and a function that returns what a reader decodes of rows of one field. */
export interface WrittenAs {
  dtype: Dtype | CodeType;
  read: (vectors: Float32Array, dim: number) => Float32Array | Promise<Float32Array>;
  /** true for codes, with which a search finds a shortlist that the exact vectors rank */
  isSearched?: boolean;
}

/** Numbers of fewer bits. */
export function numberType(dtype: Dtype): WrittenAs {
  return { dtype, read: (vectors, dim) => decoded(encoded(vectors, dim, dtype), dim, dtype) };
}

const [SEED, MOST_ROWS, MOST_QUERIES, NEAREST] = [1, 20_000, 200, 20];
/** Length of the list by codes that exact vectors rank. */
const SHORTLIST = 4 * NEAREST;

export interface DtypeLoss extends Partial<DtypeHeldOutLoss> {
  dtype: WrittenAs["dtype"];
  /** mean share of a row's 20 nearest rows that stay among its 20 nearest, 0 to 1; NaN if no field has two rows */
  neighborRecallAt20: number;
  /** the share among the 80 nearest by the codes, which exact vectors rank; only for codes */
  rescoredRecallAt20?: number;
  queries: number;
  among: number;
}

/** Vectors scaled to length 1: the exact vectors, and the decoded vectors. */
interface Sample {
  fieldOf: number[];
  exact: Float32Array[];
  approximate: Float32Array[];
}

/** Measures the loss on a sample, the same one for the same rows. @throws {DataError} a value is too large for f16 */
export async function dtypeLoss(
  rows: TableRows,
  field: string | undefined,
  written: WrittenAs,
): Promise<DtypeLoss> {
  const { dtype, isSearched = false } = written;
  const sample = await sampledVectors(rows, field, written);
  const among = sample.exact.length;
  const queries = Math.min(MOST_QUERIES, among);
  let sum = 0;
  let rescored = 0;
  let asked = 0;
  for (let q = 0; q < queries; q++) {
    const query = Math.floor((q * among) / queries);
    const expected = nearest(sample.exact, sample.fieldOf, query);
    if (expected.length === 0) continue;
    const got = nearest(sample.approximate, sample.fieldOf, query, isSearched ? SHORTLIST : NEAREST);
    const shareIn = (some: readonly number[]) =>
      expected.filter((row) => some.includes(row)).length / expected.length;
    sum += shareIn(got.slice(0, NEAREST));
    rescored += shareIn(got);
    asked++;
  }
  return {
    ...{ dtype, neighborRecallAt20: sum / asked, queries: asked, among },
    ...(isSearched && { rescoredRecallAt20: rescored / asked }),
  };
}

export function lossTexts(loss: DtypeLoss): string[] {
  const { dtype, neighborRecallAt20: recall, queries, among, metric, exact, encoded: other, change } = loss;
  const rescoredText =
    loss.rescoredRecallAt20 === undefined
      ? ""
      : `, ${(100 * loss.rescoredRecallAt20).toFixed(2)}% after ranking the best ${SHORTLIST} by exact vectors`;
  const neighbors = Number.isNaN(recall)
    ? `--dtype ${dtype}: its loss is not measured: no field has two rows that are not zero`
    : `--dtype ${dtype}: ${(100 * recall).toFixed(2)}% of the 20 nearest rows by cosine are unchanged ` +
      `(${queries} queries among ${among} rows)${rescoredText}`;
  if (metric === undefined) return [neighbors];
  const rounded = (x: number): number => Number(x.toPrecision(2));
  const { on, interval } = loss;
  const lossText = (what: string, value: number, by: number, sure?: Interval) =>
    `--dtype ${dtype}: ${titleOf(metric)} on ${on}${what} is ${value.toFixed(4)}, exact ${exact!.toFixed(4)} (change ` +
    `${rounded(by)}${sure ? `, 95 % interval ${rounded(sure.low)} to ${rounded(sure.high)}` : ""})`;
  const { rescored } = loss;
  return [
    neighbors,
    lossText("", other!, change!, interval),
    ...(rescored
      ? [lossText(" with exact ranks of the best 80", rescored.value, rescored.change, rescored.interval)]
      : []),
  ];
}

async function sampledVectors(
  rows: TableRows,
  field: string | undefined,
  { read }: WrittenAs,
): Promise<Sample> {
  const f = field === undefined ? undefined : rows.fields.indexOf(field);
  const bound = Math.min(1, MOST_ROWS / rows.numRows) * 2 ** 32;
  const sample: Sample = { fieldOf: [], exact: [], approximate: [] };
  for await (const { start, table } of rows.batches()) {
    const { dim } = table;
    const picked: Float32Array[] = [];
    for (let row = 0; row < table.numRows; row++) {
      if (draw(SEED, start + row) >= bound || isHole(table, row)) continue;
      if (f !== undefined && table.fieldOf[row] !== f) continue;
      const vector = table.vectors.slice(row * dim, (row + 1) * dim);
      if (vector.every((x) => x === 0)) continue;
      sample.fieldOf.push(table.fieldOf[row]!);
      sample.exact.push(unit(vector));
      picked.push(vector);
    }
    const all = new Float32Array(picked.length * dim);
    picked.forEach((vector, i) => all.set(vector, i * dim));
    const seen = picked.length > 0 ? await read(all, dim) : all;
    picked.forEach((_, i) => sample.approximate.push(unit(seen.slice(i * dim, (i + 1) * dim))));
  }
  return sample;
}

/** Returns the rows of the query's field with the greatest dot products; equal ones in the order of the rows. */
export function nearest(
  vectors: readonly Float32Array[],
  fieldOf: readonly number[],
  query: number,
  top = NEAREST,
): number[] {
  const asked = vectors[query]!;
  const best: { row: number; score: number }[] = [];
  vectors.forEach((vector, row) => {
    if (row === query || fieldOf[row] !== fieldOf[query]) return;
    let score = 0;
    for (let d = 0; d < vector.length; d++) score += vector[d]! * asked[d]!;
    if (best.length === top && score <= best[top - 1]!.score) return;
    let at = best.length;
    while (at > 0 && best[at - 1]!.score < score) at--;
    best.splice(at, 0, { row, score });
    if (best.length > top) best.pop();
  });
  return best.map(({ row }) => row);
}

export function unit(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return vector.map((x) => (norm > 0 ? x / norm : 0));
}

// The cost on held-out rows is the metric of the run's task for exact vectors, and for vectors as a reader decodes them.
//
//   table with items composed as in the export ──► encoded and decoded ──► the model's rows ──► evaluation
//
// Weights, w0, out-of-vocabulary rows and fields that are not exported keep their trained values. The error e of a
// composed item is added to the row of its id, and <e, other rows> is subtracted from its weight, because a reader has
// the exact bias of the item:
//
//   <s, c + e> + b   with c = v + others, b its bias:   v' = v + e,  w' = w - <e, others>

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
  /** the metric of lists of the best 80 items by codes, ranked by exact vectors; only for codes and rankings */
  rescored?: { value: number; change: number; interval?: Interval };
}

interface Written extends WrittenAs {
  fields: readonly string[] | undefined;
  compose: Compose | undefined;
}

export async function heldOutLoss(
  run: Run,
  written: Written,
  { on, part }: { on?: string[]; part?: "valid" | "test" },
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
  const table = await tableAsRead(run, written);
  const reading = { ...defaultReadOptions, ...(run.manifest.options["reading"] as Partial<ReadOptions>) };
  const ranks = ranksItems(preprocess.task);
  const runs = [
    { run, name: "exact" },
    { run, name: written.dtype, table },
    ...(ranks && written.isSearched ? [{ run, name: "rescored", shortlist: table }] : []),
  ];
  const asked = { on, part, reading, ...(ranks && { k: [20], repeats: "mask" as const }) };
  const { compared } = ranks
    ? await measureRankings(runs, asked, watch)
    : await scoreRows(runs, asked, watch);
  const [exact, other, rescored] = compared;
  const metric = ranks ? "recallAt20" : preprocess.task === "regression" ? "rmse" : "auc";
  const values = [exact, other].map((one) => one!.metrics[metric]);
  if (values.some((value) => value === undefined || Number.isNaN(value)))
    throw new UsageError(
      `${metric} is undefined on ${part ? `the ${part} split` : on!.join(", ")}: too few rows, or only one ` +
        "class",
    );
  const lossOf = ({ metrics, toFirst }: Compared) => {
    const { difference: _, ...interval } = toFirst[metric] ?? {};
    const change = metrics[metric]! - values[0]!;
    return { change, ...("low" in interval && { interval: interval as Interval }) };
  };
  return {
    on: part ?? on!.join(", "),
    metric,
    exact: values[0]!,
    encoded: values[1]!,
    ...lossOf(other!),
    ...(rescored && { rescored: { value: rescored.metrics[metric]!, ...lossOf(rescored) } }),
  };
}

/**
 * Returns the run's table, in which the exported rows have the vectors that a reader decodes. With it, the model scores
 * like the reader.
 *
 * @throws {UsageError} composed items have vectors of another dimension
 * @throws {DataError} a value is too large for f16
 */
export async function tableAsRead(
  run: Run,
  { fields, compose, read: readBack }: Written,
): Promise<EmbeddingTable> {
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
    const read = await readBack(exact.vectors.slice(first * dim, last * dim), dim);
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
