// Keys of a column or a table, as UTF-8 bytes in one buffer: 50 million keys take only their bytes, without string
// objects.

import * as scan from "../compute/kernels/scan/layout.js";

/** The code that the scanner writes for an empty cell; such a cell adds no feature. */
export const MISSING = scan.MISSING;

/**
 * An immutable list of keys; the code of a key is its position. The keys of a column are distinct; an empty key in a
 * table is an empty row.
 */
export interface Keys {
  readonly size: number;
  /** u8: all keys, concatenated */
  readonly bytes: Uint8Array;
  /** u32[size + 1]: the key with code c is bytes[offsets[c] .. offsets[c + 1]) */
  readonly offsets: Uint32Array;
}

/** Cases of --key-case, by Unicode's mapping, which does not depend on the locale. */
export const keyCases = ["lower", "upper"] as const;
export type KeyCase = (typeof keyCases)[number];

/** Returns a key in the case of --key-case; unchanged without the option. */
export function keyInCase(key: string, keyCase: KeyCase | undefined): string {
  if (keyCase === undefined) return key;
  return keyCase === "lower" ? key.toLowerCase() : key.toUpperCase();
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function keyAt(keys: Keys, code: number): string {
  return decoder.decode(keys.bytes.subarray(keys.offsets[code], keys.offsets[code + 1]));
}

/** Encodes the given keys in their order. */
export function encodeKeys(keys: readonly string[]): Keys {
  const encoded = keys.map((key) => Buffer.from(key, "utf8"));
  const offsets = new Uint32Array(keys.length + 1);
  encoded.forEach((key, i) => (offsets[i + 1] = offsets[i]! + key.length));
  return { size: keys.length, bytes: Buffer.concat(encoded), offsets };
}

/** Returns an empty list of keys with its own buffers. */
export function noKeys(): Keys {
  return { size: 0, bytes: new Uint8Array(0), offsets: new Uint32Array(1) };
}

/** Compares keys a and b by their UTF-8 bytes; the result is negative, zero or positive. */
export function compareKeys({ bytes, offsets }: Keys, a: number, b: number): number {
  const [from, other] = [offsets[a]!, offsets[b]!];
  const [size, otherSize] = [offsets[a + 1]! - from, offsets[b + 1]! - other];
  // bytes are compared without creating views, because most keys differ in the first few bytes
  for (let i = 0; i < size && i < otherSize; i++) {
    const difference = bytes[from + i]! - bytes[other + i]!;
    if (difference !== 0) return difference;
  }
  return size - otherSize;
}

/** Whether a text is one of the keys; takes time proportional to the number of keys. */
export function hasKey({ size, bytes, offsets }: Keys, text: string): boolean {
  const key = Buffer.from(text, "utf8");
  for (let code = 0; code < size; code++) {
    const [from, to] = [offsets[code]!, offsets[code + 1]!];
    if (to - from === key.length && key.equals(bytes.subarray(from, to))) return true;
  }
  return false;
}

/**
 * Returns the keys of the given codes in the order of the codes; an invalid code such as MISSING gives an empty key.
 * All keys in their order are returned without a copy.
 */
export function selectKeys(keys: Keys, order: Uint32Array): Keys {
  const { size, bytes, offsets } = keys;
  const isWhole = order.length === size && bytes.length === offsets[size];
  if (isWhole && order.every((code, i) => code === i)) return keys;
  const selected = new Uint32Array(order.length + 1);
  for (let i = 0; i < order.length; i++) {
    const code = order[i]!;
    selected[i + 1] = selected[i]! + (code < size ? offsets[code + 1]! - offsets[code]! : 0);
  }
  const out = new Uint8Array(selected[order.length]!);
  // bytes are copied without creating views, because keys are short
  for (let i = 0, at = 0; i < order.length; i++) {
    if (order[i]! >= size) continue;
    const end = offsets[order[i]! + 1]!;
    for (let from = offsets[order[i]!]!; from < end; from++) out[at++] = bytes[from]!;
  }
  return { size: order.length, bytes: out, offsets: selected };
}

export function joinedKeys(...lists: readonly Keys[]): Keys {
  const offsets = new Uint32Array(lists.reduce((sum, { size }) => sum + size, 1));
  let [key, end] = [0, 0];
  for (const list of lists) {
    for (let i = 1; i <= list.size; i++) offsets[key + i] = end + list.offsets[i]!;
    key += list.size;
    end = offsets[key]!;
  }
  const bytes = Buffer.concat(lists.map((list) => list.bytes.subarray(0, list.offsets[list.size])));
  return { size: key, bytes, offsets };
}
