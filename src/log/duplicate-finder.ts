// Finds rows that have the same cells in some columns as another row.
//
// Cells are given as codes: two codes are equal if and only if the texts of the cells are equal. A row with a missing
// cell has no key. Each distinct key takes 4 bytes of memory, or 8 bytes to find the last rows; several columns also
// need a table of their combinations.

import { MISSING } from "./keys.js";
import { finishHash, hashStep } from "./repeats.js";

/** Finds the rows of a log that repeat an earlier row; the rows must be added in order. */
export class DuplicateFinder {
  /** number of rows in which a cell of the key is missing */
  withoutKey = 0;
  /** number of distinct keys of all rows so far */
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

  /** Returns the number of rows whose cell in a column has the given code. */
  rowsWith(column: number, code: number): number {
    return this.#counts[column]!.at(code);
  }

  /**
   * Processes the next rows of the log.
   *
   * @param columns one u32[numRows] per column: codes, or MISSING
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

  /**
   * Returns u32, ascending: those of the given rows whose key does not occur in a later row. Call it after all rows
   * were added.
   */
  lastOf(firstRow: number, numRows: number): Uint32Array {
    const rows = Uint32Array.from({ length: numRows }, (_, row) => row);
    return rows.filter(
      (row) => (this.#replaced[(firstRow + row) >>> 3]! & (1 << ((firstRow + row) & 7))) === 0,
    );
  }

  /**
   * Counts the cells of a row by their codes.
   *
   * @returns the row's key: the code of a single column, or the number of a combination of codes
   */
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

/**
 * A hash table that numbers combinations of codes by first appearance, with open addressing and linear probing; at most
 * half of the slots are used.
 */
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
