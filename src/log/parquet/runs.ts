// Reads the runs of small integers by which Parquet encodes levels and dictionary indices, a few values at a time.
//
// A 32-bit header states whether a run repeats one value (RLE) or packs groups of 8 values. Every length is checked
// against the number of values that the page states, so that a damaged one costs neither memory nor minutes.
//
// Source: Apache Parquet format, Encodings, RLE / bit-packing hybrid.

import type { Unpack } from "./memory.js";

/** The encoded values of one page, which are read in order. */
export class Runs {
  readonly #bytes: Uint8Array;
  #end: number;
  readonly #width: number;
  /** offset of the next byte; within a packed run, of the byte that contains its next value */
  #at: number;
  /** number of bits that were already read of the byte at offset #at */
  #bit = 0;
  /** number of the page's values that are in later runs than the current one */
  #left: number;
  /** number of values of the current run that were not read yet */
  #run = 0;
  #isPacked = false;
  #value = 0;

  /**
   * @param bytes array that holds the encoded values at [start, end)
   * @param width bits per value, 0 to 32
   * @param count number of values of the page
   * @throws {Error} the width is impossible
   */
  constructor(bytes: Uint8Array, start: number, end: number, width: number, count: number) {
    if (!(width >= 0 && width <= 32)) throw new Error(`an index of ${width} bits is none`);
    this.#bytes = bytes;
    this.#at = start;
    this.#end = Math.min(end, bytes.length);
    this.#width = width;
    this.#left = count;
    if (width === 0) [this.#run, this.#left] = [count, 0];
  }

  /** Values without a header, such as booleans in PLAIN. @throws {Error} there are too few bytes */
  static packed(bytes: Uint8Array, start: number, width: number, count: number): Runs {
    const runs = new Runs(bytes, start, bytes.length, width, count);
    if (width > 0) runs.#startPacked(count);
    return runs;
  }

  /**
   * Writes the next values to out[from, from + count).
   *
   * @param unpack the kernel's function, if bytes and `out` are in its memory
   * @throws {Error} the page has fewer values, or a run is longer than its page
   */
  read(out: Uint32Array, from: number, count: number, unpack: Unpack = unpackValues): void {
    for (let to = from; count > 0;) {
      if (this.#run === 0) this.#next();
      const size = Math.min(count, this.#run);
      if (this.#isPacked) {
        unpack(this.#bytes, this.#at, this.#bit, this.#width, out, to, size);
        this.#pass(size);
      } else out.fill(this.#value, to, to + size);
      this.#run -= size;
      to += size;
      count -= size;
    }
  }

  skip(count: number): void {
    while (count > 0) {
      if (this.#run === 0) this.#next();
      const size = Math.min(count, this.#run);
      if (this.#isPacked) this.#pass(size);
      this.#run -= size;
      count -= size;
    }
  }

  /** Returns the value of the next `count` values if they are in one repeating run; otherwise -1. */
  repeated(count: number): number {
    if (this.#run === 0 && count > 0) this.#next();
    return !this.#isPacked && this.#run >= count ? this.#value : -1;
  }

  #next(): void {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#end) throw new Error(`values of a page end ${this.#left} too early`);
      const byte = this.#bytes[this.#at++]!;
      if (shift > 28) throw new Error("invalid run length: too many bytes");
      header |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const size = header >>> 1;
    if ((header & 1) === 1) {
      // the padding has at most 7 values, except in DuckDB's files, which pack indices in blocks of 256
      if (size * 8 > this.#left + 255)
        throw new Error(`a run of ${size * 8} values in a page with ${this.#left} left`);
      this.#startPacked(Math.min(size * 8, this.#left));
      return;
    }
    if (size > this.#left + 7) throw new Error(`a run of ${size} values in a page with ${this.#left} left`);
    const numBytes = (this.#width + 7) >> 3;
    if (this.#at + numBytes > this.#end) throw new Error("a run without its value");
    let value = 0;
    for (let i = 0; i < numBytes; i++) value |= this.#bytes[this.#at++]! << (8 * i);
    this.#isPacked = false;
    this.#value = value >>> 0;
    this.#run = Math.min(size, this.#left);
    this.#left -= this.#run;
  }

  /** @param count number of values without the padding, whose bytes may be missing in a page's last run */
  #startPacked(count: number): void {
    this.#isPacked = true;
    this.#run = Math.min(count, Math.floor((8 * (this.#end - this.#at)) / this.#width));
    this.#left -= count;
    this.#bit = 0;
    // missing bytes are reported when their values are requested
    if (this.#run < count) this.#end = 0;
  }

  /** Advances in a packed run, which ends at a whole byte: all runs except the last have groups of 8. */
  #pass(count: number): void {
    const bits = this.#bit + count * this.#width;
    this.#at += Math.floor(bits / 8);
    this.#bit = bits % 8;
  }
}

/** Unpacks values, lowest bit first. @param bit number of bits of bytes[at] that belong to previous values */
export const unpackValues: Unpack = (bytes, at, bit, width, out, from, count) => {
  let bits = 8 - bit;
  const end = from + count;
  let held = bytes[at++]! >>> bit;
  if (width <= 24) {
    const mask = 2 ** width - 1;
    for (let i = from; i < end; i++) {
      while (bits < width) {
        held |= bytes[at++]! << bits;
        bits += 8;
      }
      out[i] = held & mask;
      held >>>= width;
      bits -= width;
    }
    return;
  }
  // a value and the rest of the previous byte may need more than 32 bits
  for (let i = from; i < end; i++) {
    while (bits < width) {
      held += bytes[at++]! * 2 ** bits;
      bits += 8;
    }
    out[i] = held % 2 ** width;
    held = Math.floor(held / 2 ** width);
    bits -= width;
  }
};
