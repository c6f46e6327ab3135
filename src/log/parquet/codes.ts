// Assigns codes by first appearance in the log to the keys of ranges, on the calling thread; threads read the keys
// (keys.ts).
//
// A thread sends the keys whose codes it does not know, in the order of their first rows; it sends the keys of a
// dictionary only once. Ranges are merged in the order of the rows, so every key that is new to the log is among the
// keys sent.

import { isUtf8 } from "node:buffer";
import type { Keys } from "../keys.js";
import type { KeyTable } from "../key-table.js";
import type { NullCells } from "../nulls.js";
import type { DictionaryIndices, KeyCells, KeyPart } from "./keys.js";

export class ColumnCodes {
  /** codes of the dictionary values that threads have sent, by number of the dictionary and index of the value */
  #dictionaries: Int32Array[] = [];
  #group = -1;
  #codes = new Uint32Array(0);

  /** @param nulls counts null texts and their cells */
  constructor(
    readonly table: KeyTable,
    private readonly nulls: NullCells,
  ) {}

  /**
   * Returns the codes of a range's rows, in `cells`; MISSING for null values and null texts.
   *
   * @param group the range's row group, because each row group has its own dictionaries
   * @throws {Error} a key is not UTF-8
   * @throws {UsageError} the keys outgrow the memory
   */
  codesOf({ cells, parts }: KeyCells, group: number): Uint32Array {
    if (this.#group !== group) [this.#group, this.#dictionaries] = [group, []];
    for (const part of parts) {
      this.nulls.cells += part.nulls.cells;
      for (const text of part.nulls.texts) if (!this.nulls.texts.includes(text)) this.nulls.texts.push(text);
      const isAll = !part.indices && part.keys.size === part.to - part.from;
      const codes = isAll ? cells.subarray(part.from, part.to) : this.#scratch(part.keys.size);
      this.#intern(part.keys, part.gap, codes);
      if (part.indices) this.#translate(cells, part, part.indices, codes);
      else if (!isAll) place(cells, part, codes);
    }
    return cells;
  }

  /**
   * Replaces the UNKNOWN cells of some consecutive rows, a part of a range, by codes.
   *
   * @param indices dictionary values that occur in these rows
   * @param own codes of the dictionary values that are new in these rows
   */
  #translate(cells: Uint32Array, part: KeyPart, indices: DictionaryIndices, own: Uint32Array): void {
    const { ordinal, size, fresh, hasUnknown } = indices;
    const codes = (this.#dictionaries[ordinal] ??= new Int32Array(size));
    for (let i = 0; i < own.length; i++) codes[fresh[i]!] = own[i]!;
    if (!hasUnknown) return;
    // comparing signed numbers is faster; as signed numbers, UNKNOWN cells are below MISSING, and codes are above it
    const signed = new Int32Array(cells.buffer, cells.byteOffset, cells.length);
    for (let row = part.from; row < part.to; row++) {
      const cell = signed[row]!;
      if (cell < -1) signed[row] = codes[cell & ~(1 << 31)]!;
    }
  }

  #intern(keys: Keys, gap: number, codes: Uint32Array): void {
    const known = this.table.size;
    this.table.codesOf(keys, gap, codes);
    if (this.table.size > known) checkText(this.table.keysFrom(known));
  }

  #scratch(size: number): Uint32Array {
    if (this.#codes.length < size) this.#codes = new Uint32Array(2 * size);
    return this.#codes.subarray(0, size);
  }
}

/** Writes the given codes to the unknown cells, in the order of the cells. */
function place(cells: Uint32Array, { from, to }: KeyPart, codes: Uint32Array): void {
  const signed = new Int32Array(cells.buffer, cells.byteOffset, cells.length);
  let at = 0;
  for (let row = from; at < codes.length && row < to; row++) if (signed[row]! < -1) cells[row] = codes[at++]!;
}

function checkText({ size, bytes, offsets }: Keys): void {
  let isText = isUtf8(bytes);
  // a key that starts within a character of the previous key is invalid, although all bytes together are UTF-8
  for (let code = 0; isText && code < size; code++) isText = (bytes[offsets[code]!]! & 0xc0) !== 0x80;
  if (!isText) throw new Error("text that is not UTF-8");
}
