// Reuses the arrays of ranges. New memory costs a page fault per 4 KB, and freeing memory stops all threads for a
// moment; with two threads, allocating and freeing took longer than reading.

/** A pool of arrays, whose content is arbitrary. */
export class RangeBuffers {
  /** arrays that are free for reuse, by their number of bytes */
  readonly #free = new Map<number, ArrayBuffer[]>();

  u32(length: number): Uint32Array {
    return new Uint32Array(this.#take(4 * length), 0, length);
  }

  f64(length: number): Float64Array {
    return new Float64Array(this.#take(8 * length), 0, length);
  }

  /** Returns a u32 array whose buffer may be larger, so that buffers can be reused if lengths vary. */
  someU32(length: number): Uint32Array {
    return new Uint32Array(this.#take(roundUp(4 * length)), 0, length);
  }

  /** Returns a u8 array whose buffer may be larger, so that buffers can be reused if lengths vary. */
  someBytes(length: number): Uint8Array {
    return new Uint8Array(this.#take(roundUp(length)), 0, length);
  }

  /** Returns buffers that are no longer read to the pool. */
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

/** Returns the smallest power of two that is not below a number. */
function roundUp(bytes: number): number {
  return 2 ** Math.max(12, Math.ceil(Math.log2(Math.max(1, bytes))));
}
