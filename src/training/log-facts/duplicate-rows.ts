// How many rows repeat an earlier row in every cell, in bounded memory.
//
// Rows are told apart by a hash of 64 bits. While few distinct rows were seen, all are kept, and the count is exact. Of many, those
// are kept whose hash ends in some zeros: all repeats of a row are kept or none, so that their share is that of the log, about.

import { finish, mixWord } from "../../numeric/hash.js";

/** Rows that repeat an earlier one. */
export interface Duplicates {
  rows: number;
  /** of all rows */
  share: number;
  /** false: estimated from a sample of the rows */
  exact: boolean;
}

/** Distinct rows that are kept at most: 12 bytes each, in a table that is at most half full. */
const MOST_KEPT = 1 << 20;

export class DuplicateRows {
  #capacity = 1 << 12;
  /** u32[capacity]: an entry's hash, and how many rows have it; 0 where there is none */
  #lo = new Uint32Array(this.#capacity);
  #hi = new Uint32Array(this.#capacity);
  #rows = new Uint32Array(this.#capacity);
  #kept = 0;
  /** hashes are kept whose high half has none of these bits */
  #mask = 0;
  #numRows = 0;

  constructor(private readonly mostKept = MOST_KEPT) {}

  /** Takes rows. @param columns u32[numRows] each: what tells a column's cells apart */
  add(columns: readonly Uint32Array[], numRows: number): void {
    const [lo, hi] = [new Int32Array(numRows), new Int32Array(numRows).fill(-1)];
    for (const words of columns) {
      for (let row = 0; row < numRows; row++) {
        lo[row] = mixWord(lo[row]!, words[row]!);
        // another word, so that rows with the same low half differ in the high one
        hi[row] = mixWord(hi[row]!, Math.imul(words[row]!, 0x9e3779b1));
      }
    }
    for (let row = 0; row < numRows; row++) this.#see(finish(lo[row]!) >>> 0, finish(hi[row]!) >>> 0, 1);
    this.#numRows += numRows;
  }

  found(): Duplicates {
    const sampled = this.#rows.reduce((sum, rows) => sum + rows, 0);
    const share = sampled === 0 ? 0 : 1 - this.#kept / sampled;
    return { rows: Math.round(share * this.#numRows), share, exact: this.#mask === 0 };
  }

  #see(lo: number, hi: number, rows: number): void {
    if ((hi & this.#mask) !== 0) return;
    let at = lo & (this.#capacity - 1);
    while (this.#rows[at] !== 0 && (this.#lo[at] !== lo || this.#hi[at] !== hi))
      at = (at + 1) & (this.#capacity - 1);
    if (this.#rows[at] === 0) {
      this.#lo[at] = lo;
      this.#hi[at] = hi;
      this.#kept++;
    }
    this.#rows[at]! += rows;
    if (2 * this.#kept > this.#capacity) this.#grow();
  }

  /** Makes room: a larger table, or of one that is large enough half of its rows. */
  #grow(): void {
    const [lo, hi, rows] = [this.#lo, this.#hi, this.#rows];
    if (this.#kept >= this.mostKept) this.#mask = 2 * this.#mask + 1;
    else this.#capacity *= 2;
    this.#lo = new Uint32Array(this.#capacity);
    this.#hi = new Uint32Array(this.#capacity);
    this.#rows = new Uint32Array(this.#capacity);
    this.#kept = 0;
    for (let at = 0; at < rows.length; at++) if (rows[at] !== 0) this.#see(lo[at]!, hi[at]!, rows[at]!);
  }
}
