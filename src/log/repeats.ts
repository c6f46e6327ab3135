// A log without its repeats: of rows that are equal cell by cell, the first is kept.
//
// Each row is known by a 64-bit hash of its codes, which are equal exactly when the cells' text is. So the memory is 16
// to 32 bytes a distinct row, and the keys of all columns. Two different rows of n have the same hash, and the later is
// lost, with odds of about n^2 / 2^65: 1 in 37 million at a million rows, 1 in 3,700 at a hundred million.

import type { Batch, ColumnRequest, Log } from "./log.js";

/** The log with --dedupe; ReadResult.repeats says how many rows it left out. */
export function withoutRepeats(log: Log): Log {
  return {
    ...log,
    async read(requests, onBatch, observe) {
      // a row is its cells as text: columns that nobody asked for, or as numbers, are read for their codes
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
          await onBatch(batchOf(batch, kept, numRows, requests.length), keyOf);
          numRows += kept.length;
        },
        observe,
      );
      const nulls = read.nulls.slice(0, requests.length);
      return { ...read, numRows, repeats, nulls, dictionaries: read.dictionaries.slice(0, requests.length) };
    },
  };
}

/** u32: rows of the batch that no earlier row equals. */
function newRows(columns: Batch["columns"], numRows: number, seen: RowSet): Uint32Array {
  const kept = new Uint32Array(numRows);
  let size = 0;
  for (let row = 0; row < numRows; row++) {
    let [a, b] = [0x9e3779b9, 0x85ebca6b];
    for (const codes of columns) {
      // two lanes of Murmur3's 32-bit step, each with constants of its own
      const code = codes[row]!;
      a = step(a, code, 0xcc9e2d51, 0x1b873593);
      b = step(b, code, 0x239b961b, 0x38b34ae5);
    }
    // lanes take from each other last, so that none of their bits is alone
    a = finish(a ^ columns.length);
    b = finish(b + a);
    if (seen.add((a + b) | 0, b)) kept[size++] = row;
  }
  return kept.subarray(0, size);
}

function step(hash: number, code: number, m1: number, m2: number): number {
  let k = Math.imul(code, m1);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, m2);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function batchOf(batch: Batch, kept: Uint32Array, firstRow: number, numRequests: number): Batch {
  const columns = batch.columns.slice(0, numRequests);
  if (kept.length === batch.numRows) {
    return { ...batch, firstRow, columns, sizes: batch.sizes.slice(0, numRequests) };
  }
  const rowOf = new Map(Array.from(kept, (row, i) => [row, i]));
  return {
    ...batch,
    firstRow,
    numRows: kept.length,
    // the row moves down at most: each cell is read before it is written over
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

/** A set of 64-bit hashes: open addressing, linear probing, at most half full. */
class RowSet {
  #size = 0;
  // pairs; 0, 0 is an empty slot
  #slots = new Int32Array(2 << 12);

  /** Whether the hash is new. */
  add(a: number, b: number): boolean {
    // the one hash that means empty shares its place with another
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
