// Memory for decompressing and unpacking Parquet pages: regions of the scanner's kernel memory.

import { compressors } from "hyparquet-compressors";
import { DAMAGED, UNKNOWN, UNSEEN } from "../../compute/kernels/scan/layout.js";
import type { ScanRegion, ScanMemory } from "../scanner.js";

/** Bytes that the kernel may read after its input's end, and write after its output's end. */
const SLACK = 16;

/** Maximum number of bytes to which one byte of Snappy expands: three bytes copy 64. */
const SNAPPY_RATIO = 22;

function notSnappy(length: number): Error {
  return new Error(`a page is not ${length} bytes of Snappy, as it states`);
}

/** Decompresses a page. @returns a new array, or the input itself if the page is not compressed */
export function inflate(input: Uint8Array, length: number, codec: string): Uint8Array {
  if (codec === "UNCOMPRESSED") return input;
  const decompress = (compressors as Partial<Record<string, (typeof compressors)["SNAPPY"]>>)[codec];
  if (!decompress) throw new Error(`unsupported compression codec: ${codec}`);
  if (length === 0) return new Uint8Array(0);
  const bytes = decompress(input, length);
  if (bytes.length !== length) throw new Error(`a page has ${bytes.length} bytes and states ${length}`);
  return bytes;
}

/** Unpacks bit-packed values to out[from, from + count); the arguments are those of the kernel's function `unpack`. */
export type Unpack = (
  bytes: Uint8Array,
  at: number,
  bit: number,
  width: number,
  out: Uint32Array,
  from: number,
  count: number,
) => void;

/** Kernel memory that the columns of one scanner share for pages. */
export class PageMemory {
  readonly #memory: ScanMemory;
  #input: ScanRegion | undefined;
  #indices: ScanRegion | undefined;
  #out: ScanRegion | undefined;

  constructor(memory: ScanMemory) {
    this.#memory = memory;
  }

  column(): PageRegion {
    return new PageRegion(this.#memory, this);
  }

  /** Returns a buffer u32[count] for dictionary indices; the next call overwrites it. */
  indices(count: number): Uint32Array {
    this.#indices = this.#memory.atLeast(this.#indices, 4 * count + 4);
    return u32At(this.#memory, this.#indices, count);
  }

  /** Returns a buffer u32[count] for codes that are looked up by index; the next call overwrites it. */
  out(count: number): Uint32Array {
    this.#out = this.#memory.atLeast(this.#out, 4 * count + 4);
    return u32At(this.#memory, this.#out, count);
  }

  /** Unpacks bit-packed bytes to indices; both are in this memory. */
  readonly unpack: Unpack = (bytes, at, bit, width, out, from, count) =>
    this.#memory.kernel.unpack(bytes.byteOffset + at, bit, width, count, out.byteOffset + 4 * from);

  /** Decompresses Snappy to `offset`, where `length` + 16 bytes are reserved. @throws {Error} the bytes are damaged */
  uncompress(input: Uint8Array, length: number, offset: number): void {
    this.#input = this.#memory.atLeast(this.#input, input.length + SLACK);
    const at = this.#input.offset;
    this.#memory.u8.set(input, at);
    if (this.#memory.kernel.uncompress(at, at + input.length, offset, length) === DAMAGED)
      throw notSnappy(length);
  }
}

function u32At({ u32 }: ScanMemory, { offset }: ScanRegion, count: number): Uint32Array {
  return u32.subarray(offset / 4, offset / 4 + count);
}

/** A region that holds the current page of one column, and the codes of its dictionary. */
export class PageRegion {
  readonly shared: PageMemory;
  readonly #memory: ScanMemory;
  #region: ScanRegion | undefined;
  #values: ScanRegion | undefined;
  #times: ScanRegion | undefined;
  #codes: ScanRegion | undefined;
  #numCodes = 0;

  constructor(memory: ScanMemory, shared: PageMemory) {
    this.#memory = memory;
    this.shared = shared;
  }

  /** Decompresses a page, replacing the previous one. @throws {Error} another length, or damaged bytes */
  inflate(input: Uint8Array, length: number, codec: string): Uint8Array {
    const isSnappy = codec === "SNAPPY";
    // a length that the compressed bytes cannot expand to is rejected before memory is allocated
    if (isSnappy && length > SNAPPY_RATIO * input.length) throw notSnappy(length);
    const bytes = isSnappy ? input : inflate(input, length, codec);
    const size = isSnappy ? length : bytes.length;
    this.#region = this.#memory.atLeast(this.#region, size + SLACK);
    const { offset } = this.#region;
    if (!isSnappy) this.#memory.u8.set(bytes, offset);
    else if (length > 0) this.shared.uncompress(bytes, length, offset);
    return this.#memory.u8.subarray(offset, offset + size);
  }
  /** Bounds of a PLAIN page's texts (PlainValues); overwrites the previous ones. @param count maximum of texts */
  textBounds({ byteOffset: start, length }: Uint8Array, count: number): Uint32Array {
    // each text is preceded by a length of four bytes
    const most = Math.min(count, length >> 2);
    this.#values = this.#memory.atLeast(this.#values, 4 * most + 4);
    const { offset } = this.#values;
    const stored = this.#memory.kernel.textBounds(start, start + length, most, offset);
    return u32At(this.#memory, this.#values, stored + 1);
  }

  /** Copies the page's values to an address that is a multiple of 8; replaces the previous copy. */
  aligned(bytes: Uint8Array): Uint8Array {
    this.#values = this.#memory.atLeast(this.#values, bytes.length + SLACK);
    const { offset } = this.#values;
    this.#memory.u8.set(bytes, offset);
    return this.#memory.u8.subarray(offset, offset + bytes.length);
  }

  /** Returns a buffer f64[count] for times of the page; overwrites the previous buffer. */
  readonly times = (count: number): Float64Array => {
    this.#times = this.#memory.atLeast(this.#times, 8 * count + 8);
    const { offset } = this.#times;
    return this.#memory.f64.subarray(offset / 8, offset / 8 + count);
  };

  /** Starts a dictionary of `size` values, all unseen, which replaces the previous one. */
  startDictionary(size: number): void {
    this.#codes = this.#memory.atLeast(this.#codes, 4 * size + 4);
    this.#numCodes = size;
    this.codes.fill(UNSEEN);
  }

  /** u32[size]: for each value of the dictionary its code, MISSING, UNKNOWN + its index, UNSEEN, or NULL. */
  get codes(): Uint32Array {
    return u32At(this.#memory, this.#codes!, this.#numCodes);
  }

  /**
   * Marks the values at the given indices that were UNSEEN as UNKNOWN.
   *
   * @param indices an array of PageMemory.indices()
   * @returns indices of these values, in the order of their first rows
   * @throws {Error} an index is not in the dictionary
   */
  meet(indices: Uint32Array): Uint32Array {
    const met = this.shared.out(indices.length);
    const { offset } = this.#codes!;
    const { kernel } = this.#memory;
    const { length, byteOffset } = indices;
    const numMet = kernel.meet(byteOffset, length, offset, this.#numCodes, met.byteOffset) >>> 0;
    if (numMet === DAMAGED) throw noIndex(indices, this.#numCodes);
    return met.slice(0, numMet);
  }

  /**
   * Returns the codes of the values at the given indices, with MISSING for NULL; the next call overwrites them. Returns
   * `undefined` if a value is UNSEEN.
   *
   * @param indices an array of PageMemory.indices()
   * @throws {Error} an index is not in the dictionary
   */
  codesOf(indices: Uint32Array): { codes: Uint32Array; numNulls: number; hasUnknown: boolean } | undefined {
    const codes = this.shared.out(indices.length);
    const { offset } = this.#codes!;
    const { kernel } = this.#memory;
    const { length, byteOffset } = indices;
    const state = kernel.codesOfIndices(byteOffset, length, offset, this.#numCodes, codes.byteOffset) >>> 0;
    if (state === UNSEEN) return undefined;
    if (state === DAMAGED) throw noIndex(indices, this.#numCodes);
    return { codes, numNulls: state % UNKNOWN, hasUnknown: state >= UNKNOWN };
  }
}

function noIndex(indices: Uint32Array, size: number): Error {
  return new Error(`index ${indices.find((index) => index >= size)} into a dictionary of ${size} values`);
}

/**
 * A pool of arrays, whose content is arbitrary. New memory costs a page fault per 4 KB, and freeing memory stops all
 * threads for a moment; with two threads, allocating and freeing took longer than reading.
 */
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
