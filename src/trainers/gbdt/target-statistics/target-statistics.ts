// Replaces an id column, or a combination of several, by a numeric column: the mean target of the earlier rows with the
// same id.
//
//   training rows   the id's rows that come before, in time or in seeded permutations, over which values are averaged;
//                   rows with equal times do not see each other, and a row without a time sees none and is seen by none
//   other rows      all training rows of the id; an unknown id gets the prior, a missing one stays missing
//
//   value = (sum of w y + a p) / (sum of w + a)      p the prior, a its weight
//
// With several classes there is a column per class: the share of its rows. Reference implementation:
// target-statistics.reference.ts. Source: Prokhorenkova et al. 2018 (arXiv:1706.09516), sections 3.2 and 4. Deviation:
// the values of several permutations are averaged, where CatBoost grows each tree on those of one.

import { doublesAt, mapTo } from "../../../base/numeric/indices.js";
import { MISSING, selectKeys, encodeKeys, keyAt, type Keys } from "../../../log/keys.js";
import {
  columnNamed,
  columnOfOption,
  type Dataset,
  type KeyColumn,
  type NumberColumn,
} from "../../../dataset/dataset.js";
import { idsOf } from "../../../dataset/vocabulary/vocabulary.js";
import { ArtifactError, UsageError } from "../../../base/errors.js";
import { list, number, object, parseJsonLines, text, type Shape } from "../../../base/io/json-shape.js";
import { draw, permutation } from "../../../base/numeric/random.js";
import { ABSENT, parseCombination, tuplesOf } from "./combinations.js";

/** Statistics of one target over all training rows. */
export interface TargetStatistics {
  columns: string[];
  /** of the column that the statistics add to a dataset */
  name: string;
  /** for each of the columns */
  keys: Keys[];
  /** f64 each, for each id */
  sums: Float64Array;
  weights: Float64Array;
  prior: number;
  priorWeight: number;
}

export interface CtrOptions {
  /** id columns and combinations, such as user*hour */
  columns: string[];
  keep: boolean;
  /** prior p: value of ids without rows; absent: the weighted mean target of the training rows */
  prior?: number;
  /** a, as a number of rows */
  priorWeight: number;
  /** of the rows; a row's value is the mean of its values in all of them. Unused with an order by time */
  permutations: number;
  seed: number;
}

export interface Targets {
  dataset: Dataset;
  rows: Uint32Array;
  /** f32[rows.length] */
  labels: Float32Array;
  weights?: Float32Array;
}

/** With the columns that they add to the dataset on which they were fitted. */
interface FittedStatistics {
  statistics: TargetStatistics[];
  /** f64 by row, by name of the column: ordered statistics for training rows, those of all of them for other rows */
  values: Map<string, Float64Array>;
}

/** Each distinct combination takes 24 bytes and its keys, in memory and in model/ctr.jsonl. */
export const MAX_COMBINATIONS = 2 ** 21;

/** @param classes names of the classes, if labels are class numbers */
export function fitTargetStatistics(
  train: Targets,
  { columns, prior, priorWeight, permutations, seed }: CtrOptions,
  classes?: readonly string[],
): FittedStatistics {
  const orders = rowOrders(train, permutations, seed);
  const targets = targetsOf(train.labels, classes);
  let combinations = 0;
  const fitted = columns.flatMap((column) => {
    const ids = idsOfTraining(train, column);
    if (ids.columns.length > 1) combinations += ids.size * targets.length;
    if (combinations > MAX_COMBINATIONS) throw tooMany(column, ids.size);
    return targets.map(({ suffix, y }) => {
      const p = prior ?? weightedMeanLabel(y, train.weights);
      return fitColumn(ids, `ctr:${column}${suffix}`, train, y, orders, p, priorWeight);
    });
  });
  return {
    statistics: fitted.map(({ statistics }) => statistics),
    values: new Map(fitted.map(({ statistics: { name }, values }) => [name, values])),
  };
}

function tooMany(column: string, size: number): UsageError {
  return new UsageError(
    `--ctr ${column} has ${size} different combinations in the training rows, and all combinations together may have ` +
      `${MAX_COMBINATIONS}: combine columns with fewer values, or name fewer combinations`,
  );
}

/** The labels, or, for each class, 1 for rows of the class and 0 for others. */
export function targetsOf(
  labels: Float32Array,
  classes?: readonly string[],
): { suffix: string; y: Float32Array }[] {
  if (!classes) return [{ suffix: "", y: labels }];
  return classes.map((name, k) => ({
    suffix: `=${name}`,
    y: labels.map((label) => (label === k ? 1 : 0)),
  }));
}

const keysOfNumbers = new WeakMap<NumberColumn, KeyColumn>();

/** Returns a column of keys. Numbers of a column that trees split by ranges are keys here. */
export function idColumn(dataset: Dataset, name: string): KeyColumn {
  const column = columnOfOption(dataset, "--ctr", name);
  if (column.kind === "number") {
    const own = keysOfNumbers.get(column) ?? numbersAsKeys(column);
    keysOfNumbers.set(column, own);
    return own;
  }
  if (column.kind !== "key") throw new UsageError(`--ctr names column '${name}', which is not an id column`);
  return column;
}

function numbersAsKeys({ name, values }: NumberColumn): KeyColumn {
  const found = new Map<number, number>();
  const codes = mapTo(Uint32Array, values, (x) => {
    if (Number.isNaN(x)) return MISSING;
    if (!found.has(x)) found.set(x, found.size);
    return found.get(x)!;
  });
  return { kind: "key", name, codes, dictionary: encodeKeys(Array.from(found.keys(), String)) };
}

interface Ids {
  columns: KeyColumn[];
  size: number;
  /** u32[numRows]: number of each row's id; MISSING, or ABSENT if no training row has the combination */
  codes: Uint32Array;
}

function idsOfTraining({ dataset, rows }: Targets, name: string): Ids {
  const columns = parseCombination(name).map((part) => idColumn(dataset, part));
  const [first] = columns;
  if (columns.length === 1) return { columns, size: first!.dictionary.size, codes: first!.codes };
  const { size, find } = tuplesOf(
    columns.map(({ codes }) => rows.map((row) => codes[row]!)),
    columns.map(({ dictionary }) => dictionary.size),
  );
  return { columns, size, codes: find(columns.map(({ codes }) => codes)) };
}

/** A row's statistics come from rows of earlier groups. Rows in no group affect no other row, and none affects them. */
export interface GroupedRowOrder {
  /** u32: the training rows in order, each as its position among the training rows */
  positions: Uint32Array;
  /** u32: index in `positions` of the end of each group */
  ends: Uint32Array;
}

/** The order by time or, without times, a number of permutations. */
export function rowOrders({ dataset, rows }: Targets, permutations: number, seed: number): GroupedRowOrder[] {
  const { time } = dataset.roles;
  const column = time === undefined ? undefined : columnNamed(dataset, time);
  if (column?.kind !== "number") {
    const ends = mapTo(Uint32Array, rows, (_, i) => i + 1);
    return Array.from({ length: permutations }, (_, p) => ({
      positions: permutation(rows.length, draw(seed, 0xc72 + (p << 12))),
      ends,
    }));
  }
  const at = doublesAt(column.values, rows);
  const positions = Uint32Array.from(at.keys())
    .filter((i) => !Number.isNaN(at[i]!))
    .sort((a, b) => at[a]! - at[b]! || a - b);
  const isLast = (i: number) => i + 1 === positions.length || at[positions[i + 1]!] !== at[positions[i]!];
  return [
    {
      positions,
      ends: Uint32Array.from(positions.keys())
        .filter(isLast)
        .map((i) => i + 1),
    },
  ];
}

function fitColumn(
  { columns, size, codes }: Ids,
  name: string,
  { dataset, rows, weights: w }: Targets,
  y: Float32Array,
  orders: readonly GroupedRowOrder[],
  prior: number,
  priorWeight: number,
): { statistics: TargetStatistics; values: Float64Array } {
  const sums = new Float64Array(size);
  const weights = new Float64Array(size);
  const mean = (code: number) => {
    if (code === MISSING) return NaN;
    return code === ABSENT ? prior : (sums[code]! + priorWeight * prior) / (weights[code]! + priorWeight);
  };
  const add = (i: number): void => {
    const code = codes[rows[i]!]!;
    if (code === MISSING) return;
    const weight = w ? w[i]! : 1;
    sums[code]! += weight * y[i]!;
    weights[code]! += weight;
  };

  // a row's value is computed from rows of earlier groups; after that, the rows of its group are added to the sums
  const ordered = mapTo(Float64Array, rows, (row) => (codes[row] === MISSING ? NaN : prior));
  const isIn = new Uint8Array(rows.length);
  orders.forEach(({ positions, ends }, o) => {
    sums.fill(0);
    weights.fill(0);
    let from = 0;
    for (const end of ends) {
      for (let at = from; at < end; at++) {
        const i = positions[at]!;
        const own = mean(codes[rows[i]!]!);
        // updates the mean of the row's target statistic over the random orders of the rows so far
        ordered[i] = o === 0 ? own : ordered[i]! + (own - ordered[i]!) / (o + 1);
      }
      for (; from < end; from++) {
        add(positions[from]!);
        isIn[positions[from]!] = 1;
      }
    }
  });
  isIn.forEach((is, i) => is || add(i));

  const values = mapTo(Float64Array, { length: dataset.numRows }, (_, row) => mean(codes[row]!));
  rows.forEach((row, i) => (values[row] = ordered[i]!));
  const known = Uint32Array.from(weights.keys()).filter((code) => weights[code]! > 0);
  const firstRow = new Uint32Array(size);
  for (const row of rows.toReversed()) if (codes[row] !== MISSING) firstRow[codes[row]!] = row;
  return {
    statistics: {
      columns: columns.map((column) => column.name),
      name,
      keys: columns.map((column) =>
        selectKeys(
          column.dictionary,
          known.map((code) => column.codes[firstRow[code]!]!),
        ),
      ),
      sums: doublesAt(sums, known),
      weights: doublesAt(weights, known),
      prior,
      priorWeight,
    },
    values,
  };
}

function weightedMeanLabel(y: Float32Array, weights: Float32Array | undefined): number {
  let [sum, total] = [0, 0];
  y.forEach((label, i) => {
    const w = weights ? weights[i]! : 1;
    sum += w * label;
    total += w;
  });
  return sum / total;
}

/** @param values by name of the column; absent: computed from the statistics of all training rows */
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

function fullValues(dataset: Dataset, own: TargetStatistics): Float64Array {
  const { sums, weights, prior, priorWeight } = own;
  const places = positionsInStatistics(dataset, own);
  return mapTo(Float64Array, places, (id) => {
    if (id === MISSING) return NaN;
    return id === ABSENT ? prior : (sums[id]! + priorWeight * prior) / (weights[id]! + priorWeight);
  });
}

/** u32 by row: index of the row's id in the statistics; ABSENT if they do not contain it. */
function positionsInStatistics(dataset: Dataset, { columns: names, keys }: TargetStatistics): Uint32Array {
  const columns = names.map((name) => idColumn(dataset, name));
  const [first] = columns;
  if (columns.length === 1) {
    const ids = idsOf({ keys: keys[0]! }, first!.dictionary);
    return first!.codes.map((code) =>
      code === MISSING ? MISSING : ids[code] === 0 ? ABSENT : ids[code]! - 1,
    );
  }
  // converts the stored ids to codes of this dataset; an id with a key that the dataset lacks matches no row
  const stored = columns.map(({ dictionary }, c) =>
    idsOf({ keys: dictionary }, keys[c]!).map((id) => (id === 0 ? ABSENT : id - 1)),
  );
  const { size, find } = tuplesOf(
    stored,
    columns.map(({ dictionary }) => dictionary.size),
  );
  const places = new Uint32Array(size);
  find(stored).forEach((tuple, place) => {
    if (tuple !== ABSENT) places[tuple] = place;
  });
  return find(columns.map(({ codes }) => codes)).map((tuple) => (tuple >= ABSENT ? tuple : places[tuple]!));
}

type Numbers = Pick<TargetStatistics, "name" | "prior" | "priorWeight"> & {
  sums: number[];
  weights: number[];
};
type StoredStatistics = Numbers &
  ({ column: string; keys: string[] } | { columns: string[]; keys: string[][] });

const numbers = {
  ...{ name: text, prior: number, priorWeight: number },
  ...{ sums: list(number), weights: list(number) },
};
const ofColumn = object({ ...numbers, column: text, keys: list(text) });
const ofColumns = object({ ...numbers, columns: list(text), keys: list(list(text)) });
const statisticsShape: Shape = (value, at) =>
  (typeof value === "object" && value !== null && "columns" in value ? ofColumns : ofColumn)(value, at);

/** A line for each of the statistics; for a combination, `keys` has a list per column. */
export function statisticsText(statistics: readonly TargetStatistics[]): string {
  return statistics
    .map(({ columns, keys, sums, weights, name, prior, priorWeight }) => {
      const texts = keys.map((own) => Array.from({ length: own.size }, (_, key) => keyAt(own, key)));
      const alone = columns.length === 1;
      const stored = {
        ...(alone ? { column: columns[0] } : { columns }),
        ...{ name, prior, priorWeight },
        keys: alone ? texts[0] : texts,
        ...{ sums: [...sums], weights: [...weights] },
      };
      return `${JSON.stringify(stored)}\n`;
    })
    .join("");
}

export function readStatistics(bytes: Uint8Array, file: string): TargetStatistics[] {
  return (parseJsonLines(bytes, statisticsShape, file) as StoredStatistics[]).map((stored) => {
    const { name, prior, priorWeight, sums, weights } = stored;
    const [columns, keys] =
      "columns" in stored ? [stored.columns, stored.keys] : [[stored.column], [stored.keys]];
    if (columns.length === 0 || keys.length !== columns.length)
      throw new ArtifactError(
        `'${file}' has ${keys.length} lists of keys for ${columns.length} columns: train again`,
      );
    const uneven = [...keys, weights].find(({ length }) => length !== sums.length);
    if (uneven)
      throw new ArtifactError(
        `'${file}' has ${uneven.length} keys or weights and ${sums.length} sums of '${name}': train again`,
      );
    return {
      ...{ columns, name, prior, priorWeight },
      keys: keys.map(encodeKeys),
      sums: Float64Array.from(sums),
      weights: Float64Array.from(weights),
    };
  });
}
