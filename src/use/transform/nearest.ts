// `transform --nearest N`: the vector of a new item is the mean vector of the known items nearest to it.
//
//   table of items ──► items known to the run: points by group
//                  ──► new items: the N nearest points of the same group ──► mean of their vectors and weights
//
// Source: Grbovic and Cheng 2018 (KDD), section 3.4: the mean of three listings within 10 miles, of the same type and
// price bucket. Here the distance has no limit; a note reports its size.

import type { Run } from "../../table/run-directory.js";
import { DataError, UsageError } from "../../base/errors.js";
import { once, vectorEncoding } from "../../export/encoded-rows.js";
import { listedKeys } from "../../training/capabilities/folded-keys.js";
import type { Transformed, TransformOptions } from "../../training/shared-options/transform-options.js";
import { collectWarnings, type Watch } from "../../training/session/watch.js";
import { itemFieldOf, keyAsTrained } from "../item-keys.js";
import { distanceOf, type Distance } from "./distance.js";
import { readPlaces, type Places } from "./read-places.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { keysOfRows, rowsOf, type EmbeddingTable } from "../../table/table.js";
import { NearestPoints, type NearPoint } from "../../table/retrieval/nearest-points.js";

/** Minimum ratio of the columns' standard deviations for the warning that one column decides the distance. */
const MOST_SPREAD = 100;

export function checkNearest(options: TransformOptions): void {
  const { nearest, distance, distanceKind, minNearest } = options;
  if (nearest === undefined) return;
  distanceOf(distance!, distanceKind);
  if (minNearest !== undefined && minNearest > nearest)
    throw new UsageError(`--min-nearest must be at most --nearest ${nearest}, got ${minNearest}`);
}

export async function meansOfNearest(
  run: Run,
  options: TransformOptions,
  outer: Watch,
): Promise<Transformed> {
  const { watch, warnings, warn } = collectWarnings(outer);
  const note = (text: string) => watch.observe({ stage: "note", text });
  const { on, nearest = 1, minNearest = nearest, within = [] } = options;
  const distance = distanceOf(options.distance!, options.distanceKind);
  const alike = within.length > 0 ? ` with the same ${within.map((name) => `'${name}'`).join(", ")}` : "";
  note(distanceNote(distance, alike));

  const table = await run.readTable();
  const field = await itemFieldOf(run, table, options.field, "--nearest");
  const { key = field } = options;
  const asTrained = await keyAsTrained(run, field, options);
  const places = await readPlaces(options, key, distance, within, watch);
  const keys = places.keys.map(asTrained);
  const file = on.join(", ");
  const { known, fresh } = splitItems(table, field, keys);
  if (known.length === 0)
    throw new UsageError(
      `none of the ${keys.length} keys of '${key}' in ${file} is known to the run: also pass known items ` +
        "(transform RUN new.csv known.csv), or name the key column with --key",
    );
  if (fresh.length === 0) throw new UsageError(`no new items: the run has every key of '${key}' in ${file}`);
  if (places.numRepeats > 0) note(`${places.numRepeats} rows repeat an earlier item`);
  for (const text of oddPlaces(distance, places)) warn(text);

  const all = nearestItems(distance, places, { known, fresh }, nearest);
  const items = all.filter(({ near }) => near.length >= minNearest);
  const have = (fewest: number) =>
    `${fewest === 1 ? "no known item" : `fewer than ${fewest} known items`}${alike}`;
  const keysIn = (some: typeof all) => listedKeys(some.map(({ item }) => keys[item]!));
  const advice = minNearest > 1 ? "; --min-nearest 1 uses the mean of the available ones" : "";
  if (items.length === 0)
    throw new DataError(
      `none of ${all.length} new items has enough neighbors: they have ${have(minNearest)}${advice}`,
      {
        file,
      },
    );
  const left = all.filter(({ near }) => near.length < minNearest);
  if (left.length > 0)
    warn(
      `skipped ${left.length} of ${all.length} new items that have ${have(minNearest)}: ` +
        `${keysIn(left)}${advice}`,
    );
  const thin = items.filter(({ near }) => near.length < nearest);
  if (thin.length > 0)
    warn(
      `${thin.length} of ${all.length} new items have ${have(nearest)} and use the mean of those: ` +
        keysIn(thin),
    );
  note(
    `${items.length} new keys of '${key}' from ${known.length} known keys; distance of the farthest ` +
      `neighbor: ${farthestText(distance, items)}`,
  );

  const means = meansOf(table, known, items);
  const names = items.map(({ item }) => Buffer.from(keys[item]!, "utf8"));
  const labels = new Float32Array(items.length);
  return {
    encoding: {
      ...vectorEncoding(key, table.dim, items.length),
      ...(!means.biases && { unbiased: true as const }),
    },
    rows: once({ numRows: items.length, ...means, keyOf: (row) => names[row]!, labels }),
    warnings,
  };
}

function distanceNote({ kind, columns }: Distance, alike: string): string {
  const names = columns.map((name) => `'${name}'`).join(", ");
  const among = alike === "" ? "" : `, among items${alike}`;
  return kind === "great-circle"
    ? `distance: great-circle, from latitude and longitude in degrees (${names})${among}`
    : `distance: Euclidean in ${names}, unscaled${among}`;
}

function oddPlaces({ kind, columns }: Distance, { numbers }: Pick<Places, "numbers">): string[] {
  const width = columns.length;
  const n = numbers.length / width;
  if (kind === "great-circle") {
    let zeros = 0;
    for (let i = 0; i < n; i++) if (numbers[2 * i] === 0 && numbers[2 * i + 1] === 0) zeros++;
    if (zeros === 0) return [];
    return [`${zeros} of ${n} items are at 0,0: remove them if this means a missing position`];
  }
  const deviations = columns.map((_, c) => standardDeviation(numbers, c, width));
  const [least, most] = [Math.min(...deviations), Math.max(...deviations)];
  if (!(most > MOST_SPREAD * least)) return [];
  const [wide, narrow] = [most, least].map((deviation) => `'${columns[deviations.indexOf(deviation)]}'`);
  return [
    `${wide} dominates the distance: its standard deviation is ${Number(most.toPrecision(3))}, that of ` +
      `${narrow} is ${Number(least.toPrecision(3))}. Scale the columns if this is not intended`,
  ];
}

/** Returns the standard deviation of a column of f64[n][width]. Source: Welford 1962. */
function standardDeviation(numbers: Float64Array, column: number, width: number): number {
  const n = numbers.length / width;
  let [mean, squares] = [0, 0];
  for (let i = 0; i < n; i++) {
    const x = numbers[i * width + column]!;
    const away = x - mean;
    mean += away / (i + 1);
    squares += away * (x - mean);
  }
  return Math.sqrt(squares / n);
}

/** Formats the distances to the farthest neighbors, such as `median 210 m, maximum 3.4 km`. */
function farthestText({ text }: Distance, items: readonly NewItemNeighbors[]): string {
  const farthest = Float64Array.from(items, ({ near }) => near.at(-1)!.squared).sort();
  return `median ${text(farthest[farthest.length >> 1]!)}, maximum ${text(farthest.at(-1)!)}`;
}

interface KnownItem {
  /** index of the item in the input file's list of items */
  item: number;
  row: number;
}

interface NewItemNeighbors {
  item: number;
  near: NearPoint[];
}

/** Splits items into known ones, sorted by key bytes to decide ties of distances, and new ones in the given order. */
function splitItems(
  table: EmbeddingTable,
  field: string,
  keys: readonly string[],
): { known: KnownItem[]; fresh: number[] } {
  const range = rowsOf(table, field);
  const index = new KeyIndex(keysOfRows(table, range));
  const known: KnownItem[] = [];
  const fresh: number[] = [];
  keys.forEach((key, item) => {
    const row = index.findText(key);
    if (row < 0) fresh.push(item);
    else known.push({ item, row: range.first + row });
  });
  const bytesOf = ({ item }: KnownItem) => Buffer.from(keys[item]!, "utf8");
  const bytes = new Map(known.map((one) => [one, bytesOf(one)]));
  return { known: known.sort((a, b) => Buffer.compare(bytes.get(a)!, bytes.get(b)!)), fresh };
}

function nearestItems(
  distance: Distance,
  { numbers, groups }: Places,
  { known, fresh }: { known: readonly KnownItem[]; fresh: readonly number[] },
  most: number,
): NewItemNeighbors[] {
  const { dims } = distance;
  const points = distance.points(numbers);
  const at = (item: number) => points.subarray(item * dims, (item + 1) * dims);
  const members = new Map<number, number[]>();
  known.forEach(({ item }, position) => {
    const group = groups[item]!;
    const own = members.get(group) ?? [];
    own.push(position);
    members.set(group, own);
  });
  const searches = new Map<number, NearestPoints>();
  return fresh.map((item) => {
    const group = groups[item]!;
    const own = members.get(group) ?? [];
    const search =
      searches.get(group) ??
      searchAmong(
        own.map((position) => at(known[position]!.item)),
        dims,
      );
    searches.set(group, search);
    const near = search.nearest(at(item), most);
    return { item, near: near.map(({ point, squared }) => ({ point: own[point]!, squared })) };
  });
}

function searchAmong(points: readonly Float64Array[], dims: number): NearestPoints {
  const all = new Float64Array(points.length * dims);
  points.forEach((point, i) => all.set(point, i * dims));
  return new NearestPoints(all, dims);
}

/** @returns the mean vectors f32[n * dim] and mean weights f32[n]; summed in f64, nearest first */
function meansOf(
  { dim, vectors, weights }: EmbeddingTable,
  known: readonly KnownItem[],
  items: readonly NewItemNeighbors[],
): { values: Float32Array; biases?: Float32Array } {
  const values = new Float32Array(items.length * dim);
  const biases = new Float32Array(items.length);
  const sums = new Float64Array(dim);
  items.forEach(({ near }, i) => {
    sums.fill(0);
    let bias = 0;
    for (const { point } of near) {
      const { row } = known[point]!;
      for (let d = 0; d < dim; d++) sums[d]! += vectors[row * dim + d]!;
      bias += weights?.[row] ?? 0;
    }
    for (let d = 0; d < dim; d++) values[i * dim + d] = sums[d]! / near.length;
    biases[i] = bias / near.length;
  });
  return { values, ...(weights && { biases }) };
}
