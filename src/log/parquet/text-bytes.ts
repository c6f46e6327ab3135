// Collects texts as UTF-8 bytes, one after another, without a JavaScript string per text.

import type { Keys } from "../keys.js";
import type { RangeBuffers } from "./range-buffers.js";
import type { PlainValues } from "./values.js";

/** A growing list of texts, which is converted to keys at the end. */
export class TextBytes {
  #bytes = new Uint8Array(1 << 12);
  #offsets = new Uint32Array(1 << 8);
  #size = 0;
  #length = 0;

  /** Removes all texts. @param size maximum number of texts that will be added */
  clear(size: number): void {
    if (this.#offsets.length <= size) this.#offsets = new Uint32Array(size + 1);
    [this.#size, this.#length] = [0, 0];
  }

  push(text: string): void {
    // a UTF-16 unit takes at most 3 bytes
    this.#reserve(3 * text.length);
    const bytes = this.#bytes;
    let length = this.#length;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) {
        const written = Buffer.from(text, "utf8");
        bytes.set(written, this.#length);
        length = this.#length + written.length;
        break;
      }
      bytes[length++] = unit;
    }
    this.#end(length);
  }

  /** Adds the digits of a safe integer as a text. */
  pushInteger(value: number): void {
    this.#reserve(17);
    let length = this.#length;
    if (value < 0) {
      this.#bytes[length++] = 0x2d;
      value = -value;
    }
    // numbers are written in two parts below 1e9, because 32-bit arithmetic is several times faster
    const high = value < 1e9 ? 0 : Math.floor(value / 1e9);
    if (high > 0) {
      length = this.#digits(high, length, digitsOf(high));
      length = this.#digits(value - high * 1e9, length, 9);
    } else length = this.#digits(value, length, digitsOf(value));
    this.#end(length);
  }

  /** Adds the texts of the values at the given indices. */
  pushAll({ bytes: source, bounds, gap }: PlainValues & { kind: "text" }, places: ArrayLike<number>): void {
    let size = 0;
    for (let i = 0; i < places.length; i++) size += bounds[places[i]! + 1]! - bounds[places[i]!]! - gap;
    this.#reserve(size);
    const [bytes, offsets] = [this.#bytes, this.#offsets];
    let length = this.#length;
    for (let i = 0; i < places.length; i++) {
      const end = bounds[places[i]! + 1]!;
      for (let at = bounds[places[i]!]! + gap; at < end; at++) bytes[length++] = source[at]!;
      offsets[++this.#size] = length;
    }
    this.#length = length;
  }

  /** Returns a copy of the texts as keys. */
  keys(buffers: RangeBuffers): Keys {
    const size = this.#size;
    const keys = { size, bytes: buffers.someBytes(this.#length), offsets: buffers.someU32(size + 1) };
    keys.bytes.set(this.#bytes.subarray(0, this.#length));
    keys.offsets.set(this.#offsets.subarray(0, size + 1));
    return keys;
  }

  /** Writes the digits of an integer below 2^31. @returns the offset after its last digit */
  #digits(value: number, at: number, count: number): number {
    const bytes = this.#bytes;
    let rest = value | 0;
    for (let i = at + count - 1; i >= at; i--) {
      const tenth = (rest / 10) | 0;
      bytes[i] = 0x30 + rest - 10 * tenth;
      rest = tenth;
    }
    return at + count;
  }

  #end(length: number): void {
    this.#length = length;
    this.#offsets[++this.#size] = length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Returns the number of digits of a whole number that has at most ten. */
function digitsOf(value: number): number {
  let digits = 1;
  for (let power = 10; digits < 10 && value >= power; power *= 10) digits++;
  return digits;
}
