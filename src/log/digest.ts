// A checksum of rows whose columns arrive in batches; it does not depend on the sizes of the batches.

import { createHash, type Hash } from "node:crypto";

/** Stands for the length of a missing value. */
export const MISSING = 0xffffffff;

/** Hashes values and lengths of a column as two separate streams, so that the result does not depend on batches. */
export class RowDigest {
  readonly #hashes: { values: Hash; lengths: Hash }[];

  constructor(numColumns: number) {
    const sha256 = () => createHash("sha256");
    this.#hashes = Array.from({ length: numColumns }, () => ({ values: sha256(), lengths: sha256() }));
  }

  /** @param values concatenated, without missing ones @param lengths u32[rows]: in any unit; MISSING for no value */
  add(column: number, values: Uint8Array, lengths: Uint32Array): void {
    const { values: hash, lengths: other } = this.#hashes[column]!;
    hash.update(values);
    other.update(new Uint8Array(lengths.buffer, lengths.byteOffset, lengths.byteLength));
  }

  addTexts(column: number, texts: readonly string[]): void {
    const bytes = texts.map((text) => Buffer.from(text, "utf8"));
    const lengths = Uint32Array.from(bytes, (one, i) => (texts[i] === "" ? MISSING : one.length));
    this.add(column, Buffer.concat(bytes), lengths);
  }

  /** Returns the checksum in hexadecimal; no rows may be added afterwards. */
  sha256(): string {
    const all = createHash("sha256");
    for (const { values, lengths } of this.#hashes) all.update(values.digest()).update(lengths.digest());
    return all.digest("hex");
  }
}
