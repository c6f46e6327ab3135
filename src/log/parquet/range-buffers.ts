// Arrays of ranges of Parquet, used again. Fresh memory costs a page fault for each 4 KB, and memory that is freed stops all threads
// for a moment: with two of them that took longer than what they read.

/** Arrays whose content is arbitrary. */
export class RangeBuffers {
  /** by bytes */
  readonly #free = new Map<number, ArrayBuffer[]>();

  u32(length: number): Uint32Array {
    return new Uint32Array(this.#take(4 * length), 0, length);
  }

  f64(length: number): Float64Array {
    return new Float64Array(this.#take(8 * length), 0, length);
  }

  /** Of sizes that differ: the buffer may be larger. */
  someU32(length: number): Uint32Array {
    return new Uint32Array(this.#take(roundUp(4 * length)), 0, length);
  }

  /** Of sizes that differ: the buffer may be larger. */
  someBytes(length: number): Uint8Array {
    return new Uint8Array(this.#take(roundUp(length)), 0, length);
  }

  /** Takes buffers that are no longer read. */
  give(buffers: readonly ArrayBuffer[]): void {
    for (const buffer of buffers) {
      const free = this.#free.get(buffer.byteLength);
      if (free) free.push(buffer);
      else this.#free.set(buffer.byteLength, [buffer]);
    }
  }

  #take(bytes: number): ArrayBuffer {
    return this.#free.get(bytes)?.pop() ?? new ArrayBuffer(bytes);
  }
}

/** A power of two of so many bytes. */
function roundUp(bytes: number): number {
  return 2 ** Math.max(12, Math.ceil(Math.log2(Math.max(1, bytes))));
}
