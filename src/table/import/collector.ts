// Collects the rows of a foreign table: its keys in memory, its vectors on disk from a size on, so that a table may be
// larger than memory.

import { DataError, excerpt, type Place } from "../../base/errors.js";
import type { EmbeddingTable, RowRange } from "../table.js";
import { RowFile } from "../../base/io/row-file.js";
import { joinedKeys, type Keys } from "../../log/keys.js";
import { hashBytes } from "../../base/numeric/hash.js";

// Distinct keys as UTF-8 bytes in one growing buffer, and growing lists of numbers: tens of millions of rows exceed the
// size of a Map, and a number in a plain array takes up to 16 bytes.

const SEED = { lo: 0x1f3d5b79, hi: 0 };
const EMPTY = 0xffffffff;
/** Maximum number of bytes of all keys, because their offsets are u32. */
const MAX_BYTES = 2 ** 32 - 1;

class NumberList<T extends Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>> {
  length = 0;
  readonly #type: new (length: number) => T;
  #numbers: T;

  constructor(type: new (length: number) => T) {
    this.#type = type;
    this.#numbers = new type(4);
  }

  push(number: number): void {
    if (this.length === this.#numbers.length) {
      const grown = new this.#type(2 * this.length);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers[this.length++] = number;
  }

  at(i: number): number {
    return this.#numbers[i]!;
  }

  /** The numbers, as a view that is valid until the next `push`. */
  get all(): T {
    return this.#numbers.subarray(0, this.length) as T;
  }
}

/** A growing set of keys; a key's number is its position in the order of adding. */
class DistinctKeys {
  readonly #offsets = new NumberList<Uint32Array<ArrayBuffer>>(Uint32Array);
  #bytes = Buffer.alloc(64);
  /** number of the key in each slot of a hash table with open addressing, or EMPTY */
  #slots = new Uint32Array(8).fill(EMPTY);

  constructor() {
    this.#offsets.push(0);
  }

  get size(): number {
    return this.#offsets.length - 1;
  }

  /** The keys, as views that are valid until the next `add`. */
  get all(): Keys {
    const offsets = this.#offsets.all;
    return { size: this.size, bytes: this.#bytes.subarray(0, offsets[this.size]), offsets };
  }

  /** Adds a key if it is new. @returns its number @throws {DataError} all keys exceed 4 GiB */
  add(key: string): number {
    const { size } = this;
    const from = this.#offsets.at(size);
    // a character takes at most three bytes of UTF-8
    const most = from + 3 * key.length;
    if (most > MAX_BYTES) throw new DataError("the keys of a field exceed 4 GiB: import fewer rows");
    if (most > this.#bytes.length) this.#bytes = this.#grown(from, most);
    const to = from + this.#bytes.write(key, from, "utf8");
    const slot = this.#slotOf(from, to);
    const found = this.#slots[slot]!;
    if (found !== EMPTY) return found;
    this.#slots[slot] = size;
    this.#offsets.push(to);
    if (2 * this.size > this.#slots.length) this.#rehash();
    return size;
  }

  /** Returns the slot of the key in bytes from .. to, or the empty slot to which it belongs. */
  #slotOf(from: number, to: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashBytes(this.#bytes, from, to, SEED).lo & mask;
    while (this.#slots[slot] !== EMPTY && !this.#isAt(this.#slots[slot]!, from, to)) slot = (slot + 1) & mask;
    return slot;
  }

  #isAt(key: number, from: number, to: number): boolean {
    const start = this.#offsets.at(key);
    if (this.#offsets.at(key + 1) - start !== to - from) return false;
    for (let i = 0; i < to - from; i++) if (this.#bytes[start + i] !== this.#bytes[from + i]) return false;
    return true;
  }

  #rehash(): void {
    this.#slots = new Uint32Array(2 * this.#slots.length).fill(EMPTY);
    for (let key = 0; key < this.size; key++)
      this.#slots[this.#slotOf(this.#offsets.at(key), this.#offsets.at(key + 1))] = key;
  }

  #grown(used: number, least: number): Buffer<ArrayBuffer> {
    const bytes = Buffer.alloc(Math.min(MAX_BYTES, 2 * least));
    this.#bytes.copy(bytes, 0, 0, used);
    return bytes;
  }
}

const HALF_A_PAIR = /[\ud800-\udfff]/u;

/** Maximum number of fields; tables have a few, and more of them are usually keys that contain a colon. */
const MAX_FIELDS = 16_384;

/** Maximum number of bytes of vectors in memory; tests lower it. */
export const inMemory = { most: 16 << 20 };

interface CollectorOptions {
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

interface CollectedTable {
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

  /** The numbers are rounded to f32. @throws {DataError} the key is empty or repeated, or the numbers are invalid */
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
