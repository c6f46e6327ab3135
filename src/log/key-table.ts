// A hash table from the keys of one column to their codes, in a scanner's memory; kernels/scan/assembly/main.ts defines
// the layout.

import { noKeys, type Keys } from "./keys.js";
import { Table } from "../kernels/scan/layout.js";
import { getField, setField } from "../kernels/shared/struct.js";
import type { TableLock } from "./key-finder.js";
import type { ScanRegion, ScanMemory } from "./scanner.js";

const SLOT_BYTES = 16;
const MAX_BYTES = 2 ** 32 - 1;

/**
 * Number of keys that are looked up in one call; memory is reserved for all of them, and they fit in the processor's
 * cache.
 */
const PIECE = 1 << 14;

/** Cells in the layout that the kernel's function internCells expects. */
interface Cells {
  base: number;
  bounds: number;
  stride: number;
  gap: number;
  numCells: number;
}

/** A table of distinct keys; codes are assigned in order of first appearance. */
export class KeyTable {
  readonly #memory: ScanMemory;
  readonly #table: ScanRegion;
  #slots: ScanRegion;
  #keys: ScanRegion;
  #offsets: ScanRegion;
  #scratch: ScanRegion | undefined;
  readonly #lock: TableLock | undefined;
  /** number of keys, and number of bytes of keys, that can be added without reserving more memory */
  #spareKeys = 0;
  #spareBytes = 0;

  /** Creates an empty table. @param lock blocks a move of the table while other threads look keys up in it */
  constructor(memory: ScanMemory, lock?: TableLock) {
    this.#memory = memory;
    this.#lock = lock;
    this.#table = memory.allocate(Table.size);
    this.#slots = memory.allocate(256 * SLOT_BYTES);
    this.#keys = memory.allocate(1024);
    this.#offsets = memory.allocate(4 * 129);
    memory.u8.fill(0, this.#slots.offset, this.#slots.offset + this.#slots.bytes);
    memory.u32[this.#offsets.offset / 4] = 0;
    this.#set("size", 0);
    this.#set("keysLength", 0);
    this.#place();
  }

  /** Byte offset of the table; a KeyFinder needs it. */
  get offset(): number {
    return this.#table.offset;
  }

  get size(): number {
    return this.#get("size");
  }

  /**
   * Writes the codes of cells with the kernel's function internCells, and adds the keys that are new.
   *
   * @param maxBytes upper bound on the total number of bytes of the cells
   */
  intern(cells: Cells, maxBytes: number, codes: number): void {
    this.#reserve(cells.numCells, maxBytes);
    const { base, bounds, stride, gap, numCells } = cells;
    this.#memory.kernel.internCells(this.#table.offset, base, bounds, stride, gap, numCells, codes);
  }

  /**
   * Returns the codes u32[size] of keys in the order of the keys, with MISSING for an empty key; new keys are added to
   * the table. The keys need not be distinct.
   *
   * @param gap number of bytes before each key that are not part of the key, such as its length
   * @param codes receives the codes
   */
  codesOf(keys: Keys, gap = 0, codes: Uint32Array = new Uint32Array(keys.size)): Uint32Array {
    this.#eachPiece(keys, gap, codes, (cells, maxBytes, at) => this.intern(cells, maxBytes, at));
    return codes;
  }

  /**
   * Writes the codes of keys that are in the table, in the order of the keys; MISSING for an empty key, UNKNOWN for a
   * key that is not in the table. Adds no keys.
   *
   * @returns the number of UNKNOWN codes
   */
  find(keys: Keys, gap: number, codes: Uint32Array): number {
    const { kernel } = this.#memory;
    let numUnknown = 0;
    this.#eachPiece(keys, gap, codes, ({ base, bounds, stride, numCells }, _, at) => {
      numUnknown += kernel.findCells(this.#table.offset, base, bounds, stride, gap, numCells, at);
    });
    return numUnknown;
  }

  #eachPiece(
    { size, bytes, offsets }: Keys,
    gap: number,
    codes: Uint32Array,
    look: (cells: Cells, maxBytes: number, codes: number) => void,
  ): void {
    for (let from = 0; from < size; from += PIECE) {
      const to = Math.min(from + PIECE, size);
      const [start, end] = [offsets[from]!, offsets[to]!];
      // layout of the scratch memory: bytes (and 16 more that may be read), offsets, codes
      const boundsAt = Math.ceil((end - start + 16) / 4) * 4;
      const codesAt = boundsAt + 4 * (to - from + 1);
      this.#scratch = this.#memory.atLeast(this.#scratch, codesAt + 4 * (to - from));
      const scratch = this.#scratch.offset;
      this.#memory.u8.set(bytes.subarray(start, end), scratch);
      this.#memory.u32.set(offsets.subarray(from, to + 1), (scratch + boundsAt) / 4);
      // `bounds` count from the start of the first key, so `base` shifts them to the scratch memory
      const base = scratch - start;
      const cells = { base, bounds: scratch + boundsAt, stride: 4, gap, numCells: to - from };
      look(cells, end - start, scratch + codesAt);
      const first = (scratch + codesAt) / 4;
      codes.set(this.#memory.u32.subarray(first, first + to - from), from);
    }
  }

  /** Returns the keys whose codes are at least `code`. */
  keysFrom(code: number): Keys {
    if (code === this.size) return noKeys();
    const first = this.#offsets.offset / 4;
    const offsets = this.#memory.u32.slice(first + code, first + this.size + 1);
    const [from, to] = [offsets[0]!, offsets[offsets.length - 1]!];
    for (let i = 0; i < offsets.length; i++) offsets[i]! -= from;
    const bytes = this.#memory.u8.slice(this.#keys.offset + from, this.#keys.offset + to);
    return { size: offsets.length - 1, bytes, offsets };
  }

  /** Returns the key of a code. */
  keyOf(code: number): string {
    const at = this.#offsets.offset / 4 + code;
    const [from, to] = [this.#memory.u32[at]!, this.#memory.u32[at + 1]!];
    return Buffer.from(this.#memory.u8.slice(this.#keys.offset + from, this.#keys.offset + to)).toString(
      "utf8",
    );
  }

  /** Reserves memory for `numKeys` more keys at a load factor of one half, and for the bytes of these keys. */
  #reserve(numKeys: number, numBytes: number): void {
    // reduces the free capacity as if all keys of the previous call had been new, so that it is never overestimated
    this.#spareKeys -= numKeys;
    this.#spareBytes -= numBytes;
    if (this.#spareKeys >= 0 && this.#spareBytes >= 0) return;
    const size = this.#get("size") + numKeys;
    const keysLength = this.#get("keysLength");
    const slotBytes = 2 * size * SLOT_BYTES;
    const offsetBytes = 4 * (size + 1);
    const keysBytes = keysLength + numBytes;
    const fits =
      slotBytes <= this.#slots.bytes && offsetBytes <= this.#offsets.bytes && keysBytes <= this.#keys.bytes;
    const move = () => this.#move(slotBytes, offsetBytes, keysBytes, keysLength);
    if (!fits && this.#lock) this.#lock.closed(move);
    else if (!fits) move();
    this.#spareKeys = Math.min(this.#slots.bytes / (2 * SLOT_BYTES), this.#offsets.bytes / 4 - 1) - size;
    this.#spareBytes = this.#keys.bytes - keysBytes;
  }

  #move(slotBytes: number, offsetBytes: number, keysBytes: number, keysLength: number): void {
    const memory = this.#memory;
    if (slotBytes > this.#slots.bytes) {
      const old = this.#slots;
      this.#slots = memory.allocate(slotBytes);
      memory.u8.fill(0, this.#slots.offset, this.#slots.offset + this.#slots.bytes);
      const mask = this.#slots.bytes / SLOT_BYTES - 1;
      memory.kernel.rehash(old.offset, old.bytes / SLOT_BYTES, this.#slots.offset, mask);
      memory.release(old);
    }
    if (offsetBytes > this.#offsets.bytes) {
      this.#offsets = this.#moved(this.#offsets, offsetBytes, 4 * (this.#get("size") + 1));
    }
    if (keysBytes > this.#keys.bytes) this.#keys = this.#moved(this.#keys, keysBytes, keysLength);
    this.#place();
  }

  #moved(old: ScanRegion, bytes: number, used: number): ScanRegion {
    const moved = this.#memory.allocate(Math.min(bytes, MAX_BYTES));
    this.#memory.u8.copyWithin(moved.offset, old.offset, old.offset + used);
    this.#memory.release(old);
    return moved;
  }

  /** Passes the offsets of the table's regions to the kernel. */
  #place(): void {
    this.#set("slots", this.#slots.offset);
    this.#set("mask", this.#slots.bytes / SLOT_BYTES - 1);
    this.#set("keys", this.#keys.offset);
    this.#set("offsets", this.#offsets.offset);
  }

  #get(field: keyof typeof Table.fields): number {
    return getField(this.#memory, Table, this.#table.offset, field);
  }

  #set(field: keyof typeof Table.fields, value: number): void {
    setField(this.#memory, Table, this.#table.offset, field, value);
  }
}
