// Collects the rows of a foreign table: its keys in memory, its vectors on disk from a size on, so that a table may be
// larger than memory.

import { DataError, excerpt, type Place } from "../errors.js";
import type { EmbeddingTable, RowRange } from "../embedding/table.js";
import { RowFile } from "../io/row-file.js";
import { joinedKeys } from "../log/keys.js";
import { DistinctKeys, NumberList } from "./distinct-keys.js";

const HALF_A_PAIR = /[\ud800-\udfff]/u;

/** Maximum number of fields; tables have a few, and more of them are usually keys that contain a colon. */
const MAX_FIELDS = 16_384;

/** Maximum number of bytes of vectors in memory; tests lower it. */
export const inMemory = { most: 16 << 20 };

/** The assignment of keys to fields, and the place of vectors on disk. */
export interface CollectorOptions {
  /** field of all keys; if undefined, each key has the form `field:key` */
  field: string | undefined;
  /**
   * path of an output: vectors on disk lie in a file next to it, whose name is deleted at once; when absent, all vectors
   * stay in memory
   */
  beside?: string;
}

/** The rows of a field, in the order in which they were added. */
interface FieldRows {
  keys: DistinctKeys;
  counts: NumberList<Uint32Array<ArrayBuffer>>;
  /** number of each row among all rows */
  places: NumberList<Uint32Array<ArrayBuffer>>;
  /** line number of each row; 0 for a format without lines */
  lines: NumberList<Uint32Array<ArrayBuffer>>;
}

/** A table without its vectors, and a function that reads them. */
export interface CollectedTable {
  table: Omit<EmbeddingTable, "vectors">;
  /** returns f32[rows * dim]: the vectors of consecutive rows */
  vectorsOf: (range: RowRange) => Float32Array;
}

/** Collects and checks rows, and groups them by field; the order within a field is kept. */
export class TableCollector {
  readonly #field: string | undefined;
  readonly #beside: string | undefined;
  readonly #fields = new Map<string, FieldRows>();
  readonly #weights = new NumberList(Float32Array);
  #numRows = 0;
  #dim: number | undefined;
  /** vectors of the last rows; earlier ones are in the file */
  #recent = new Float32Array(1024);
  #numRecent = 0;
  #file: RowFile | undefined;

  constructor({ field, beside }: CollectorOptions) {
    this.#field = field;
    this.#beside = beside;
  }

  /**
   * Adds a row.
   *
   * @param vector its numbers; they are rounded to f32
   * @throws {DataError} the key is empty or repeated, the number of dimensions differs, or a number is not finite
   */
  add(
    key: string,
    vector: ArrayLike<number>,
    place: Place,
    { field, count = 0, weight }: { field?: string; count?: number; weight?: number } = {},
  ): void {
    const [name, rest] = field === undefined ? this.#split(key, place) : [field, key];
    if (rest === "") throw new DataError("a row has no key", place);
    if (HALF_A_PAIR.test(rest)) throw new DataError(`key ${excerpt(rest)} has an unpaired surrogate`, place);
    const rows = this.#rowsOf(name, place);
    const row = rows.keys.add(rest);
    if (row < rows.lines.length) {
      const earlier = rows.lines.at(row);
      throw new DataError(
        `duplicate key ${excerpt(rest)}${earlier === 0 ? "" : `, first in line ${earlier}`}: remove one of them`,
        place,
      );
    }
    this.#dim ??= vector.length;
    if (vector.length !== this.#dim || this.#dim === 0)
      throw new DataError(
        `key ${excerpt(rest)} has ${vector.length} numbers, expected ` +
          (this.#dim === 0 ? "at least one" : `${this.#dim} as in the first row`),
        place,
      );
    const start = this.#roomFor(this.#dim);
    this.#recent.set(vector, start);
    for (let d = 0; d < this.#dim; d++)
      if (!Number.isFinite(this.#recent[start + d]))
        throw new DataError(
          `number ${d + 1} of key ${excerpt(rest)} is ${vector[d]}, expected a finite 32-bit float`,
          place,
        );
    rows.counts.push(count);
    rows.lines.push(place.line ?? 0);
    rows.places.push(this.#numRows);
    if (weight !== undefined) this.#weights.push(weight);
    this.#numRecent += this.#dim;
    this.#numRows++;
  }

  /** Returns the table. @throws {DataError} there are no rows */
  finish(file: string): CollectedTable {
    const dim = this.#dim;
    const numRows = this.#numRows;
    if (dim === undefined) throw new DataError("the file has no rows", { file });
    const fields = [...this.#fields.values()];
    const [fieldOf, counts] = [new Uint32Array(numRows), new Uint32Array(numRows)];
    const order = new Uint32Array(numRows);
    let row = 0;
    for (const [f, rows] of fields.entries()) {
      fieldOf.fill(f, row, row + rows.places.length);
      counts.set(rows.counts.all, row);
      order.set(rows.places.all, row);
      row += rows.places.length;
    }
    const weights = this.#weights.length === numRows && this.#weights.all;
    return {
      table: {
        dim,
        numRows,
        fields: [...this.#fields.keys()],
        fieldOf,
        keys: joinedKeys(...fields.map(({ keys }) => keys.all)),
        counts,
        weights: weights ? Float32Array.from(order, (of) => weights[of]!) : undefined,
      },
      vectorsOf: ({ first, last }) => this.#vectorsOf(order.subarray(first, last), dim),
    };
  }

  /** Closes the file of vectors, if there is one. */
  close(): void {
    this.#file?.close();
  }

  /** Reads the vectors of rows in the order of adding. */
  #vectorsOf(order: Uint32Array, dim: number): Float32Array {
    const vectors = new Float32Array(order.length * dim);
    const stored = this.#numRows - this.#numRecent / dim;
    for (let [from, to] = [0, 0]; from < order.length; from = to) {
      // rows that follow each other are read at once
      const row = order[from]!;
      for (to = from + 1; to < order.length && order[to] === row + to - from && row + to - from !== stored;)
        to++;
      const part = vectors.subarray(from * dim, to * dim);
      if (row < stored) this.#file!.read(part, 4 * dim * row);
      else part.set(this.#recent.subarray((row - stored) * dim, (row - stored + to - from) * dim));
    }
    return vectors;
  }

  /** Returns the index in `#recent` of the next row; rows in memory move to the file if they are too many. */
  #roomFor(dim: number): number {
    const end = this.#numRecent + dim;
    if (4 * end > inMemory.most && this.#numRecent > 0 && this.#beside !== undefined) {
      this.#file ??= RowFile.temporary(this.#beside);
      this.#file.append(this.#recent.subarray(0, this.#numRecent));
      this.#numRecent = 0;
    } else if (end > this.#recent.length) {
      const grown = new Float32Array(2 * end);
      grown.set(this.#recent);
      this.#recent = grown;
    }
    return this.#numRecent;
  }

  #split(key: string, place: Place): [field: string, key: string] {
    if (this.#field !== undefined) return [this.#field, key];
    const colon = key.indexOf(":");
    if (colon < 1)
      throw new DataError(
        `key ${excerpt(key)} has no field: expected field:key, or set the field of all keys with --field`,
        place,
      );
    return [key.slice(0, colon), key.slice(colon + 1)];
  }

  /** Returns the rows of a field, which is added if it is new. @throws {DataError} there are too many fields */
  #rowsOf(name: string, place: Place): FieldRows {
    const known = this.#fields.get(name);
    if (known) return known;
    if (this.#fields.size === MAX_FIELDS)
      throw new DataError(
        `more than ${MAX_FIELDS} fields: check that keys are field:key, or set the field of all keys with --field`,
        place,
      );
    const added = {
      keys: new DistinctKeys(),
      counts: new NumberList(Uint32Array),
      places: new NumberList(Uint32Array),
      lines: new NumberList(Uint32Array),
    };
    this.#fields.set(name, added);
    return added;
  }
}
