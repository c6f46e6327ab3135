// Hash index that finds a dictionary's key by its bytes: open addressing over 32-bit hashes, without string objects.

import type { Keys } from "../../log/keys.js";
import { hashBytes } from "../../base/numeric/hash.js";

const SEED = { lo: 0x5bd1e995, hi: 0 };
const EMPTY = 0xffffffff;

/** An index over the keys of a dictionary. */
export class KeyIndex {
  readonly #keys: Keys;
  readonly #slots: Uint32Array;
  readonly #mask: number;

  constructor(keys: Keys) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(8, 2 * keys.size)));
    this.#keys = keys;
    this.#slots = new Uint32Array(capacity).fill(EMPTY);
    this.#mask = capacity - 1;
    for (let code = 0; code < keys.size; code++) {
      this.#slots[this.#probe(keys.bytes, keys.offsets[code]!, keys.offsets[code + 1]!)] = code;
    }
  }

  /** Returns the code of another dictionary's key in this index, or -1. */
  find({ bytes, offsets }: Keys, code: number): number {
    const found = this.#slots[this.#probe(bytes, offsets[code]!, offsets[code + 1]!)]!;
    return found === EMPTY ? -1 : found;
  }

  /** Returns the code of a key given as text, or -1. */
  findText(key: string): number {
    const bytes = Buffer.from(key, "utf8");
    const found = this.#slots[this.#probe(bytes, 0, bytes.length)]!;
    return found === EMPTY ? -1 : found;
  }

  /** Returns the slot that contains the given bytes, or the empty slot to which they belong. */
  #probe(bytes: Uint8Array, from: number, to: number): number {
    let slot = hashBytes(bytes, from, to, SEED).lo & this.#mask;
    while (this.#slots[slot] !== EMPTY && !this.#equals(this.#slots[slot]!, bytes, from, to)) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #equals(code: number, bytes: Uint8Array, from: number, to: number): boolean {
    const { bytes: own, offsets } = this.#keys;
    const start = offsets[code]!;
    if (offsets[code + 1]! - start !== to - from) return false;
    for (let i = 0; i < to - from; i++) if (own[start + i] !== bytes[from + i]) return false;
    return true;
  }
}
