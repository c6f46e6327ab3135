// A checksum of rows as they were read: of columns whose values come in batches, whatever the sizes of these.

import { createHash, type Hash } from "node:crypto";

/** Length of a missing value. */
const MISSING = 0xffffffff;

/** Of some columns; two streams a column, what the values are and how long each is, so that batches leave no trace. */
export class RowDigest {
  readonly #hashes: { values: Hash; lengths: Hash }[];

  constructor(numColumns: number) {
    const sha256 = () => createHash("sha256");
    this.#hashes = Array.from({ length: numColumns }, () => ({ values: sha256(), lengths: sha256() }));
  }

  /**
   * Adds values of a column.
   *
   * @param values  those that are there, one after another
   * @param lengths u32[rows], in any unit; MISSING where there is none
   */
  add(column: number, values: Uint8Array, lengths: Uint32Array): void {
    const { values: hash, lengths: other } = this.#hashes[column]!;
    hash.update(values);
    other.update(new Uint8Array(lengths.buffer, lengths.byteOffset, lengths.byteLength));
  }

  /** Adds texts of a column. */
  addTexts(column: number, texts: readonly string[]): void {
    const bytes = texts.map((text) => Buffer.from(text, "utf8"));
    const lengths = Uint32Array.from(bytes, (one, i) => (texts[i] === "" ? MISSING : one.length));
    this.add(column, Buffer.concat(bytes), lengths);
  }

  /** Hexadecimal; the digest takes no more rows. */
  sha256(): string {
    const all = createHash("sha256");
    for (const { values, lengths } of this.#hashes) all.update(values.digest()).update(lengths.digest());
    return all.digest("hex");
  }
}
