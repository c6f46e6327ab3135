// Reads an input from start to end in portions of given lengths, or up to a delimiter.
//
// `take` and `until` return what is already in memory, so that a caller awaits a read once per piece of the input and
// not once per row.

import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { openSource, type ByteSource } from "../../base/io/source.js";

/** A reader of an input; call `close` in any case. */
export class ByteReader {
  readonly #source: ByteSource;
  readonly #pieces: AsyncGenerator<Uint8Array, void, undefined>;
  /** bytes in memory; those before `#at` have been returned */
  #bytes = Buffer.alloc(0);
  #at = 0;

  private constructor(source: ByteSource) {
    this.#source = source;
    this.#pieces = source.pieces();
  }

  static async open(path: string): Promise<ByteReader> {
    return new ByteReader(await openSource(path));
  }

  /** Size of the file on disk; undefined for a pipe. */
  get totalBytes(): number | undefined {
    return this.#source.totalBytes;
  }

  /** Number of bytes that were read from the input, but not returned. */
  get numInMemory(): number {
    return this.#bytes.length - this.#at;
  }

  /** Returns the next bytes, as a view that is valid until the next read; undefined if too few are in memory. */
  take(length: number): Buffer | undefined {
    if (this.#bytes.length - this.#at < length) return undefined;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Reads the next bytes, as `take`. @returns undefined if the input ends before */
  async read(length: number): Promise<Buffer | undefined> {
    while (this.#bytes.length - this.#at < length) if (!(await this.#more())) return undefined;
    return this.take(length);
  }

  /** Returns the bytes before the next delimiter, which is skipped; undefined if it is not in memory. */
  until(byte: number): Buffer | undefined {
    const end = this.#bytes.indexOf(byte, this.#at);
    if (end < 0) return undefined;
    const found = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    return found;
  }

  /** Reads up to a delimiter, as `until`. @returns undefined if it does not occur in the next `most` bytes */
  async readUntil(byte: number, most: number): Promise<Buffer | undefined> {
    for (;;) {
      const found = this.until(byte);
      if (found || this.#bytes.length - this.#at > most || !(await this.#more())) return found;
    }
  }

  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    do {
      yield this.#bytes.subarray(this.#at);
      this.#at = this.#bytes.length;
    } while (await this.#more());
  }

  async #more(): Promise<boolean> {
    const next = await this.#pieces.next();
    if (next.done) return false;
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), next.value]);
    this.#at = 0;
    return true;
  }

  /** Returns the fingerprint of the whole input, once all of it has been read. */
  fingerprint(): InputFingerprint {
    return this.#source.fingerprint();
  }

  async close(): Promise<void> {
    await this.#source.close();
  }
}
