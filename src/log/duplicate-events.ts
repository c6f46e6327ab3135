// Removes duplicates from a log; the order of the kept rows does not change. Cells are compared by their codes, of which
// two are equal if and only if the texts are equal, and memory includes the dictionaries of the columns.
//
//   --dedupe     of rows that are equal in all cells, the first is kept. A row is identified by a 64-bit hash, so memory
//                holds 16 to 32 bytes per distinct row. The probability that two different rows of n have the same hash,
//                so that the later row is lost, is about n^2 / 2^65: 1 in 37 million at a million rows, 1 in 3,700 at a
//                hundred million
//   --dedupe-by  of the rows with the same cells in some columns, the first or the last is kept. The comparison is
//                exact: each distinct key takes 4 bytes, or 8 bytes to find the last rows; several columns also need a
//                table of their combinations. A row with a missing cell has no key. To keep the last rows, all requested
//                cells are held until the log ends: 4 bytes per key cell, 8 bytes per numeric cell, and 4 bytes per row

import { UsageError } from "../base/errors.js";
import type { Batch, ColumnRequest, DroppedDuplicates, Log, ReadOptions, ReadResult } from "./log.js";
import { placeholderKeys, placeholderWarnings } from "./nulls.js";
import { noSuchColumn } from "./read.js";
import { MISSING } from "./keys.js";

/** A warning calls dropped rows suspicious if more than this share of the rows with a key is dropped. */
const MANY_DROPPED = 0.5;

type Deduping = Pick<ReadOptions, "dedupe" | "dedupeBy" | "dedupeKeep">;

/** Returns the log without the rows that --dedupe or --dedupe-by drops. @throws {UsageError} a column does not exist */
export function withoutDuplicates(log: Log, { dedupe, dedupeBy, dedupeKeep = "first" }: Deduping): Log {
  if (dedupeBy) return withoutDuplicateEvents(log, dedupeBy, dedupeKeep);
  return dedupe === true ? withoutRepeats(log) : log;
}

/** Returns a sentence that reports the rows dropped by --dedupe or --dedupe-by; undefined if there are none. */
export function duplicateNotes({
  repeats,
  droppedDuplicates: dropped,
}: Pick<ReadResult, "repeats" | "droppedDuplicates">): string[] {
  if (repeats) return [`${rowsText(repeats)} dropped by --dedupe`];
  return dropped?.rows ? [`${rowsText(dropped.rows)} dropped by --dedupe-by ${dropped.by.join(",")}`] : [];
}

function rowsText(rows: number): string {
  return rows === 1 ? "1 duplicate row" : `${rows} duplicate rows`;
}

/** Returns reading options that include the columns of --dedupe-by even if --ignore names these columns. */
export function readingDedupeColumns(options: ReadOptions): ReadOptions {
  const { ignore, dedupeBy = [] } = options;
  return ignore ? { ...options, ignore: ignore.filter((name) => !dedupeBy.includes(name)) } : options;
}

function withoutDuplicateEvents(log: Log, by: readonly string[], keep: "first" | "last"): Log {
  const unknown = by.find((name) => !log.columns.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--dedupe-by: ${noSuchColumn(unknown, log.columns).message}`);
  return {
    ...log,
    dedupedBy: by,
    async read(requests, onBatch, observe) {
      const isKey = (name: string) => (one: ColumnRequest) => one.name === name && one.as === "key";
      const more = by.filter((name) => !requests.some(isKey(name)));
      const all: ColumnRequest[] = [...requests, ...more.map((name) => ({ name, as: "key" as const }))];
      const places = by.map((name) => all.findIndex(isKey(name)));
      const finder = new DuplicateFinder(by.length, keep);
      const held: Batch[] = [];
      let keyOf: Parameters<typeof onBatch>[1] = () => "";
      let numRows = 0;
      const pass = async (batch: Batch, kept: Uint32Array): Promise<void> => {
        if (kept.length + batch.faultyRows.length === 0) return;
        await onBatch(rowsOfBatch(batch, kept, numRows, requests.length), keyOf);
        numRows += kept.length;
      };
      const read = await log.read(
        all,
        async (batch, ofBatch) => {
          keyOf = ofBatch;
          const firsts = finder.add(
            places.map((place) => batch.columns[place] as Uint32Array),
            batch.numRows,
          );
          if (keep === "first") await pass(batch, firsts);
          else held.push(copyOf(batch, requests.length));
        },
        observe,
      );
      // shift() removes each batch from the list, so its memory is released as soon as it was passed on
      for (let batch = held.shift(); batch; batch = held.shift())
        await pass(batch, finder.lastOf(batch.firstRow, batch.numRows));
      const droppedDuplicates = { by, keep, rows: finder.dropped, withoutKey: finder.withoutKey };
      const warnings = places.flatMap((place, c) => {
        const found = placeholderKeys(read.dictionaries[place]!, (code) => finder.rowsWith(c, code));
        return placeholderWarnings(by[c]!, found, log.nulls);
      });
      return {
        ...read,
        numRows,
        droppedDuplicates,
        warnings: [
          ...(read.warnings ?? []),
          ...droppedWarnings(droppedDuplicates, read.numRows),
          ...warnings,
        ],
        nulls: read.nulls.slice(0, requests.length),
        dictionaries: read.dictionaries.slice(0, requests.length),
      };
    },
  };
}

/** Copies a batch into new arrays, with its first `numRequests` columns only. */
function copyOf(batch: Batch, numRequests: number): Batch {
  const { file } = batch.numRows > 0 ? batch.placeOf(0) : { file: "" };
  const lines = Uint32Array.from({ length: batch.numRows }, (_, row) => batch.placeOf(row).line);
  return {
    ...batch,
    columns: batch.columns.slice(0, numRequests).map((cells) => cells.slice()),
    placeOf: (row) => ({ file, line: lines[row]! }),
  };
}

function droppedWarnings({ by, rows, withoutKey }: DroppedDuplicates, numRows: number): string[] {
  const flag = `--dedupe-by ${by.join(",")}`;
  const withKey = numRows - withoutKey;
  const count = (n: number) => `${n.toLocaleString("en")} ${n === 1 ? "row" : "rows"}`;
  const warnings: string[] = [];
  if (rows === 0) warnings.push(`${flag} dropped no row: no two of ${count(withKey)} have the same key`);
  else if (rows > MANY_DROPPED * withKey)
    warnings.push(
      `${flag} dropped ${count(rows)} of ${numRows.toLocaleString("en")}, more than half: does the key identify ` +
        "one event?",
    );
  if (withoutKey > 0)
    warnings.push(`${flag} kept ${count(withoutKey)} without a key: an empty cell is never a duplicate`);
  return warnings;
}

/** Finds the rows of a log that repeat an earlier row; the rows must be added in order. */
class DuplicateFinder {
  /** number of rows in which a cell of the key is missing */
  withoutKey = 0;
  numKeys = 0;
  #numRows = 0;
  /** number of rows with each code; one array per column */
  readonly #counts: Numbers[];
  readonly #combinations: CombinationTable;
  /** 1 + the index of the last row with each key */
  readonly #last = new Numbers();
  /** one bit per row: 1 if a later row has the same key */
  #replaced = new Uint8Array(0);

  constructor(
    numColumns: number,
    private readonly keep: "first" | "last",
  ) {
    this.#counts = Array.from({ length: numColumns }, () => new Numbers());
    this.#combinations = new CombinationTable(numColumns);
  }

  /** Number of dropped rows: those whose key occurs in a row that is kept. */
  get dropped(): number {
    return this.#numRows - this.withoutKey - this.numKeys;
  }

  rowsWith(column: number, code: number): number {
    return this.#counts[column]!.at(code);
  }

  /**
   * @param columns one u32[numRows] per column of the next rows: codes, or MISSING
   * @returns u32, ascending: the rows whose key no earlier row has, and those without a key
   */
  add(columns: readonly Uint32Array[], numRows: number): Uint32Array {
    const firsts = new Uint32Array(numRows);
    let size = 0;
    if (this.keep === "last") this.#reserveBits(this.#numRows + numRows);
    for (let row = 0; row < numRows; row++) {
      const key = this.#keyOf(columns, row);
      if (key === MISSING) {
        this.withoutKey++;
        firsts[size++] = row;
        continue;
      }
      if (this.#isNew(key)) {
        this.numKeys++;
        firsts[size++] = row;
      }
      if (this.keep === "last") this.#replace(key, this.#numRows + row);
    }
    this.#numRows += numRows;
    return firsts.subarray(0, size);
  }

  /** Returns u32, ascending: the rows whose key no later row has. Call it after all rows were added. */
  lastOf(firstRow: number, numRows: number): Uint32Array {
    const rows = Uint32Array.from({ length: numRows }, (_, row) => row);
    return rows.filter(
      (row) => (this.#replaced[(firstRow + row) >>> 3]! & (1 << ((firstRow + row) & 7))) === 0,
    );
  }

  /** Counts the cells of a row. @returns its key: the code of a single column, or the number of a combination */
  #keyOf(columns: readonly Uint32Array[], row: number): number {
    let isMissing = false;
    for (let c = 0; c < columns.length; c++) {
      const code = columns[c]![row]!;
      if (code === MISSING) isMissing = true;
      else this.#counts[c]!.add(code);
    }
    if (isMissing) return MISSING;
    return columns.length === 1 ? columns[0]![row]! : this.#combinations.numberOf(columns, row);
  }

  /** Whether the row that #keyOf counted last is the first one with this key. */
  #isNew(key: number): boolean {
    return this.#counts.length === 1 ? this.#counts[0]!.at(key) === 1 : key === this.numKeys;
  }

  #replace(key: number, row: number): void {
    const last = this.#last.at(key) - 1;
    if (last >= 0) this.#replaced[last >>> 3]! |= 1 << (last & 7);
    this.#last.set(key, row + 1);
  }

  #reserveBits(numRows: number): void {
    const numBytes = Math.ceil(numRows / 8);
    if (this.#replaced.length >= numBytes) return;
    const larger = new Uint8Array(2 * numBytes);
    larger.set(this.#replaced);
    this.#replaced = larger;
  }
}

/** An array of u32 that grows on demand; elements that were never set are 0. */
class Numbers {
  #numbers = new Uint32Array(1024);

  at(i: number): number {
    return i < this.#numbers.length ? this.#numbers[i]! : 0;
  }

  set(i: number, number: number): void {
    if (i >= this.#numbers.length) {
      const larger = new Uint32Array(Math.ceil(1.5 * (i + 1)));
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[i] = number;
  }

  add(i: number): void {
    this.set(i, this.at(i) + 1);
  }
}

/** Numbers combinations of codes by first appearance; open addressing, linear probing, at most half full. */
class CombinationTable {
  #size = 0;
  /** 1 + the number of the combination that each slot holds; 0 for an empty slot */
  #slots = new Uint32Array(1 << 12);
  /** codes of each combination, one combination after another */
  #codes: Uint32Array;

  constructor(private readonly numColumns: number) {
    this.#codes = new Uint32Array(numColumns << 10);
  }

  numberOf(columns: readonly Uint32Array[], row: number): number {
    if (2 * (this.#size + 1) > this.#slots.length) this.#grow();
    const { numColumns } = this;
    let hash = 0x9e3779b9;
    for (let c = 0; c < numColumns; c++) hash = hashStep(hash, columns[c]![row]!);
    for (let slot = finishHash(hash); ; slot++) {
      const at = (slot & (this.#slots.length - 1)) >>> 0;
      const number = this.#slots[at]! - 1;
      if (number < 0) {
        this.#slots[at] = this.#size + 1;
        return this.#append(columns, row);
      }
      let c = 0;
      while (c < numColumns && this.#codes[number * numColumns + c] === columns[c]![row]) c++;
      if (c === numColumns) return number;
    }
  }

  #append(columns: readonly Uint32Array[], row: number): number {
    const { numColumns } = this;
    const from = this.#size * numColumns;
    if (from + numColumns > this.#codes.length) {
      const larger = new Uint32Array(Math.ceil(1.5 * (from + numColumns)));
      larger.set(this.#codes);
      this.#codes = larger;
    }
    for (let c = 0; c < numColumns; c++) this.#codes[from + c] = columns[c]![row]!;
    return this.#size++;
  }

  #grow(): void {
    const slots = new Uint32Array(2 * this.#slots.length);
    const { numColumns } = this;
    for (let number = 0; number < this.#size; number++) {
      let hash = 0x9e3779b9;
      for (let c = 0; c < numColumns; c++) hash = hashStep(hash, this.#codes[number * numColumns + c]!);
      let slot = finishHash(hash);
      while (slots[(slot & (slots.length - 1)) >>> 0] !== 0) slot++;
      slots[(slot & (slots.length - 1)) >>> 0] = number + 1;
    }
    this.#slots = slots;
  }
}

/** Returns the log without repeated rows (--dedupe); ReadResult.repeats counts them. */
export function withoutRepeats(log: Log): Log {
  return {
    ...log,
    async read(requests, onBatch, observe) {
      // rows are compared by the text of all cells, so columns that were not requested, or requested as numbers, are
      // read as codes as well
      const asked = requests.map(({ name, as }) => (as === "key" ? name : undefined));
      const more = log.columns.filter((name) => !asked.includes(name));
      const all: ColumnRequest[] = [...requests, ...more.map((name) => ({ name, as: "key" as const }))];
      const hashed = log.columns.map((name) =>
        all.findIndex((other) => other.name === name && other.as === "key"),
      );
      const seen = new RowSet();
      let numRows = 0;
      let repeats = 0;
      const read = await log.read(
        all,
        async (batch, keyOf) => {
          const kept = newRows(
            hashed.map((request) => batch.columns[request]!),
            batch.numRows,
            seen,
          );
          repeats += batch.numRows - kept.length;
          if (kept.length + batch.faultyRows.length === 0) return;
          await onBatch(rowsOfBatch(batch, kept, numRows, requests.length), keyOf);
          numRows += kept.length;
        },
        observe,
      );
      const nulls = read.nulls.slice(0, requests.length);
      return { ...read, numRows, repeats, nulls, dictionaries: read.dictionaries.slice(0, requests.length) };
    },
  };
}

/** Returns u32: indexes of the batch's rows that do not repeat an earlier row. */
function newRows(columns: Batch["columns"], numRows: number, seen: RowSet): Uint32Array {
  const kept = new Uint32Array(numRows);
  let size = 0;
  for (let row = 0; row < numRows; row++) {
    let [a, b] = [0x9e3779b9, 0x85ebca6b];
    for (const codes of columns) {
      // updates two 32-bit hashes with Murmur3's step and different constants
      const code = codes[row]!;
      a = hashStep(a, code);
      b = hashStep(b, code, 0x239b961b, 0x38b34ae5);
    }
    // the two hashes are mixed at the end, so that each bit of a code affects both
    a = finishHash(a ^ columns.length);
    b = finishHash(b + a);
    if (seen.add((a + b) | 0, b)) kept[size++] = row;
  }
  return kept.subarray(0, size);
}

/** Adds the code of a cell to a 32-bit hash of the row by Murmur3's step. */
function hashStep(hash: number, code: number, m1 = 0xcc9e2d51, m2 = 0x1b873593): number {
  let k = Math.imul(code, m1);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, m2);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Mixes the bits of a row's hash so that each bit affects all others. */
function finishHash(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * Selects rows of a batch and its first `numRequests` columns; the arrays of the batch are overwritten.
 *
 * @param kept u32, ascending: indexes of the rows
 * @param firstRow index in the log of the first selected row
 */
function rowsOfBatch(batch: Batch, kept: Uint32Array, firstRow: number, numRequests: number): Batch {
  const columns = batch.columns.slice(0, numRequests);
  if (kept.length === batch.numRows) {
    return { ...batch, firstRow, columns, sizes: batch.sizes.slice(0, numRequests) };
  }
  const rowOf = new Map(Array.from(kept, (row, i) => [row, i]));
  return {
    ...batch,
    firstRow,
    numRows: kept.length,
    // a selected row is never copied to a higher index, so each cell is read before it is overwritten
    columns: columns.map((cells) => {
      kept.forEach((row, i) => (cells[i] = cells[row]!));
      return cells.slice(0, kept.length);
    }),
    badCells: batch.badCells.flatMap((cell) => {
      const row = rowOf.get(cell.row);
      return row === undefined ? [] : [{ ...cell, row }];
    }),
    placeOf: (row) => batch.placeOf(kept[row]!),
    sizes: batch.sizes.slice(0, numRequests),
  };
}

/** A hash set of 64-bit hashes, with open addressing and linear probing; at most half of the slots are used. */
class RowSet {
  #size = 0;
  // two 32-bit words per slot; (0, 0) marks an empty slot
  #slots = new Int32Array(2 << 12);

  add(a: number, b: number): boolean {
    // the hash (0, 0) is replaced by another hash, because (0, 0) marks an empty slot
    const low = a === 0 && b === 0 ? 1 : a;
    if (4 * (this.#size + 1) > this.#slots.length) this.#grow();
    if (!insert(this.#slots, low, b)) return false;
    this.#size++;
    return true;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length);
    for (let i = 0; i < old.length; i += 2) {
      if (old[i] !== 0 || old[i + 1] !== 0) insert(this.#slots, old[i]!, old[i + 1]!);
    }
  }
}

function insert(slots: Int32Array, a: number, b: number): boolean {
  const mask = slots.length / 2 - 1;
  for (let slot = a & mask; ; slot = (slot + 1) & mask) {
    const at = 2 * slot;
    if (slots[at] === 0 && slots[at + 1] === 0) {
      slots[at] = a;
      slots[at + 1] = b;
      return true;
    }
    if (slots[at] === a && slots[at + 1] === b) return false;
  }
}
