// The distinct keys of a column, as UTF-8 bytes in one buffer: 50 million keys cost their bytes and no string objects.

import * as scan from "../kernels/scan/layout.js";

/** The code of an empty cell, as the scanner writes it: it adds no feature. */
export const MISSING = scan.MISSING;

/** Immutable list of distinct keys; the code of a key is its position. */
export interface Dictionary {
  readonly size: number;
  /** u8: all keys one after another */
  readonly bytes: Uint8Array;
  /** u32[size + 1]: key c is bytes[offsets[c] .. offsets[c + 1]) */
  readonly offsets: Uint32Array;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The key of a code as text. */
export function keyAt(dictionary: Dictionary, code: number): string {
  return decoder.decode(dictionary.bytes.subarray(dictionary.offsets[code], dictionary.offsets[code + 1]));
}

/** A dictionary of the given distinct keys, in their order. */
export function dictionaryOf(keys: readonly string[]): Dictionary {
  const encoded = keys.map((key) => Buffer.from(key, "utf8"));
  const offsets = new Uint32Array(keys.length + 1);
  encoded.forEach((key, i) => (offsets[i + 1] = offsets[i]! + key.length));
  return { size: keys.length, bytes: Buffer.concat(encoded), offsets };
}

/** Negative, zero or positive as key a stands before, at or after key b in the order of their UTF-8 bytes. */
export function compareKeys({ bytes, offsets }: Dictionary, a: number, b: number): number {
  const [from, other] = [offsets[a]!, offsets[b]!];
  const [size, otherSize] = [offsets[a + 1]! - from, offsets[b + 1]! - other];
  // most keys differ within a few bytes: no view of them is made
  for (let i = 0; i < size && i < otherSize; i++) {
    const difference = bytes[from + i]! - bytes[other + i]!;
    if (difference !== 0) return difference;
  }
  return size - otherSize;
}

/** The keys of the given codes, in that order, as a dictionary of their own. */
export function selectKeys({ bytes, offsets }: Dictionary, order: Uint32Array): Dictionary {
  const selected = new Uint32Array(order.length + 1);
  order.forEach((code, i) => (selected[i + 1] = selected[i]! + offsets[code + 1]! - offsets[code]!));
  const out = new Uint8Array(selected[order.length]!);
  order.forEach((code, i) => out.set(bytes.subarray(offsets[code], offsets[code + 1]), selected[i]));
  return { size: order.length, bytes: out, offsets: selected };
}

/** The keys of one dictionary, then those of another, which are others. */
export function joinedKeys(a: Dictionary, b: Dictionary): Dictionary {
  const end = a.offsets[a.size]!;
  const offsets = new Uint32Array(a.size + b.size + 1);
  offsets.set(a.offsets.subarray(0, a.size + 1));
  for (let i = 1; i <= b.size; i++) offsets[a.size + i] = end + b.offsets[i]!;
  return { size: a.size + b.size, bytes: Buffer.concat([a.bytes.subarray(0, end), b.bytes]), offsets };
}
