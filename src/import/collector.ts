// Collects the rows of a foreign table into an embedding table.

import { DataError, excerpt, type Place } from "../errors.js";
import type { EmbeddingTable } from "../embedding/table.js";

const HALF_A_PAIR = /[\ud800-\udfff]/u;

/** How the keys of a foreign table are assigned to fields. */
export interface FieldOfKeys {
  /** field of all keys; if undefined, each key has the form `field:key` */
  field: string | undefined;
}

/** Collects and checks rows, and groups them by field; the order within a field is kept. */
export class TableCollector {
  readonly #field: string | undefined;
  readonly #fields = new Map<string, number>();
  readonly #fieldOf: number[] = [];
  readonly #keys: string[] = [];
  /** line number of each row, by `field:key`; 0 for a format without lines */
  readonly #lines = new Map<string, number>();
  readonly #counts: number[] = [];
  readonly #weights: number[] = [];
  #vectors = new Float32Array(1024);
  #dim: number | undefined;

  constructor({ field }: FieldOfKeys) {
    this.#field = field;
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
    const whole = `${name}:${rest}`;
    const earlier = this.#lines.get(whole);
    if (earlier !== undefined)
      throw new DataError(
        `duplicate key ${excerpt(rest)}${earlier === 0 ? "" : `, first in line ${earlier}`}: remove one of them`,
        place,
      );
    this.#lines.set(whole, place.line ?? 0);
    this.#dim ??= vector.length;
    if (vector.length !== this.#dim || this.#dim === 0)
      throw new DataError(
        `key ${excerpt(rest)} has ${vector.length} numbers, expected ` +
          (this.#dim === 0 ? "at least one" : `${this.#dim} as in the first row`),
        place,
      );
    const start = this.#keys.length * this.#dim;
    if (start + this.#dim > this.#vectors.length) {
      const grown = new Float32Array(2 * (start + this.#dim));
      grown.set(this.#vectors);
      this.#vectors = grown;
    }
    this.#vectors.set(vector, start);
    for (let d = 0; d < this.#dim; d++)
      if (!Number.isFinite(this.#vectors[start + d]))
        throw new DataError(
          `number ${d + 1} of key ${excerpt(rest)} is ${vector[d]}, expected a finite 32-bit float`,
          place,
        );
    if (!this.#fields.has(name)) this.#fields.set(name, this.#fields.size);
    this.#fieldOf.push(this.#fields.get(name)!);
    this.#keys.push(rest);
    this.#counts.push(count);
    if (weight !== undefined) this.#weights.push(weight);
  }

  /** Returns the table. @throws {DataError} there are no rows */
  finish(file: string): EmbeddingTable {
    const dim = this.#dim;
    const numRows = this.#keys.length;
    if (dim === undefined) throw new DataError("the file has no rows", { file });
    // sorts the rows by field, in the order in which fields first occur; the order within a field is kept, because the
    // sort is stable
    const order = Array.from({ length: numRows }, (_, row) => row).sort(
      (a, b) => this.#fieldOf[a]! - this.#fieldOf[b]!,
    );
    const encoded = order.map((row) => Buffer.from(this.#keys[row]!, "utf8"));
    const offsets = new Uint32Array(numRows + 1);
    encoded.forEach((key, i) => (offsets[i + 1] = offsets[i]! + key.length));
    const vectors = new Float32Array(numRows * dim);
    order.forEach((row, i) => vectors.set(this.#vectors.subarray(row * dim, (row + 1) * dim), i * dim));
    const weights = this.#weights.length === numRows && this.#weights;
    return {
      dim,
      numRows,
      fields: [...this.#fields.keys()],
      fieldOf: Uint32Array.from(order, (row) => this.#fieldOf[row]!),
      keys: { size: numRows, bytes: Buffer.concat(encoded), offsets },
      counts: Uint32Array.from(order, (row) => this.#counts[row]!),
      weights: weights ? Float32Array.from(order, (row) => weights[row]!) : undefined,
      vectors,
    };
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
}
