// Collects vectors of DuckDB's chunks, which have 2,048 rows each, into the columns of a batch of rows. The columns are
// in shared memory, which later batches reuse. The memory of a vector belongs to DuckDB, so its values are copied.

import { MISSING } from "../digest.js";
import type { Bindings, DuckDbVector } from "./bindings.js";
import { TypeId, type VectorType, type ScalarType } from "./types.js";

/** Maximum number of bytes of a text that is stored in the vector itself; a longer text is stored as a pointer. */
const MOST_INLINE = 12;

/** A column of a batch with `numRows` values, including missing ones. */
export abstract class VectorColumn {
  numRows = 0;
  /** u8 per row: 0 if the value is missing; all elements are set only if hasNulls is true */
  valid = new Uint8Array(0);
  hasNulls = false;

  clear(): void {
    this.numRows = 0;
    this.hasNulls = false;
  }

  append(duckdb: Bindings, vector: DuckDbVector, numRows: number): void {
    const to = this.numRows + numRows;
    if (this.valid.length < to) this.valid = enlarged(this.valid, to);
    const bits = numRows === 0 ? null : duckdb.vector_get_validity(vector, 8 * Math.ceil(numRows / 64));
    const { valid, numRows: from } = this;
    valid.fill(1, from, to);
    if (bits) {
      for (let row = 0; row < numRows; row++) {
        if ((bits[row >> 3]! >> (row & 7)) & 1) continue;
        valid[from + row] = 0;
        this.hasNulls = true;
      }
    }
    this.appendValues(duckdb, vector, numRows);
    this.numRows = to;
  }

  protected abstract appendValues(duckdb: Bindings, vector: DuckDbVector, numRows: number): void;

  /** Returns the bytes of all rows, without gaps, for a checksum; the bytes of missing values are arbitrary. */
  abstract bytes(): Uint8Array;

  /** Approximate number of bytes of memory that the rows occupy. */
  abstract get bytesHeld(): number;

  /** Returns u32 to hash, valid until the next call: lengths of texts; for other types, rows of missing values. */
  abstract marks(firstRow: number): Uint32Array;

  /** Sets same[r] to 0 for each row r whose value differs from the value of row r - 1. */
  abstract compare(same: Uint8Array): void;

  /** Returns a text for the value of a row; equal values have the same text. */
  abstract identity(row: number): string;

  /** Returns the numbers of the rows whose value is missing. */
  protected missing(firstRow: number): Uint32Array {
    const rows: number[] = [];
    if (this.hasNulls)
      for (let row = 0; row < this.numRows; row++) if (this.valid[row] === 0) rows.push(firstRow + row);
    return Uint32Array.from(rows);
  }

  /** Sets same[r] to 0 if the value is missing in row r or row r - 1, but not in both. */
  protected compareMissing(same: Uint8Array): void {
    const { valid } = this;
    if (!this.hasNulls) return;
    for (let row = 1; row < this.numRows; row++) if (valid[row] !== valid[row - 1]) same[row] = 0;
  }
}

export function vectorColumn(type: VectorType): ScalarColumn | ListColumn {
  return type.listSize === undefined ? scalarColumn(type) : new ListColumn(type, type.listSize);
}

function scalarColumn(type: ScalarType): ScalarColumn {
  if (type.id === TypeId.VARCHAR) return new TextColumn(type);
  return type.values ? new EnumColumn(type, type.values) : new FixedColumn(type);
}

export type ScalarColumn = TextColumn | FixedColumn;

export class FixedColumn extends VectorColumn {
  #bytes = new Uint8Array(0);

  constructor(readonly type: ScalarType) {
    super();
  }

  protected appendValues(duckdb: Bindings, vector: DuckDbVector, numRows: number): void {
    if (numRows === 0) return;
    const { width } = this.type;
    const to = width * (this.numRows + numRows);
    if (this.#bytes.length < to) this.#bytes = enlarged(this.#bytes, to);
    this.#bytes.set(duckdb.vector_get_data(vector, width * numRows), width * this.numRows);
    if (!this.hasNulls) return;
    // sets the bytes of missing values to 0, because DuckDB leaves arbitrary bytes
    for (let row = this.numRows; row < this.numRows + numRows; row++)
      if (this.valid[row] === 0) this.#bytes.fill(0, width * row, width * (row + 1));
  }

  get bytesHeld(): number {
    return this.type.width * this.numRows;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.type.width * this.numRows);
  }

  marks(firstRow: number): Uint32Array {
    return this.missing(firstRow);
  }

  compare(same: Uint8Array): void {
    this.compareMissing(same);
    const { id, width } = this.type;
    const bytes = this.bytes();
    // 0 and -0 are treated as equal, and so are all NaNs
    if (id === TypeId.DOUBLE || id === TypeId.FLOAT) {
      const numbers =
        id === TypeId.DOUBLE
          ? new Float64Array(bytes.buffer, 0, this.numRows)
          : new Float32Array(bytes.buffer, 0, this.numRows);
      for (let row = 1; row < numbers.length; row++) {
        const [a, b] = [numbers[row - 1]!, numbers[row]!];
        if (a !== b && !(Number.isNaN(a) && Number.isNaN(b))) same[row] = 0;
      }
      return;
    }
    if (width < 4) {
      for (let at = width; at < bytes.length; at++)
        if (bytes[at] !== bytes[at - width]) same[Math.floor(at / width)] = 0;
      return;
    }
    const perRow = width / 4;
    const words = new Int32Array(bytes.buffer, 0, perRow * this.numRows);
    for (let row = 1; row < this.numRows; row++)
      for (let word = perRow * row; word < perRow * (row + 1); word++)
        if (words[word] !== words[word - perRow]) same[row] = 0;
  }

  identity(row: number): string {
    if (this.valid[row] === 0) return "";
    const { id, width } = this.type;
    const bytes = this.#bytes.slice(width * row, width * (row + 1));
    if (id === TypeId.DOUBLE) return String(new Float64Array(bytes.buffer)[0]! + 0);
    if (id === TypeId.FLOAT) return String(new Float32Array(bytes.buffer)[0]! + 0);
    return `=${Buffer.from(bytes).toString("hex")}`;
  }
}

export class TextColumn extends VectorColumn {
  /** u32[numRows + 1]: the text of row r is texts[bounds[r] .. bounds[r + 1]); a missing text is empty */
  bounds = new Uint32Array(1);
  texts = new Uint8Array(0);
  #view = new DataView(this.texts.buffer);
  #lengths = new Uint32Array(0);

  constructor(readonly type: ScalarType) {
    super();
  }

  protected appendValues(duckdb: Bindings, vector: DuckDbVector, numRows: number): void {
    if (numRows === 0) return;
    const data = duckdb.vector_get_data(vector, 16 * numRows);
    const words = new Uint32Array(data.buffer, data.byteOffset, 4 * numRows);
    const { valid, numRows: first } = this;
    let [size, longest] = [0, 0];
    for (let row = 0; row < numRows; row++) {
      if (valid[first + row] === 0) continue;
      const length = words[4 * row]!;
      size += length;
      if (length > longest) longest = length;
    }
    this.reserve(numRows, size);
    const { bounds } = this;
    const view = this.#view;
    let at = bounds[first]!;
    // a short text is copied as three words; the next text overwrites the bytes after its end
    for (let row = first, word = 0; row < first + numRows; row++, word += 4) {
      const length = words[word]!;
      if (valid[row] === 1) {
        if (length <= MOST_INLINE) {
          view.setUint32(at, words[word + 1]!, true);
          view.setUint32(at + 4, words[word + 2]!, true);
          view.setUint32(at + 8, words[word + 3]!, true);
        }
        at += length;
      }
      bounds[row + 1] = at;
    }
    if (longest > MOST_INLINE) this.#copyLong(duckdb, data, words, numRows);
  }

  /** Copies long texts; texts that are adjacent in DuckDB's memory are copied together. */
  #copyLong(duckdb: Bindings, data: Uint8Array<ArrayBuffer>, words: Uint32Array, numRows: number): void {
    const { bounds, texts, valid, numRows: first } = this;
    // rows whose texts are adjacent in DuckDB's memory and are copied together, the first of these rows, and the end of
    // the last text
    let [rows, start, next] = [[] as number[], -1, -1];
    const copy = (): void => {
      if (rows.length === 0) return;
      const size = rows.reduce((sum, row) => sum + words[4 * row]!, 0);
      const bytes = duckdb.get_data_from_pointer(data.buffer, data.byteOffset + 16 * start + 8, size);
      const [from, to] = [bounds[first + start]!, bounds[first + rows.at(-1)! + 1]!];
      if (to - from === size) texts.set(bytes, from);
      else {
        let at = 0;
        for (const row of rows) {
          const length = words[4 * row]!;
          texts.set(bytes.subarray(at, at + length), bounds[first + row]);
          at += length;
        }
      }
      rows = [];
    };
    for (let row = 0; row < numRows; row++) {
      const length = words[4 * row]!;
      if (valid[first + row] === 0 || length <= MOST_INLINE) continue;
      const address = words[4 * row + 3]! * 2 ** 32 + words[4 * row + 2]!;
      if (address !== next) {
        copy();
        start = row;
      }
      rows.push(row);
      next = address + length;
    }
    copy();
  }

  text(row: number): string {
    return Buffer.from(this.texts.subarray(this.bounds[row], this.bounds[row + 1])).toString("utf8");
  }

  /** Reserves memory for more texts, and for 12 bytes after the last text. */
  protected reserve(numRows: number, size: number): void {
    const { numRows: first } = this;
    if (first === 0) this.bounds[0] = 0;
    if (this.bounds.length < first + numRows + 1) this.bounds = enlarged(this.bounds, first + numRows + 1);
    const end = this.bounds[first]! + size + MOST_INLINE;
    if (this.texts.length >= end) return;
    this.texts = enlarged(this.texts, end);
    this.#view = new DataView(this.texts.buffer);
  }

  get bytesHeld(): number {
    return this.bounds[this.numRows]!;
  }

  bytes(): Uint8Array {
    return this.texts.subarray(0, this.bounds[this.numRows]);
  }

  marks(firstRow: number): Uint32Array {
    const { bounds, numRows } = this;
    if (this.#lengths.length < numRows) this.#lengths = new Uint32Array(this.bounds.length);
    const lengths = this.#lengths.subarray(0, numRows);
    for (let row = 0; row < numRows; row++) lengths[row] = bounds[row + 1]! - bounds[row]!;
    if (!this.hasNulls) return lengths;
    for (const row of this.missing(firstRow)) lengths[row - firstRow] = MISSING;
    return lengths;
  }

  compare(same: Uint8Array): void {
    this.compareMissing(same);
    const { bounds, texts, numRows } = this;
    for (let row = 1; row < numRows; row++) {
      if (same[row] === 0) continue;
      const [before, from, to] = [bounds[row - 1]!, bounds[row]!, bounds[row + 1]!];
      let isSame = from - before === to - from;
      for (let at = from; isSame && at < to; at++) isSame = texts[at] === texts[at - from + before];
      if (!isSame) same[row] = 0;
    }
  }

  identity(row: number): string {
    if (this.valid[row] === 0) return "";
    return `=${Buffer.from(this.texts.subarray(this.bounds[row], this.bounds[row + 1])).toString("hex")}`;
  }
}

class EnumColumn extends TextColumn {
  readonly #values: readonly Buffer[];
  readonly #longest: number;

  constructor(type: ScalarType, values: readonly Buffer[]) {
    super(type);
    this.#values = values;
    this.#longest = values.reduce((most, { length }) => Math.max(most, length), 0);
  }

  protected override appendValues(duckdb: Bindings, vector: DuckDbVector, numRows: number): void {
    if (numRows === 0) return;
    const { width } = this.type;
    const data = duckdb.vector_get_data(vector, width * numRows);
    const Indices = width === 1 ? Uint8Array : width === 2 ? Uint16Array : Uint32Array;
    const indices = new Indices(data.buffer, data.byteOffset, numRows);
    this.reserve(numRows, numRows * this.#longest);
    const { bounds, texts, valid, numRows: first } = this;
    let at = bounds[first]!;
    for (let row = 0; row < numRows; row++) {
      if (valid[first + row] === 1) {
        const value = this.#values[indices[row]!]!;
        texts.set(value, at);
        at += value.length;
      }
      bounds[first + row + 1] = at;
    }
  }
}

/** A column whose values are lists of numbers or texts, not of lists. */
export class ListColumn extends VectorColumn {
  readonly elements: ScalarColumn;
  readonly #size: number;
  /** u32[numRows]: the list of row r has the elements [starts[r], ends[r]) */
  starts = new Uint32Array(0);
  ends = new Uint32Array(0);

  /** @param size length of all lists; 0 if lengths vary */
  constructor(type: ScalarType, size: number) {
    super();
    this.elements = scalarColumn(type);
    this.#size = size;
  }

  override clear(): void {
    super.clear();
    this.elements.clear();
  }

  protected appendValues(duckdb: Bindings, vector: DuckDbVector, numRows: number): void {
    if (numRows === 0) return;
    const { numRows: first, valid } = this;
    const to = first + numRows;
    if (this.starts.length < to)
      [this.starts, this.ends] = [enlarged(this.starts, to), enlarged(this.ends, to)];
    const { starts, ends } = this;
    const before = this.elements.numRows;
    if (this.#size > 0) {
      this.elements.append(duckdb, duckdb.array_vector_get_child(vector), this.#size * numRows);
      for (let row = 0; row < numRows; row++) {
        starts[first + row] = before + this.#size * row;
        ends[first + row] = starts[first + row]! + (valid[first + row] === 1 ? this.#size : 0);
      }
      return;
    }
    const data = duckdb.vector_get_data(vector, 16 * numRows);
    // DuckDB stores two u64 per list: the index of the list's first element, and the list's length
    const entries = new Uint32Array(data.buffer, data.byteOffset, 4 * numRows);
    const size = duckdb.list_vector_get_size(vector);
    this.elements.append(duckdb, duckdb.list_vector_get_child(vector), size);
    for (let row = 0; row < numRows; row++) {
      const isList = valid[first + row] === 1;
      starts[first + row] = before + (isList ? entries[4 * row]! : 0);
      ends[first + row] = starts[first + row]! + (isList ? entries[4 * row + 2]! : 0);
    }
  }

  get bytesHeld(): number {
    return this.elements.bytesHeld;
  }

  bytes(): Uint8Array {
    return Buffer.from(Array.from({ length: this.numRows }, (_, row) => `${this.identity(row)}\n`).join(""));
  }

  marks(): Uint32Array {
    return new Uint32Array(0);
  }

  compare(same: Uint8Array): void {
    for (let row = 1; row < this.numRows; row++)
      if (same[row] === 1 && this.identity(row) !== this.identity(row - 1)) same[row] = 0;
  }

  identity(row: number): string {
    if (this.valid[row] === 0) return "";
    const texts: string[] = [];
    for (let i = this.starts[row]!; i < this.ends[row]!; i++) texts.push(this.elements.identity(i));
    return `[${texts.join(",")}]`;
  }
}

/** Returns a copy of an array with room for at least `length` elements. */
function enlarged<T extends Uint8Array | Uint32Array>(array: T, length: number): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same class
  const larger = new (array.constructor as new (memory: SharedArrayBuffer) => T)(
    new SharedArrayBuffer(array.BYTES_PER_ELEMENT * Math.max(length, 2 * array.length)),
  );
  larger.set(array);
  return larger;
}
