// Counts the rows that repeat an earlier row in every cell, in bounded memory.
//
// Rows are identified by a hash of 64 bits. While there are few distinct rows, all are stored and the count is exact.
// Later, only rows whose hash has a certain number of zero bits are stored. Either all copies of a row are counted or
// none, so that the share of repeats among the counted rows estimates that of the log.

import { finish, mixWord } from "../../numeric/hash.js";

/** Number of rows that repeat an earlier row. */
export interface Duplicates {
  rows: number;
  /** share of the log's rows that repeat an earlier row */
  share: number;
  /** false if the numbers are estimates from a sample of the rows */
  exact: boolean;
}

/** Maximum number of distinct rows in the hash table. Each takes 12 bytes, and the table is at most half full. */
const MOST_KEPT = 1 << 20;

export class DuplicateRows {
  #capacity = 1 << 12;
  /**
   * u32[capacity] each: low and high word of a stored row's hash, and the number of rows with this hash; 0 rows for an
   * empty slot
   */
  #lo = new Uint32Array(this.#capacity);
  #hi = new Uint32Array(this.#capacity);
  #rows = new Uint32Array(this.#capacity);
  #kept = 0;
  /** bits that must be 0 in the high word of the hash of stored rows */
  #mask = 0;
  #numRows = 0;

  constructor(private readonly mostKept = MOST_KEPT) {}

  /** Counts the rows of a batch. @param columns u32[numRows] each: words that identify the cells of the column */
  add(columns: readonly Uint32Array[], numRows: number): void {
    const [lo, hi] = [new Int32Array(numRows), new Int32Array(numRows).fill(-1)];
    for (const words of columns) {
      for (let row = 0; row < numRows; row++) {
        lo[row] = mixWord(lo[row]!, words[row]!);
        // the high half hashes a different word, so that rows which collide in the low half differ in the high half
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

  /** Doubles the table. At the maximum size, drops half of the stored rows instead, by one more bit in the mask. */
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
