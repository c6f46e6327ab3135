// A hash table from the keys of one column to their codes, in a scanner's memory; compute/kernels/scan/assembly/main.ts defines
// the layout.

import { noKeys, type Keys } from "./keys.js";
import { Table } from "../compute/kernels/scan/layout.js";
import { getField, setField } from "../compute/kernels/shared/struct.js";
import type { TableLock } from "./key-finder.js";
import type { ScanRegion, ScanMemory } from "./scanner.js";

const SLOT_BYTES = 16;
const MAX_BYTES = 2 ** 32 - 1;

/** Number of keys per call; memory is reserved for all of them, and they fit in the processor's cache. */
const PIECE = 1 << 14;

/** Position of keys in memory, in the form that the kernel's function internCells expects. */
interface Cells {
  base: number;
  bounds: number;
  stride: number;
  gap: number;
  numCells: number;
}

/** Bytes of a shared memory above which a table that grows moves to a memory of its own. Tests lower it. */
export const sharedBytes = { most: 2 ** 31 };

/** Settings of a shared table: other threads may read it, and it may move to a memory of its own. */
interface TableSharing {
  /** lock of the memory, if other threads look keys up */
  lock?: TableLock | undefined;
  /** creates a memory that only this table uses, for a table that becomes too large for the shared one */
  larger?: () => ScanMemory;
}

/** A table of distinct keys; codes are assigned in order of first appearance. */
export class KeyTable {
  #memory: ScanMemory;
  #table: ScanRegion;
  #slots: ScanRegion;
  #keys: ScanRegion;
  #offsets: ScanRegion;
  #scratch: ScanRegion | undefined;
  #sharing: TableSharing;
  /** numbers of keys and of bytes of keys that can be added without reserving more memory */
  #spareKeys = 0;
  #spareBytes = 0;

  constructor(memory: ScanMemory, sharing: TableSharing = {}) {
    this.#memory = memory;
    this.#sharing = sharing;
    this.#table = memory.allocate(Table.size);
    this.#slots = this.#newSlots(256 * SLOT_BYTES);
    this.#keys = memory.allocate(1024);
    this.#offsets = memory.allocate(4 * 129);
    memory.u32[this.#offsets.offset / 4] = 0;
    this.#set("size", 0);
    this.#set("keysLength", 0);
    this.#place();
  }

  /** Byte offset at which a KeyFinder on another thread finds the table; must be read before the table moves. */
  get offset(): number {
    return this.#table.offset;
  }

  get size(): number {
    return this.#get("size");
  }

  /** Writes the codes of cells, and adds new keys. @param maxBytes upper bound on the bytes of all cells */
  intern(cells: Cells, maxBytes: number, codes: number): void {
    this.#reserve(cells.numCells, maxBytes);
    this.#intern(cells, codes);
  }

  #intern({ base, bounds, stride, gap, numCells }: Cells, codes: number): void {
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
    this.#eachPiece(keys, gap, codes, true, (cells, at) => this.#intern(cells, at));
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
    this.#eachPiece(keys, gap, codes, false, ({ base, bounds, stride, numCells }, at) => {
      numUnknown += kernel.findCells(this.#table.offset, base, bounds, stride, gap, numCells, at);
    });
    return numUnknown;
  }

  #eachPiece(
    { size, bytes, offsets }: Keys,
    gap: number,
    codes: Uint32Array,
    adds: boolean,
    look: (cells: Cells, codes: number) => void,
  ): void {
    for (let from = 0; from < size; from += PIECE) {
      const to = Math.min(from + PIECE, size);
      const [start, end] = [offsets[from]!, offsets[to]!];
      // reserves before the keys are copied: a table that grows may move to another memory, where the keys must be, too
      if (adds) this.#reserve(to - from, end - start);
      // layout of the scratch memory: the bytes of the keys and 16 bytes that may be read after them, the offsets, the
      // codes
      const boundsAt = Math.ceil((end - start + 16) / 4) * 4;
      const codesAt = boundsAt + 4 * (to - from + 1);
      this.#scratch = this.#memory.atLeast(this.#scratch, codesAt + 4 * (to - from));
      const scratch = this.#scratch.offset;
      this.#memory.u8.set(bytes.subarray(start, end), scratch);
      this.#memory.u32.set(offsets.subarray(from, to + 1), (scratch + boundsAt) / 4);
      // `bounds` count from the start of the first key, so `base`, which is added to them, is where this key starts in
      // the scratch memory
      const base = scratch - start;
      const cells = { base, bounds: scratch + boundsAt, stride: 4, gap, numCells: to - from };
      look(cells, scratch + codesAt);
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
    const { lock } = this.#sharing;
    if (!fits && lock) lock.closed(move);
    else if (!fits) move();
    this.#spareKeys = Math.min(this.#slots.bytes / (2 * SLOT_BYTES), this.#offsets.bytes / 4 - 1) - size;
    this.#spareBytes = this.#keys.bytes - keysBytes;
  }

  #move(slotBytes: number, offsetBytes: number, keysBytes: number, keysLength: number): void {
    const { larger } = this.#sharing;
    if (larger && this.#memory.usedBytes + slotBytes + offsetBytes + keysBytes > sharedBytes.most)
      this.#leave(larger());
    const memory = this.#memory;
    if (slotBytes > this.#slots.bytes) {
      const old = this.#slots;
      this.#slots = this.#newSlots(slotBytes);
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

  /** Moves the table to another memory. Other threads find it empty, so this thread looks up all keys from then on. */
  #leave(own: ScanMemory): void {
    const old = this.#memory;
    const [size, keysLength] = [this.#get("size"), this.#get("keysLength")];
    const moved = [this.#slots, this.#keys, this.#offsets].map((region) => {
      const copy = own.allocate(region.bytes);
      own.u8.set(old.u8.subarray(region.offset, region.offset + region.bytes), copy.offset);
      old.release(region);
      return copy;
    });
    if (this.#scratch) old.release(this.#scratch);
    this.#slots = this.#newSlots(256 * SLOT_BYTES);
    this.#set("size", 0);
    this.#set("keysLength", 0);
    this.#place();
    [this.#memory, this.#sharing, this.#scratch] = [own, {}, undefined];
    this.#table = own.allocate(Table.size);
    [this.#slots, this.#keys, this.#offsets] = moved as [ScanRegion, ScanRegion, ScanRegion];
    this.#set("size", size);
    this.#set("keysLength", keysLength);
    this.#place();
  }

  #newSlots(bytes: number): ScanRegion {
    const slots = this.#memory.allocate(bytes);
    this.#memory.u8.fill(0, slots.offset, slots.offset + slots.bytes);
    return slots;
  }

  #moved(old: ScanRegion, bytes: number, used: number): ScanRegion {
    const moved = this.#memory.allocate(Math.min(bytes, MAX_BYTES));
    this.#memory.u8.copyWithin(moved.offset, old.offset, old.offset + used);
    this.#memory.release(old);
    return moved;
  }

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
