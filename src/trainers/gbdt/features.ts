// Converts a dataset's columns to features that trees split on: bins of numbers, and categories.
//
//   number     bin b is the number of edges below x; the bin after the last is for missing numbers
//   category   bin 0 is for missing, rare and unknown categories, bin b for the vocabulary's key b - 1. The vocabulary
//              is sorted by descending count, so the bins are the most frequent categories

import { MISSING } from "../../log/keys.js";
import { columnNamed, type Dataset, type NumberColumn } from "../../dataset/dataset.js";
import { fitFeatures, idsOf, type CategoricalField } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../base/errors.js";
import { loadKernel } from "../../compute/kernels/shared/load.js";
import { lowerBound, sharedCopy, sharedF64, sharedU32 } from "../../base/numeric/indices.js";
import { draw } from "../../base/numeric/random.js";
import { shareRounds } from "../../compute/threads/rounds.js";
import { foundWidth, start } from "./edges.worker.js";
import type { GbdtOptions } from "./options.js";

/** Minimum number of rows of a category with a bin. */
const MIN_DATA_IN_CATEGORY = 3;
/** Share of a column's rows whose categories get bins, unless there are too many categories. */
const KEPT_SHARE = 0.99;
const MAX_CATEGORIES = 65_534;

interface NumericFeature {
  kind: "number";
  name: string;
  edges: number[];
  /** smallest and greatest of the numbers from which bins were computed; both 0 if there are none */
  min: number;
  max: number;
}

export interface CategoricalFeature {
  kind: "category";
  name: string;
  field: CategoricalField;
  /** the first numCategories keys of the vocabulary have a bin */
  numCategories: number;
}

export type Feature = NumericFeature | CategoricalFeature;

/** Histogram cells, including one for missing values. */
export function cellsOf(feature: Feature): number {
  return feature.kind === "number" ? feature.edges.length + 2 : feature.numCategories + 1;
}

/** @param rows u32: rows of the training split @throws {UsageError} a column is multi-valued */
export async function fitTreeFeatures(
  dataset: Dataset,
  rows: Uint32Array,
  { maxBin, binConstructSampleCnt, seed }: Pick<GbdtOptions, "maxBin" | "binConstructSampleCnt" | "seed">,
): Promise<Feature[]> {
  const [several] = Object.keys(dataset.roles.multi);
  if (several !== undefined)
    throw new UsageError(
      `trees do not support multi-valued columns: exclude '${several}' with --ignore ${several}`,
    );
  const space = fitFeatures({ ...dataset, roles: { ...dataset.roles, numeric: [] } }, rows, 1);
  const sample = sampleOf(rows, binConstructSampleCnt, seed);
  const { fields, numeric } = dataset.roles;
  const columns = dataset.columns.filter(({ name }) => fields.includes(name) || numeric.includes(name));
  const numbers = columns.filter((column) => column.kind === "number");
  const found = await numericFeatures(numbers, sample, maxBin);
  return columns.map(({ name, kind }): Feature => {
    if (kind === "number") return found.get(name)!;
    const field = space.fields.find((candidate) => candidate.name === name) as CategoricalField;
    return { kind: "category", name, field, numCategories: numCategories(field, maxBin) };
  });
}

/** Returns all rows or, if there are more than `count`, a random one from each of `count` consecutive ranges. */
function sampleOf(rows: Uint32Array, count: number, seed: number): Uint32Array {
  if (rows.length <= count) return sharedCopy(rows);
  const stretch = rows.length / count;
  const sample = sharedU32(count);
  for (let i = 0; i < count; i++) {
    const at = (i + draw(seed, i) / 2 ** 32) * stretch;
    sample[i] = rows[Math.min(rows.length - 1, Math.floor(at))]!;
  }
  return sample;
}

async function numericFeatures(
  columns: readonly NumberColumn[],
  sample: Uint32Array,
  maxBin: number,
): Promise<Map<string, NumericFeature>> {
  const width = foundWidth(maxBin);
  const found = sharedF64(columns.length * width);
  const values = columns.map((column) => column.values);
  const init = { module: await loadKernel("gbdt"), columns: values, sample, maxBin, found };
  const url = new URL("./edges.worker.js", import.meta.url);
  if (columns.length > 0) shareRounds(url, start, init, columns.length, [sample, ...values]);
  return new Map(
    columns.map(({ name }, i) => {
      const [count, min, max, ...edges] = found.subarray(i * width, (i + 1) * width);
      return [name, { kind: "number", name, edges: edges.slice(0, count), min: min!, max: max! }];
    }),
  );
}

/** Categories get bins until these hold 99 % of the rows and there are maxBin; one with fewer than 3 rows gets none. */
function numCategories({ keys, counts }: CategoricalField, maxBin: number): number {
  const total = counts.reduce((a, b) => a + b, 0);
  let held = 0;
  let n = 0;
  while (n < keys.size && n < MAX_CATEGORIES && (held < KEPT_SHARE * total || n + 1 < maxBin)) {
    if (counts[n + 1]! < MIN_DATA_IN_CATEGORY && n > 1) break;
    held += counts[++n]!;
  }
  return n;
}

/** Values of a column, from which the kernel computes bins. */
export type BinnedColumn =
  | { kind: "number"; values: Float64Array }
  /** code of each row's category (`codes`, u32) and bin of each code (`bins`, u16) */
  | { kind: "category"; codes: Uint32Array; bins: Uint16Array };

/** A category gets the bin that it had in training. */
export function binnedColumn(dataset: Dataset, feature: Feature): BinnedColumn {
  const column = columnNamed(dataset, feature.name);
  if (column.kind === "number" && feature.kind === "number") return { kind: "number", values: column.values };
  if (column.kind !== "key" || feature.kind !== "category")
    throw new UsageError(`column '${feature.name}' has a different kind than in training`);
  const ids = idsOf(feature.field, column.dictionary);
  const bins = Uint16Array.from(ids, (id) => (id > feature.numCategories ? 0 : id));
  return { kind: "category", codes: column.codes, bins };
}

export function binOf(column: BinnedColumn, feature: Feature): (row: number) => number {
  if (column.kind === "category") {
    const { codes, bins } = column;
    return (row) => (codes[row] === MISSING ? 0 : bins[codes[row]!]!);
  }
  const edges = Float64Array.from(feature.kind === "number" ? feature.edges : []);
  return (row) => {
    const x = column.values[row]!;
    return x === x ? lowerBound(edges, x) : edges.length + 1;
  };
}
