// Finds the columns that the item determines. A negative sample replaces them together with the item, because otherwise
// the model would learn whether item and column match.
//
// A column is determined if an item's most frequent value covers nearly all of the item's events, and far more than the
// column's most frequent value covers of all events:
//   miss = sum over items of (n_i - top_i) / sum of (n_i - 1),    base = (n - top) / (n - 1)
//   determined if miss <= 0.05 and miss <= 0.25 base
// where n_i is the item's number of events and top_i those with its most frequent value. Items with one event carry no
// information and add 0 to both sums. An empty cell is a value. Items are examined in order of first appearance up to a
// total of 131,072 events, because these suffice to decide.

import { MISSING, selectKeys, type Keys } from "../log/keys.js";
import { byGroup } from "../base/numeric/groups.js";
import { ascending, lowerBound, mapTo, thoseOf } from "../base/numeric/indices.js";
import { type Column, type Dataset, type KeyColumn, columnNamed } from "./dataset.js";
import { slicesAt } from "./stored-columns.js";
import { countKeys } from "./vocabulary/key-counts.js";
import type { Encoder, FeatureRows } from "./rows.js";
import { distinctUsers } from "./vocabulary/vocabulary-limits.js";

const MAX_MISS = 0.05;
const MAX_MISS_OF_BASE = 0.25;
const EVENTS_LOOKED_AT = 1 << 17;

export interface ItemFields {
  /** names of the columns that the item determines, starting with the item column */
  names: string[];
  /** u32[number of item codes]: index of a row with the item's values in these columns; MISSING without events */
  templateRow: Uint32Array;
}

/**
 * Finds the columns that the item determines.
 * @param rows u32[numRows]: row numbers of the training split
 * @param candidates names of feature columns without the item's and the user's
 * @param given columns that the user named; if given, nothing is inferred
 */
export function findItemFields(
  dataset: Dataset,
  rows: Uint32Array,
  item: KeyColumn,
  candidates: readonly string[],
  given?: readonly string[],
): ItemFields {
  const possible = dataset.columns.filter(({ name }) => candidates.includes(name));
  const sampled = possible.length > 0 && rowsByItem(item, eventsOfFirstItems(item, rows));
  const determined = possible.filter((column) =>
    given ? given.includes(column.name) : sampled && isDetermined(sampled, rows, column),
  );
  // an item's template is its latest row among those with the most frequent values
  const templateRow = new Uint32Array(item.dictionary.size).fill(MISSING);
  const names = [item.name, ...determined.map(({ name }) => name)];
  if (determined.length === 0) {
    for (const { columns, rows: own, first } of slicesAt([item], rows)) {
      const { codes } = columns[0] as KeyColumn;
      for (let i = 0; i < own.length; i++) {
        const code = codes[own[i]!]!;
        if (code !== MISSING) templateRow[code] = rows[first + i]!;
      }
    }
    return { names, templateRow };
  }
  const byItem = rowsByItem(item, rows);
  const codes = determined.map(cellCodes);
  const counters = determined.map((column, c) => counterOf(column, codes[c]!));
  for (let code = 0; code < item.dictionary.size; code++) {
    const events = byItem.rows.subarray(byItem.indptr[code], byItem.indptr[code + 1]);
    if (events.length === 0) continue;
    let left = events;
    for (const [c, cells] of codes.entries()) {
      const top = mostFrequent(left, cells, counters[c]!).value;
      left = left.filter((row) => cells[row] === top);
    }
    templateRow[code] = left.at(-1)!;
  }
  return { names, templateRow };
}

interface RowsByItem {
  indptr: Uint32Array;
  rows: Uint32Array;
}

/** Returns the events of the first items in the log, about EVENTS_LOOKED_AT events or all. */
function eventsOfFirstItems(item: KeyColumn, rows: Uint32Array): Uint32Array {
  if (rows.length <= EVENTS_LOOKED_AT) return rows;
  const { codes } = item;
  const events = countKeys(item, rows);
  let [items, total] = [0, 0];
  while (items < events.length && total < EVENTS_LOOKED_AT) total += events[items++]!;
  return thoseOf(rows, (row) => codes[row]! < items);
}

function rowsByItem({ codes, dictionary }: KeyColumn, rows: Uint32Array): RowsByItem {
  const { starts, order } = byGroup((place) => codes[rows[place]!]!, rows.length, dictionary.size);
  return { indptr: starts, rows: order.map((place) => rows[place]!) };
}

/** Maximum number of entries of a Map; tests set a lower one. */
export const mapLimit = { entries: 2 ** 24 };

/** Returns u32[numRows]: a code of each row's cell, which is the same for equal numbers. */
export function cellCodes(column: Column): Uint32Array {
  if (column.kind !== "number") return column.codes;
  if (column.values.length > mapLimit.entries) {
    const sorted = column.values.slice().sort();
    return mapTo(Uint32Array, column.values, (x) => (Number.isNaN(x) ? MISSING : lowerBound(sorted, x)));
  }
  const codeOf = new Map<number, number>();
  return mapTo(Uint32Array, column.values, (x) => {
    if (Number.isNaN(x)) return MISSING;
    if (!codeOf.has(x)) codeOf.set(x, codeOf.size);
    return codeOf.get(x)!;
  });
}

function isDetermined({ indptr, rows }: RowsByItem, all: Uint32Array, column: Column): boolean {
  let chances = 0;
  for (let item = 0; item + 1 < indptr.length; item++)
    chances += Math.max(0, indptr[item + 1]! - indptr[item]! - 1);
  if (chances === 0) return false;
  const cells = cellCodes(column);
  const counts = counterOf(column, cells);
  let misses = 0;
  for (let item = 0; item + 1 < indptr.length; item++) {
    const events = rows.subarray(indptr[item], indptr[item + 1]);
    if (events.length < 2) continue;
    misses += events.length - mostFrequent(events, cells, counts).count;
    // stops early if too many events differ from the most frequent value of their item, which is so for most columns
    if (misses / chances > MAX_MISS) return false;
  }
  const base = (all.length - mostFrequent(all, cells, counts).count) / (all.length - 1);
  return misses / chances <= MAX_MISS_OF_BASE * base;
}

/** Returns u32: a zeroed counter per code, followed by one for empty cells (MISSING). */
function counterOf(column: Column, cells: Uint32Array): Uint32Array {
  if (column.kind === "key") return new Uint32Array(column.dictionary.size + 1);
  let size = 0;
  for (let row = 0; row < cells.length; row++) {
    const code = cells[row]!;
    if (code >= size && code !== MISSING) size = code + 1;
  }
  return new Uint32Array(size + 1);
}

/** Returns the most frequent code, of several the first. @param counts counters, all 0 before and after the call */
function mostFrequent(
  rows: Uint32Array,
  cells: Uint32Array,
  counts: Uint32Array,
): { value: number; count: number } {
  const last = counts.length - 1;
  for (let i = 0; i < rows.length; i++) counts[Math.min(cells[rows[i]!]!, last)]!++;
  let [value, count] = [MISSING, 0];
  for (let i = 0; i < rows.length; i++) {
    const code = cells[rows[i]!]!;
    const n = counts[Math.min(code, last)]!;
    if (n > count) [value, count] = [code, n];
  }
  for (let i = 0; i < rows.length; i++) counts[Math.min(cells[rows[i]!]!, last)] = 0;
  return { value, count };
}

export interface ItemCatalogue {
  /** keys of the items that have events */
  items: Keys;
  /** u32[items.size]: number of events of each item */
  counts: Uint32Array;
  /** one row per item, with the features of the item and of the columns that it determines; labels are unused */
  templates: FeatureRows;
  /** features from the item's neighbors, which `templates` include; absent if neighbors are not used */
  fromNeighbors?: FeatureRows;
}

/**
 * Encodes the items of the training split with their columns.
 * @param rows u32[numRows]: row numbers of the training split
 * @param itemFieldIndexes indexes of the space's fields that the item determines
 * @param minUsers items with fewer distinct users are excluded, because a run stores the catalogue
 */
export function itemCatalogue(
  dataset: Dataset,
  rows: Uint32Array,
  encoder: Encoder,
  itemFields: ItemFields,
  itemFieldIndexes: readonly number[],
  minUsers = 0,
): ItemCatalogue {
  const item = keyColumn(dataset, dataset.roles.item!);
  const usersOfItem = minUsers > 0 ? distinctUsers(dataset, item, rows) : undefined;
  const events = countKeys(item, rows);
  const known = thoseOf(
    ascending(events.length),
    (code) => events[code]! > 0 && (!usersOfItem || usersOfItem[code]! >= minUsers),
  );
  const templateRows = known.map((code) => itemFields.templateRow[code]!);
  return {
    items: selectKeys(item.dictionary, known),
    counts: known.map((code) => events[code]!),
    templates: encoder.encode(templateRows, new Float32Array(known.length), itemFieldIndexes),
  };
}

export function keyColumn(dataset: Dataset, name: string): KeyColumn {
  const column = columnNamed(dataset, name);
  if (column.kind !== "key") throw new RangeError(`column '${name}' is not read as keys`);
  return column;
}
