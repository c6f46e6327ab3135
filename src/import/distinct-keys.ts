// Distinct keys as UTF-8 bytes in one growing buffer, and growing lists of numbers: tens of millions of rows exceed the
// size of a Map, and a number in a plain array takes up to 16 bytes.

import { DataError } from "../errors.js";
import type { Keys } from "../log/keys.js";
import { hashBytes } from "../numeric/hash.js";

const SEED = { lo: 0x1f3d5b79, hi: 0 };
const EMPTY = 0xffffffff;
/** Maximum number of bytes of all keys, because their offsets are u32. */
const MAX_BYTES = 2 ** 32 - 1;

/** A growing list of numbers of one type. */
export class NumberList<T extends Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>> {
  length = 0;
  readonly #type: new (length: number) => T;
  #numbers: T;

  constructor(type: new (length: number) => T) {
    this.#type = type;
    this.#numbers = new type(4);
  }

  push(number: number): void {
    if (this.length === this.#numbers.length) {
      const grown = new this.#type(2 * this.length);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers[this.length++] = number;
  }

  at(i: number): number {
    return this.#numbers[i]!;
  }

  /** The numbers, as a view that is valid until the next `push`. */
  get all(): T {
    return this.#numbers.subarray(0, this.length) as T;
  }
}

/** A growing set of keys; a key's number is its position in the order of adding. */
export class DistinctKeys {
  readonly #offsets = new NumberList<Uint32Array<ArrayBuffer>>(Uint32Array);
  #bytes = Buffer.alloc(64);
  /** number of the key in each slot of a hash table with open addressing, or EMPTY */
  #slots = new Uint32Array(8).fill(EMPTY);

  constructor() {
    this.#offsets.push(0);
  }

  get size(): number {
    return this.#offsets.length - 1;
  }

  /** The keys, as views that are valid until the next `add`. */
  get all(): Keys {
    const offsets = this.#offsets.all;
    return { size: this.size, bytes: this.#bytes.subarray(0, offsets[this.size]), offsets };
  }

  /** Adds a key if it is new. @returns its number @throws {DataError} all keys exceed 4 GiB */
  add(key: string): number {
    const { size } = this;
    const from = this.#offsets.at(size);
    // a character takes at most three bytes of UTF-8
    const most = from + 3 * key.length;
    if (most > MAX_BYTES) throw new DataError("the keys of a field exceed 4 GiB: import fewer rows");
    if (most > this.#bytes.length) this.#bytes = this.#grown(from, most);
    const to = from + this.#bytes.write(key, from, "utf8");
    const slot = this.#slotOf(from, to);
    const found = this.#slots[slot]!;
    if (found !== EMPTY) return found;
    this.#slots[slot] = size;
    this.#offsets.push(to);
    if (2 * this.size > this.#slots.length) this.#rehash();
    return size;
  }

  /** Returns the slot of the key in bytes from .. to, or the empty slot to which it belongs. */
  #slotOf(from: number, to: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashBytes(this.#bytes, from, to, SEED).lo & mask;
    while (this.#slots[slot] !== EMPTY && !this.#isAt(this.#slots[slot]!, from, to)) slot = (slot + 1) & mask;
    return slot;
  }

  #isAt(key: number, from: number, to: number): boolean {
    const start = this.#offsets.at(key);
    if (this.#offsets.at(key + 1) - start !== to - from) return false;
    for (let i = 0; i < to - from; i++) if (this.#bytes[start + i] !== this.#bytes[from + i]) return false;
    return true;
  }

  #rehash(): void {
    this.#slots = new Uint32Array(2 * this.#slots.length).fill(EMPTY);
    for (let key = 0; key < this.size; key++)
      this.#slots[this.#slotOf(this.#offsets.at(key), this.#offsets.at(key + 1))] = key;
  }

  #grown(used: number, least: number): Buffer<ArrayBuffer> {
    const bytes = Buffer.alloc(Math.min(MAX_BYTES, 2 * least));
    this.#bytes.copy(bytes, 0, 0, used);
    return bytes;
  }
}
