// A growing buffer of text as bytes, which is returned in chunks. Keys are copied as bytes, and numbers are written
// without creating strings.

import { ArtifactError } from "../../base/errors.js";

const CHUNK = 1 << 18;

/** Maximum number of bytes that are copied one by one. */
const SHORT = 48;

/** Powers of ten that are exact as 64-bit floats. */
const POWERS = Array.from({ length: 23 }, (_, s) => Number(`1e${s}`));
const EPSILON = 2 ** -52;

/** Collects the bytes of one file. Each file needs its own writer. */
export class ByteWriter {
  #buffer = new Uint8Array(CHUNK + (CHUNK >> 2));
  #length = 0;

  /** Whether enough bytes for a chunk were collected, so that the caller should yield `take()`. */
  get isFull(): boolean {
    return this.#length >= CHUNK;
  }

  /** Returns the bytes written since the last call, in a new buffer. */
  take(): Uint8Array {
    const taken = this.#buffer.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  bytes(values: Uint8Array): void {
    this.#reserve(values.length);
    this.#buffer.set(values, this.#length);
    this.#length += values.length;
  }

  /** Writes bytes [from, to) of an array without creating a view, which would take longer than copying a few bytes. */
  bytesOf(values: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from);
    const [buffer, offset] = [this.#buffer, this.#length - from];
    if (to - from <= SHORT) for (let i = from; i < to; i++) buffer[offset + i] = values[i]!;
    else buffer.set(values.subarray(from, to), this.#length);
    this.#length += to - from;
  }

  /** Writes a text as UTF-8. */
  text(text: string): void {
    this.bytes(Buffer.from(text, "utf8"));
  }

  /** Writes a non-negative integer below 2^53 in decimal. */
  integer(value: number): void {
    this.#reserve(16);
    this.#digits(value, numDigits(value));
  }

  /**
   * Writes the shortest text of at most 9 digits that reads back to the same f32, whether it is read as f64 first or
   * directly.
   *
   * @throws {ArtifactError} the number is not finite, so the table is invalid
   */
  float32(value: number): void {
    this.#reserve(32);
    const magnitude = Math.abs(value);
    if (!Number.isFinite(value)) {
      throw new ArtifactError(`the table contains ${value}, which cannot be exported: train again`);
    }
    if (value < 0 || Object.is(value, -0)) this.#buffer[this.#length++] = 45;
    if (magnitude === 0) this.#buffer[this.#length++] = 48;
    else if (magnitude >= 1e-5 && magnitude < 1e9) this.#plain(magnitude);
    else this.#exponential(magnitude);
  }

  /** Writes numbers [from, to) of an array, separated by the given byte. @throws {ArtifactError} as float32 */
  float32s(values: Float32Array, from: number, to: number, separator: number): void {
    for (let i = from; i < to; i++) {
      if (i > from) this.byte(separator);
      this.float32(values[i]!);
    }
  }

  /** Writes a number with a decimal point and no exponent, for 1e-5 <= v < 1e9. */
  #plain(v: number): void {
    // v = 0.ddd * 10^places, so p significant digits have p - places decimals
    let places = 0;
    if (v >= 1) places = numDigits(Math.floor(v));
    else while (v * POWERS[1 - places]! < 1) places--;
    // Most numbers need 8 or 9 digits. If fewer digits read back, so does every number of digits in between, except for
    // a power of two, whose two neighbors are not equally far. The search ends at 6 digits, because a shorter form
    // differs only by trailing zeros.
    let p = isPowerOfTwo(v) ? 6 : 8;
    while (p < 9 && !readsBackBy(v, p - places)) p++;
    while (p === 8 || p === 7) {
      if (!readsBackBy(v, p - 1 - places)) break;
      p--;
    }
    // integers with more than p digits keep all their digits
    let s = Math.max(0, p - places);
    let digits = Math.round(v * POWERS[s]!);
    while (s > 0 && digits % 10 === 0) {
      digits /= 10;
      s--;
    }
    if (s === 0) {
      this.#digits(digits, numDigits(digits));
      return;
    }
    const whole = Math.floor(digits / POWERS[s]!);
    this.#digits(whole, numDigits(whole));
    this.#buffer[this.#length++] = 46;
    this.#digits(digits - whole * POWERS[s]!, s);
  }

  #exponential(v: number): void {
    // the search starts at 6 digits, because a shorter form differs only by trailing zeros; a subnormal number may need
    // fewer
    let p = v < 2 ** -126 ? 0 : 5;
    while (p < 8 && !readsBack(Number(v.toExponential(p)), v)) p++;
    const text = v.toExponential(p).replace(/\.?0*e/, "e");
    // the plus sign is left out: strtof, JSON and every CSV reader accept 1.5e20 and 1.5e-7
    this.text(text.replace("+", ""));
  }

  /** Writes the last `count` decimal digits of an integer below 2^53. */
  #digits(value: number, count: number): void {
    const end = this.#length + count;
    let rest = value;
    for (let at = end - 1; at >= this.#length; at--) {
      const tenth = Math.floor(rest / 10);
      this.#buffer[at] = 48 + rest - tenth * 10;
      rest = tenth;
    }
    this.#length = end;
  }

  #reserve(extra: number): void {
    if (this.#length + extra <= this.#buffer.length) return;
    const grown = new Uint8Array(2 * (this.#length + extra));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

function readsBackBy(v: number, decimals: number): boolean {
  const power = POWERS[Math.max(0, decimals)]!;
  return readsBack(Math.round(v * power) / power, v);
}

const BITS = new Float32Array(1);
const BITS_AS_INTEGER = new Uint32Array(BITS.buffer);

/** Whether a normal 32-bit float above 0 is a power of two. */
function isPowerOfTwo(v: number): boolean {
  BITS[0] = v;
  return (BITS_AS_INTEGER[0]! & 0x7fffff) === 0;
}

/**
 * Whether a decimal, given as its nearest f64, rounds to the f32 `v` in every reader. Some readers round only once, so
 * the f64 neighbors must round to `v` as well.
 */
function readsBack(decimal: number, v: number): boolean {
  return Math.fround(decimal * (1 + EPSILON)) === v && Math.fround(decimal * (1 - EPSILON)) === v;
}

function numDigits(value: number): number {
  let count = 1;
  while (count < 16 && value >= POWERS[count]!) count++;
  return count;
}
