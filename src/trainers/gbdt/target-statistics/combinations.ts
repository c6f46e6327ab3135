// Combinations of id columns: the keys of `user*hour` are the pairs of keys that occur in training rows.
//
//   codes of each column ──► distinct tuples, numbered in ascending order of their codes
//
// A row with a missing key has no tuple.
//
// Tuples are numbered column by column: prefix * size + code, where prefix numbers the distinct tuples of the columns
// before. These numbers are below the rows times the keys of a column, so f64 represents them exactly.

import { MISSING } from "../../../log/keys.js";
import { UsageError } from "../../../base/errors.js";
import { lowerBound } from "../../../base/numeric/indices.js";

/** As in CatBoost (max_ctr_complexity). */
const MAX_COLUMNS = 4;
/** Tuples whose numbers are below this bound are looked up in a table, others in a sorted list. */
const TABLE_CELLS = 2 ** 22;
/** Stands for every tuple of keys that training rows do not contain. */
export const ABSENT = MISSING - 1;

/** user*hour, as --ctr expects it. */
export function parseCombination(name: string): string[] {
  const columns = name.split("*");
  if (columns.length === 1) return columns;
  const complaint = (expected: string) => new UsageError(`--ctr ${name}: expected ${expected}`);
  if (columns.includes("")) throw complaint("names of columns on both sides of *, such as user*hour");
  const twice = columns.find((column, i) => columns.indexOf(column) !== i);
  if (twice !== undefined)
    throw complaint(`different columns, got '${twice}' twice; a column alone is --ctr ${twice}`);
  if (columns.length > MAX_COLUMNS)
    throw complaint(`at most ${MAX_COLUMNS} columns in a combination, got ${columns.length}`);
  return columns;
}

/** The distinct tuples of keys that some rows contain, numbered from 0. */
interface Tuples {
  size: number;
  /** u32[numRows]: number of each row's tuple; ABSENT if it was not numbered, MISSING if the row lacks a key. */
  find: (codes: readonly Uint32Array[]) => Uint32Array;
}

/** @param codes u32[numRows] per column; MISSING and ABSENT get no number. @param sizes upper bounds of the codes */
export function tuplesOf(codes: readonly Uint32Array[], sizes: readonly number[]): Tuples {
  const levels: Level["find"][] = [];
  let [prefix, size] = [codes[0]!, sizes[0]!];
  for (let c = 1; c < codes.length; c++) {
    const numbers = packed(prefix, codes[c]!, sizes[c]!);
    const level = numbersOf(numbers, size * sizes[c]!);
    levels.push(level.find);
    [prefix, size] = [level.find(numbers), level.size];
  }
  return {
    size,
    find: (others) =>
      levels.reduce((own, find, l) => find(packed(own, others[l + 1]!, sizes[l + 1]!)), others[0]!),
  };
}

/** Distinct numbers; `find` returns ranks. */
interface Level {
  size: number;
  find: (numbers: Float64Array) => Uint32Array;
}

/** prefix * size + code, where codes are below `size`; -1 if one of them is absent, NaN if one is missing. */
function packed(prefix: Uint32Array, codes: Uint32Array, size: number): Float64Array {
  const numbers = new Float64Array(codes.length);
  for (let i = 0; i < numbers.length; i++) {
    const [a, b] = [prefix[i]!, codes[i]!];
    if (a === MISSING || b === MISSING) numbers[i] = NaN;
    else numbers[i] = a === ABSENT || b === ABSENT ? -1 : a * size + b;
  }
  return numbers;
}

/** All numbers are below `end`. */
function numbersOf(numbers: Float64Array, end: number): Level {
  if (end <= TABLE_CELLS) {
    const table = new Uint32Array(end).fill(ABSENT);
    for (const number of numbers) if (number >= 0) table[number] = 0;
    let size = 0;
    for (let i = 0; i < end; i++) if (table[i] === 0) table[i] = size++;
    return { size, find: (others) => found(others, (number) => table[number]!) };
  }
  // NaN sorts last
  const sorted = numbers.slice().sort();
  let size = 0;
  for (const number of sorted) {
    if (!(number >= 0) || (size > 0 && sorted[size - 1] === number)) continue;
    sorted[size++] = number;
  }
  const distinct = sorted.slice(0, size);
  const placeOf = (number: number) => {
    const place = lowerBound(distinct, number);
    return distinct[place] === number ? place : ABSENT;
  };
  return { size, find: (others) => found(others, placeOf) };
}

function found(numbers: Float64Array, place: (number: number) => number): Uint32Array {
  const places = new Uint32Array(numbers.length);
  for (let i = 0; i < places.length; i++) {
    const number = numbers[i]!;
    places[i] = number !== number ? MISSING : number < 0 ? ABSENT : place(number);
  }
  return places;
}
