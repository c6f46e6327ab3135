// Removes repeated rows from a log: of rows that are equal in all cells, the first is kept.
//
// A row is identified by a 64-bit hash of the codes of its cells; two codes are equal if and only if the texts are
// equal. So memory holds 16 to 32 bytes per distinct row, and the keys of all columns. The probability that two
// different rows of n have the same hash, so that the later row is lost, is about n^2 / 2^65: 1 in 37 million at a
// million rows, 1 in 3,700 at a hundred million.

import type { Batch, ColumnRequest, Log } from "./log.js";

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
export function hashStep(hash: number, code: number, m1 = 0xcc9e2d51, m2 = 0x1b873593): number {
  let k = Math.imul(code, m1);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, m2);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Mixes the bits of a row's hash so that each bit affects all others. */
export function finishHash(hash: number): number {
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
export function rowsOfBatch(batch: Batch, kept: Uint32Array, firstRow: number, numRequests: number): Batch {
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

  /** Adds a hash and returns whether it is new. */
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
