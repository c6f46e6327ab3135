// A column of ids as a column of numbers: what the target was, on the average, in the earlier rows of the row's id.
//
//   training rows   by the rows of the id that come before, in time or in a seeded permutation; rows of one time do not see each
//                   other, and a row without a time sees none and is seen by none
//   other rows      by all training rows of the id; an unknown id is the prior, a missing one is missing
//
//   value = (sum of w y + a p) / (sum of w + a)      p the prior, a its weight
//
// Of several classes there is a column a class: the share of its rows. Twin: target-statistics.reference.ts.
// Source: Prokhorenkova et al. 2018 (arXiv:1706.09516), section 3.2. Deviation: one permutation, where CatBoost has several.

import { MISSING, selectKeys, keysOf, keyAt, type Keys } from "../../log/keys.js";
import { columnNamed, columnOfOption, type Dataset, type KeyColumn } from "../../dataset/dataset.js";
import { idsOf } from "../../dataset/vocabulary.js";
import { ArtifactError, UsageError } from "../../errors.js";
import { list, number, object, parseJsonLines, text } from "../../io/json-shape.js";
import { draw, permutation } from "../../numeric/random.js";

/** Full statistics of one id column and one target. */
export interface TargetStatistics {
  /** the ids' column */
  column: string;
  /** the column that is made */
  name: string;
  keys: Keys;
  /** f64 by key: sums of w y, and of w */
  sums: Float64Array;
  weights: Float64Array;
  prior: number;
  priorWeight: number;
}

export interface CtrOptions {
  columns: string[];
  /** the id columns stay features beside their statistics */
  keep: boolean;
  /** p; the weighted mean of the training rows' targets when absent */
  prior?: number;
  /** a */
  priorWeight: number;
  seed: number;
}

/** Training rows with what is averaged. */
interface Targets {
  dataset: Dataset;
  /** u32: rows of the dataset */
  rows: Uint32Array;
  /** f32[rows.length] */
  labels: Float32Array;
  weights?: Float32Array;
}

/** Statistics with the column that they make of the dataset they were fitted on. */
export interface FittedStatistics {
  statistics: TargetStatistics[];
  /** by name; f64 by row: ordered for the training rows, full for the others */
  values: Map<string, Float64Array>;
}

/**
 * Fits the statistics of all columns.
 *
 * @param classes names of several classes, whose numbers the labels are
 * @throws {UsageError} a column that holds no ids
 */
export function fitTargetStatistics(
  train: Targets,
  { columns, prior, priorWeight, seed }: CtrOptions,
  classes?: readonly string[],
): FittedStatistics {
  const groups = groupsInOrder(train, seed);
  const targets = classes
    ? classes.map((name, k) => ({
        suffix: `=${name}`,
        y: train.labels.map((label) => (label === k ? 1 : 0)),
      }))
    : [{ suffix: "", y: train.labels }];
  const fitted = columns.flatMap((column) =>
    targets.map(({ suffix, y }) => {
      const p = prior ?? meanOf(y, train.weights);
      return fitColumn(
        idColumn(train.dataset, column),
        `ctr:${column}${suffix}`,
        train,
        y,
        groups,
        p,
        priorWeight,
      );
    }),
  );
  return {
    statistics: fitted.map(({ statistics }) => statistics),
    values: new Map(fitted.map(({ statistics: { name }, values }) => [name, values])),
  };
}

function idColumn(dataset: Dataset, name: string): KeyColumn {
  const column = columnOfOption(dataset, "--ctr", name);
  if (column.kind !== "key") throw new UsageError(`--ctr names column '${name}', which is not an id column`);
  return column;
}

/** Positions of the training rows in groups that do not see one another, in order; those without a time are in none. */
function groupsInOrder({ dataset, rows }: Targets, seed: number): Uint32Array[] {
  const { time } = dataset.roles;
  const column = time === undefined ? undefined : columnNamed(dataset, time);
  if (column?.kind !== "number")
    return Array.from(permutation(rows.length, draw(seed, 0xc72)), (i) => Uint32Array.of(i));
  const at = Float64Array.from(rows, (row) => column.values[row]!);
  const order = Uint32Array.from(at.keys())
    .filter((i) => !Number.isNaN(at[i]!))
    .sort((a, b) => at[a]! - at[b]! || a - b);
  const groups: Uint32Array[] = [];
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && at[order[to]!] === at[order[from]!]) to++;
    groups.push(order.subarray(from, to));
    from = to;
  }
  return groups;
}

function fitColumn(
  { dictionary, codes, name: column }: KeyColumn,
  name: string,
  { dataset, rows, weights: w }: Targets,
  y: Float32Array,
  groups: readonly Uint32Array[],
  prior: number,
  priorWeight: number,
): { statistics: TargetStatistics; values: Float64Array } {
  const sums = new Float64Array(dictionary.size);
  const weights = new Float64Array(dictionary.size);
  const mean = (code: number) =>
    code === MISSING ? NaN : (sums[code]! + priorWeight * prior) / (weights[code]! + priorWeight);
  const add = (i: number): void => {
    const code = codes[rows[i]!]!;
    if (code === MISSING) return;
    const weight = w ? w[i]! : 1;
    sums[code]! += weight * y[i]!;
    weights[code]! += weight;
  };

  // a row takes the statistics as they are before it, then a group's rows join them
  const ordered = Float64Array.from(rows, (row) => (codes[row] === MISSING ? NaN : prior));
  const isIn = new Uint8Array(rows.length);
  for (const group of groups) {
    for (const i of group) ordered[i] = mean(codes[rows[i]!]!);
    for (const i of group) {
      add(i);
      isIn[i] = 1;
    }
  }
  isIn.forEach((is, i) => is || add(i));

  const values = Float64Array.from({ length: dataset.numRows }, (_, row) => mean(codes[row]!));
  rows.forEach((row, i) => (values[row] = ordered[i]!));
  const known = Uint32Array.from(weights.keys()).filter((code) => weights[code]! > 0);
  return {
    statistics: {
      column,
      name,
      keys: selectKeys(dictionary, known),
      sums: Float64Array.from(known, (code) => sums[code]!),
      weights: Float64Array.from(known, (code) => weights[code]!),
      prior,
      priorWeight,
    },
    values,
  };
}

function meanOf(y: Float32Array, weights: Float32Array | undefined): number {
  let [sum, total] = [0, 0];
  y.forEach((label, i) => {
    const w = weights ? weights[i]! : 1;
    sum += w * label;
    total += w;
  });
  return sum / total;
}

/** The dataset with a column for each of the statistics. @param values of them; the full ones when absent */
export function withTargetStatistics(
  dataset: Dataset,
  statistics: readonly TargetStatistics[],
  values: ReadonlyMap<string, Float64Array> = new Map(),
): Dataset {
  const made = statistics.map((own) => ({
    kind: "number" as const,
    name: own.name,
    values: values.get(own.name) ?? fullValues(dataset, own),
  }));
  return { ...dataset, columns: [...dataset.columns, ...made] };
}

function fullValues(dataset: Dataset, { column, keys, sums, weights, prior, priorWeight }: TargetStatistics) {
  const { dictionary, codes } = idColumn(dataset, column);
  const ids = idsOf({ keys }, dictionary);
  const byCode = Float64Array.from(ids, (id) =>
    id === 0 ? prior : (sums[id - 1]! + priorWeight * prior) / (weights[id - 1]! + priorWeight),
  );
  return Float64Array.from(codes, (code) => (code === MISSING ? NaN : byCode[code]!));
}

type StoredStatistics = Omit<TargetStatistics, "keys" | "sums" | "weights"> & {
  keys: string[];
  sums: number[];
  weights: number[];
};

const statisticsShape = object({
  ...{ column: text, name: text, prior: number, priorWeight: number },
  ...{ keys: list(text), sums: list(number), weights: list(number) },
});

/** model/ctr.jsonl: a line for each of the statistics. */
export function statisticsText(statistics: readonly TargetStatistics[]): string {
  return statistics
    .map(({ keys, sums, weights, ...rest }) => {
      const texts = Array.from({ length: keys.size }, (_, key) => keyAt(keys, key));
      return `${JSON.stringify({ ...rest, keys: texts, sums: [...sums], weights: [...weights] })}\n`;
    })
    .join("");
}

/** @throws {ArtifactError} not what statisticsText writes */
export function readStatistics(bytes: Uint8Array, file: string): TargetStatistics[] {
  return (parseJsonLines(bytes, statisticsShape, file) as StoredStatistics[]).map(
    ({ keys, sums, weights, ...rest }) => {
      if (keys.length !== sums.length || keys.length !== weights.length)
        throw new ArtifactError(`'${file}' has ${keys.length} keys and ${sums.length} sums: train again`);
      return {
        ...rest,
        keys: keysOf(keys),
        sums: Float64Array.from(sums),
        weights: Float64Array.from(weights),
      };
    },
  );
}
