// Writes rows as lines of text, several times as fast as JavaScript does (export/row-table.ts).

import { IoError } from "../../../base/errors.js";
import { kernelImports, loadKernel } from "../shared/load.js";
import { newMemory, PAGE } from "../shared/memory.js";
import { putStruct } from "../shared/struct.js";
import { Column, type Kernel } from "./layout.js";

/** A column: either texts, or numbers. All columns have the same members, which makes loops over columns fast. */
export interface WrittenColumn {
  /** bytes before each number */
  head: Uint8Array;
  /** `size` texts, each after the bytes before it; the last is written for rows whose index is not below `size` */
  texts: { size: number; bytes: Uint8Array; offsets: Uint32Array } | undefined;
  /** u32[numRows]: index in `texts` of each row's text; undefined if row r has text r */
  places: Uint32Array | undefined;
  counts: Uint32Array | undefined;
  f32: Float32Array | undefined;
  f64: Float64Array | undefined;
}

/** Bytes of the buffer that one call fills. */
const OUT_BYTES = 1 << 20;
/** Maximum bytes of a batch of rows. */
const MOST_BYTES = 2 ** 31;
/** Bytes after the end of a text that the kernel may read. */
const SLACK = 8;

/** The kernel, whose memory contains the rows of one batch. */
export class RowKernel {
  /** @internal the memory is not part of the types that users of the package see */
  readonly memory = newMemory();
  readonly #kernel: Kernel;
  #end = PAGE;
  #columns = 0;
  #numColumns = 0;
  #tail = 0;
  #tailLength = 0;
  #out = 0;

  private constructor(module: WebAssembly.Module) {
    const instance = new WebAssembly.Instance(module, kernelImports(this.memory));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the exports of compute/kernels/rows/assembly/main.ts
    this.#kernel = instance.exports as unknown as Kernel;
  }

  /** Starts the kernel; returns undefined if the system does not provide address space for its memory. */
  static async start(): Promise<RowKernel | undefined> {
    const module = await loadKernel("rows");
    try {
      return new RowKernel(module);
    } catch (error) {
      if (error instanceof IoError) return undefined;
      throw error;
    }
  }

  /**
   * Copies the rows of a batch to the kernel's memory.
   * @returns false if they are too large, or a column has f64 numbers
   */
  take(columns: readonly WrittenColumn[], tail: Uint8Array): boolean {
    let bytes = OUT_BYTES + tail.length;
    for (const { head, texts, places, counts, f32, f64 } of columns) {
      if (f64) return false;
      bytes += head.length + Column.size + 8 * SLACK;
      for (const array of [texts?.bytes, texts?.offsets, places, counts, f32])
        bytes += array?.byteLength ?? 0;
    }
    if (bytes > MOST_BYTES) return false;
    const missing = PAGE + bytes - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    this.#end = PAGE;
    const placed = columns.map(({ head, texts, places, counts, f32 }) => ({
      isText: texts !== undefined,
      head: this.#place(head),
      headLength: head.length,
      texts: this.#place(texts?.bytes),
      offsets: this.#place(texts?.offsets),
      places: this.#place(places),
      last: texts ? texts.size - 1 : 0,
      counts: this.#place(counts),
      floats: this.#place(f32),
    }));
    this.#columns = this.#room(Column.size * columns.length);
    for (const [c, column] of placed.entries())
      putStruct(this, Column, this.#columns + c * Column.size, column);
    this.#numColumns = columns.length;
    [this.#tail, this.#tailLength] = [this.#place(tail), tail.length];
    this.#out = this.#room(OUT_BYTES);
    return true;
  }

  /**
   * Writes the lines of rows [first, last) until the buffer is full, or until a line that JavaScript must write.
   *
   * @returns the first row that was not written, and a new array with the written bytes
   */
  write(first: number, last: number): { row: number; bytes: Uint8Array } {
    const out = this.#out + 8;
    const end = this.#out + OUT_BYTES;
    const row = this.#kernel.writeRows(
      ...([this.#columns, this.#numColumns, this.#tail, this.#tailLength] as const),
      ...([first, last, out, end, this.#out] as const),
    );
    const bytes = new Uint8Array(this.memory.buffer);
    const stop = new Uint32Array(this.memory.buffer, this.#out, 1)[0]!;
    return { row: row >>> 0, bytes: bytes.slice(out, stop) };
  }

  #room(bytes: number): number {
    const at = this.#end;
    this.#end += Math.ceil((bytes + SLACK) / 8) * 8;
    return at;
  }

  /** Copies an array to the memory. @returns its byte offset; 0 for undefined */
  #place(array: Uint8Array | Uint32Array | Float32Array | undefined): number {
    if (!array) return 0;
    const at = this.#room(array.byteLength);
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    new Uint8Array(this.memory.buffer, at, bytes.length).set(bytes);
    return at;
  }
}
