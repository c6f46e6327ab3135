// Where a scanner of Parquet decompresses and unpacks pages: regions of its kernel's memory.

import { compressors } from "hyparquet-compressors";
import { DAMAGED, UNKNOWN, UNSEEN } from "../../kernels/scan/layout.js";
import type { Region, ScanMemory } from "../scanner.js";

/** Bytes after an input that the kernel may read, and after an output that it may write. */
const SLACK = 16;

/** Bytes that one byte of Snappy makes, at most: 64 are copied by three. */
const SNAPPY_RATIO = 22;

function notSnappy(length: number): Error {
  return new Error(`a page is not ${length} bytes of Snappy, as it states`);
}

/** The bytes of a page of a codec. @returns an array of its own, or the input itself where it is not compressed */
export function inflate(input: Uint8Array, length: number, codec: string): Uint8Array {
  if (codec === "UNCOMPRESSED") return input;
  const decompress = (compressors as Partial<Record<string, (typeof compressors)["SNAPPY"]>>)[codec];
  if (!decompress) throw new Error(`unsupported compression codec: ${codec}`);
  if (length === 0) return new Uint8Array(0);
  const bytes = decompress(input, length);
  if (bytes.length !== length) throw new Error(`a page has ${bytes.length} bytes and states ${length}`);
  return bytes;
}

/** Packed values → out[from, from + count); the arguments are those of the kernel's unpack. */
export type Unpack = (
  bytes: Uint8Array,
  at: number,
  bit: number,
  width: number,
  out: Uint32Array,
  from: number,
  count: number,
) => void;

/** What the columns of a scanner share. */
export class PageMemory {
  readonly #memory: ScanMemory;
  #input: Region | undefined;
  #indices: Region | undefined;
  #out: Region | undefined;

  constructor(memory: ScanMemory) {
    this.#memory = memory;
  }

  /** A place for the pages of one column. */
  column(): PageRegion {
    return new PageRegion(this.#memory, this);
  }

  /** u32[count] for indices, which the next call overwrites. */
  indices(count: number): Uint32Array {
    this.#indices = this.#memory.atLeast(this.#indices, 4 * count + 4);
    return u32At(this.#memory, this.#indices, count);
  }

  /** u32[count] for what is made of indices, which the next call overwrites. */
  out(count: number): Uint32Array {
    this.#out = this.#memory.atLeast(this.#out, 4 * count + 4);
    return u32At(this.#memory, this.#out, count);
  }

  /** Of bytes and indices that are both in this memory. */
  readonly unpack: Unpack = (bytes, at, bit, width, out, from, count) =>
    this.#memory.kernel.unpack(bytes.byteOffset + at, bit, width, count, out.byteOffset + 4 * from);

  /** Snappy's bytes to `offset`, where there is room for `length` of them and 16 more. @throws {Error} they are damaged */
  uncompress(input: Uint8Array, length: number, offset: number): void {
    this.#input = this.#memory.atLeast(this.#input, input.length + SLACK);
    const at = this.#input.offset;
    this.#memory.u8.set(input, at);
    if (this.#memory.kernel.uncompress(at, at + input.length, offset, length) === DAMAGED)
      throw notSnappy(length);
  }
}

function u32At({ u32 }: ScanMemory, { offset }: Region, count: number): Uint32Array {
  return u32.subarray(offset / 4, offset / 4 + count);
}

/** Where the page of one column is, and the codes of its dictionary. */
export class PageRegion {
  readonly shared: PageMemory;
  readonly #memory: ScanMemory;
  #region: Region | undefined;
  #values: Region | undefined;
  #times: Region | undefined;
  #codes: Region | undefined;
  #numCodes = 0;

  constructor(memory: ScanMemory, shared: PageMemory) {
    this.#memory = memory;
    this.shared = shared;
  }

  /**
   * The bytes of a page, in place of those before.
   *
   * @throws {Error} they are not as many, or damaged
   */
  inflate(input: Uint8Array, length: number, codec: string): Uint8Array {
    const isSnappy = codec === "SNAPPY";
    // a length that is too large for its bytes is refused before it takes memory
    if (isSnappy && length > SNAPPY_RATIO * input.length) throw notSnappy(length);
    const bytes = isSnappy ? input : inflate(input, length, codec);
    const size = isSnappy ? length : bytes.length;
    this.#region = this.#memory.atLeast(this.#region, size + SLACK);
    const { offset } = this.#region;
    if (!isSnappy) this.#memory.u8.set(bytes, offset);
    else if (length > 0) this.shared.uncompress(bytes, length, offset);
    return this.#memory.u8.subarray(offset, offset + size);
  }
  /** Bounds of the page's texts in PLAIN, as PlainValues has them, in place of those before. @param count at most */
  textBounds({ byteOffset: start, length }: Uint8Array, count: number): Uint32Array {
    // no more texts than their lengths take
    const most = Math.min(count, length >> 2);
    this.#values = this.#memory.atLeast(this.#values, 4 * most + 4);
    const { offset } = this.#values;
    const stored = this.#memory.kernel.textBounds(start, start + length, most, offset);
    return u32At(this.#memory, this.#values, stored + 1);
  }

  /** A copy of the page's values where arrays of 8 bytes can begin, in place of those before. */
  aligned(bytes: Uint8Array): Uint8Array {
    this.#values = this.#memory.atLeast(this.#values, bytes.length + SLACK);
    const { offset } = this.#values;
    this.#memory.u8.set(bytes, offset);
    return this.#memory.u8.subarray(offset, offset + bytes.length);
  }

  /** f64[count] for times of the page, in place of those before. */
  readonly times = (count: number): Float64Array => {
    this.#times = this.#memory.atLeast(this.#times, 8 * count + 8);
    const { offset } = this.#times;
    return this.#memory.f64.subarray(offset / 8, offset / 8 + count);
  };

  /** Starts on a dictionary of so many values, of which none is seen, in place of the one before. */
  startDictionary(size: number): void {
    this.#codes = this.#memory.atLeast(this.#codes, 4 * size + 4);
    this.#numCodes = size;
    this.codes.fill(UNSEEN);
  }

  /** u32[size]: by value of the dictionary a code, MISSING, UNKNOWN + its index, UNSEEN or NULL. */
  get codes(): Uint32Array {
    return u32At(this.#memory, this.#codes!, this.#numCodes);
  }

  /**
   * Marks unseen values among indices UNKNOWN.
   *
   * @param indices of PageMemory.indices()
   * @returns those that were unseen, by their first rows @throws {Error} an index is not in the dictionary
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
   * Codes of indices, which the next call overwrites: MISSING for NULL; `undefined` where any is unseen.
   *
   * @param indices of PageMemory.indices() @throws {Error} an index is not in the dictionary
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

/** The error of an index that is not in the dictionary. */
function noIndex(indices: Uint32Array, size: number): Error {
  return new Error(`index ${indices.find((index) => index >= size)} into a dictionary of ${size} values`);
}
