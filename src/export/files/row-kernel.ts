// Writes rows as lines with the kernel `rows`, several times as fast as ByteWriter does.

import { IoError } from "../../errors.js";
import { Column, type Kernel } from "../../kernels/rows/layout.js";
import { kernelImports, loadKernel } from "../../kernels/shared/load.js";
import { newMemory, PAGE } from "../../kernels/shared/memory.js";
import type { WrittenColumn } from "../row-table.js";

/** Bytes that are written at once. */
const OUT_BYTES = 1 << 20;
/** Bytes of a batch that are too many for the kernel's memory. */
const MOST_BYTES = 2 ** 31;
/** Bytes after a text that the kernel may read. */
const SLACK = 8;

/** The kernel, with the rows of one batch in its memory. */
export class RowKernel {
  readonly #memory: WebAssembly.Memory;
  readonly #kernel: Kernel;
  #end = PAGE;
  #columns = 0;
  #numColumns = 0;
  #tail = 0;
  #tailLength = 0;
  #out = 0;

  private constructor(module: WebAssembly.Module) {
    this.#memory = newMemory();
    const instance = new WebAssembly.Instance(module, kernelImports(this.#memory));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the exports of kernels/rows/assembly/main.ts
    this.#kernel = instance.exports as unknown as Kernel;
  }

  /** Starts the kernel; undefined if the system has no addresses for its memory. */
  static async start(): Promise<RowKernel | undefined> {
    const module = await loadKernel("rows");
    try {
      return new RowKernel(module);
    } catch (error) {
      if (error instanceof IoError) return undefined;
      throw error;
    }
  }

  /** Takes the rows of a batch. @returns false if they are too large, or a column is of a type that the kernel lacks */
  take(columns: readonly WrittenColumn[], tail: Uint8Array): boolean {
    let bytes = OUT_BYTES + tail.length;
    for (const { head, texts, places, counts, f32, f64 } of columns) {
      if (f64) return false;
      bytes += head.length + Column.size + 8 * SLACK;
      for (const array of [texts?.bytes, texts?.offsets, places, counts, f32]) bytes += array?.byteLength ?? 0;
    }
    if (bytes > MOST_BYTES) return false;
    const missing = PAGE + bytes - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
    this.#end = PAGE;
    const placed = columns.map(({ head, texts, places, counts, f32 }) => ({
      isText: texts ? 1 : 0,
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
    const view = new DataView(this.#memory.buffer);
    for (const [c, column] of placed.entries())
      for (const [name, [, offset]] of Object.entries(Column.fields))
        view.setUint32(this.#columns + c * Column.size + offset, column[name as keyof typeof column], true);
    this.#numColumns = columns.length;
    [this.#tail, this.#tailLength] = [this.#place(tail), tail.length];
    this.#out = this.#room(OUT_BYTES);
    return true;
  }

  /**
   * Writes lines of rows [first, last), until there are enough bytes for a chunk, or JavaScript has to write the next one.
   *
   * @returns the first row that was not written, and the bytes in a new array
   */
  write(first: number, last: number): { row: number; bytes: Uint8Array } {
    const out = this.#out + 8;
    const end = this.#out + OUT_BYTES;
    const row = this.#kernel.writeRows(
      ...([this.#columns, this.#numColumns, this.#tail, this.#tailLength] as const),
      ...([first, last, out, end, this.#out] as const),
    );
    const bytes = new Uint8Array(this.#memory.buffer);
    const stop = new Uint32Array(this.#memory.buffer, this.#out, 1)[0]!;
    return { row: row >>> 0, bytes: bytes.slice(out, stop) };
  }

  #room(bytes: number): number {
    const at = this.#end;
    this.#end += Math.ceil((bytes + SLACK) / 8) * 8;
    return at;
  }

  /** Copies an array to the memory. @returns 0 for none */
  #place(array: Uint8Array | Uint32Array | Float32Array | undefined): number {
    if (!array) return 0;
    const at = this.#room(array.byteLength);
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    new Uint8Array(this.#memory.buffer, at, bytes.length).set(bytes);
    return at;
  }
}
