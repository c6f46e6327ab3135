// Buffers of chunks, used again. A dropped one is freed when its thread next collects garbage, which happens every 64 MB:
// with some threads that is most of the memory of a reading.

/** No more than are on their way at once. */
const MAX_KEPT = 8;
const GRAIN = 1 << 18;

/** The buffers of one reading. */
export class ChunkBuffers {
  readonly #free: ArrayBuffer[] = [];

  /** u8[length]; its content is arbitrary, and its buffer may be larger. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#free.findIndex(({ byteLength }) => byteLength >= length);
    const [buffer] = at === -1 ? [] : this.#free.splice(at, 1);
    return new Uint8Array(buffer ?? new ArrayBuffer(GRAIN * Math.ceil(length / GRAIN)), 0, length);
  }

  /** Gives a buffer back that nobody reads any more. */
  give(buffer: ArrayBuffer): void {
    this.#free.push(buffer);
    // of too many the smallest goes, so that a log's longest chunks find theirs
    if (this.#free.length > MAX_KEPT) this.#free.sort((a, b) => b.byteLength - a.byteLength).pop();
  }
}
