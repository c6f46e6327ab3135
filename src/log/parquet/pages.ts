// Reads the pages of a Parquet column: the headers one after another, and the body of a page when its values are
// requested.
//
// Every offset, size and count is checked here, or where the values are decoded (runs.ts, values.ts), so a damaged file
// is rejected before it costs memory. Damage that keeps all lengths is not detected, because files carry no checksum.
//
// Source: Apache Parquet format, PageHeader in parquet.thrift.

import type { SchemaElement } from "hyparquet";
import { DataError } from "../../base/errors.js";
import { inflate, type PageRegion } from "./memory.js";
import { Runs } from "./runs.js";

/** A column chunk: the position and the type of one column's values in a row group. Threads send it to each other. */
export interface LeafChunk {
  element: SchemaElement;
  codec: string;
  /** offset in the file of the column chunk's first byte */
  start: number;
  end: number;
  /** number of values, including nulls; an empty list is counted as one value */
  numValues: number;
  /** maxDefinition: optional and repeated nodes among the leaf and its ancestors; maxRepetition: repeated ones */
  maxDefinition: number;
  maxRepetition: number;
}

/** Reads bytes [start, end) of the file; the array is overwritten by the next call of the same reader. */
export type ReadBytes = (start: number, end: number) => Uint8Array;

export interface Page {
  /** number of values of the page; an empty list is counted as one value */
  count: number;
  encoding: number;
  /** repetition levels; absent if the column has none, because their maximum is 0 */
  repetition?: Runs;
  definition?: Runs;
  /** bytes of the page after its levels */
  values: Uint8Array;
  /** the region of memory that holds the values; absent if they have their own array */
  memory?: PageRegion;
}

/** A dictionary page; its values are in the encoding PLAIN. */
export interface DictionaryPage {
  /** number of the dictionary in the column chunk, from 1 */
  ordinal: number;
  count: number;
  values: Uint8Array;
}

/** A Thrift struct: numbers and nested structs by field id; other fields are skipped. */
type Struct = Map<number, number | Struct>;

/** Maximum number of values of a page; no writer puts as many into one page. */
const MAX_PAGE_VALUES = 1 << 26;
const MAX_PAGE_BYTES = 1 << 30;

/** Number of bytes of a page that are read first: they contain most headers, and often the whole page. */
const HEADER_BYTES = 1 << 13;
const MAX_HEADER_BYTES = 1 << 24;

const [DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2] = [0, 2, 3];

interface Header {
  type: number;
  size: number;
  uncompressed: number;
  count: number;
  details: Struct;
  /** position in the file of the page's body */
  body: number;
}

export class PageReader {
  /** the latest dictionary that was read; undefined before the first one */
  dictionary: DictionaryPage | undefined;
  readonly #leaf: LeafChunk;
  readonly #read: ReadBytes;
  readonly #region: PageRegion | undefined;
  #at: number;
  #numValues = 0;
  #header: Header | undefined;

  /** @param region memory for the latest page, which overwrites the previous one; if absent, each page gets an array */
  constructor(leaf: LeafChunk, read: ReadBytes, region?: PageRegion) {
    this.#leaf = leaf;
    this.#read = read;
    this.#region = region;
    this.#at = leaf.start;
  }

  /**
   * Advances to the next data page. Its body is read by load(), or skipped if load() is not called.
   *
   * @returns the number of values of the page; 0 if there is no further page
   * @throws {Error} a header states something impossible
   */
  next(): number {
    this.#header = undefined;
    while (this.#numValues < this.#leaf.numValues && this.#at < this.#leaf.end) {
      const header = this.#readHeader();
      this.#at = header.body + header.size;
      if (header.type === DICTIONARY_PAGE) {
        const { values } = this.#inflated(this.#body(header), header.uncompressed);
        const ordinal = 1 + (this.dictionary?.ordinal ?? 0);
        this.dictionary = { ordinal, count: header.count, values: this.#region ? values.slice() : values };
        continue;
      }
      this.#numValues += header.count;
      if (this.#numValues > this.#leaf.numValues)
        throw new Error(`pages have more than the ${this.#leaf.numValues} values of their column`);
      if (header.count === 0) continue;
      this.#header = header;
      return header.count;
    }
    return 0;
  }

  /** Reads the page that next() found. @throws {Error} its levels do not fit into it, or it cannot be decompressed */
  load(): Page {
    const header = this.#header!;
    const { maxDefinition, maxRepetition } = this.#leaf;
    const { count, details, uncompressed } = header;
    const body = this.#body(header);
    if (header.type === DATA_PAGE_V2) {
      const [definition, repetition] = [numberAt(details, 5), numberAt(details, 6)];
      const levels = definition + repetition;
      if (!(definition >= 0 && repetition >= 0 && levels <= body.length && levels <= uncompressed))
        throw new Error("levels are longer than their page");
      const values = body.subarray(levels);
      const isCompressed = details.get(7) !== 0;
      // the levels are copied, because the next read overwrites the buffer
      const kept = levels === 0 ? body : body.slice(0, levels);
      return {
        count,
        encoding: numberAt(details, 4),
        ...(maxRepetition > 0 && {
          repetition: new Runs(kept, 0, repetition, bitWidth(maxRepetition), count),
        }),
        ...(maxDefinition > 0 && {
          definition: new Runs(kept, repetition, levels, bitWidth(maxDefinition), count),
        }),
        ...this.#inflated(values, isCompressed ? uncompressed - levels : undefined),
      };
    }
    // version 1 compresses the levels together with the values; each array of levels is preceded by its length
    const { values: page, memory } = this.#inflated(body, uncompressed);
    let at = 0;
    const levels = (maxLevel: number): Runs | undefined => {
      if (maxLevel === 0) return undefined;
      if (at + 4 > page.length) throw new Error("levels are longer than their page");
      const length = new DataView(page.buffer, page.byteOffset).getUint32(at, true);
      const start = at + 4;
      at = start + length;
      if (at > page.length) throw new Error("levels are longer than their page");
      return new Runs(page, start, at, bitWidth(maxLevel), count);
    };
    const repetition = levels(maxRepetition);
    const definition = levels(maxDefinition);
    return {
      count,
      encoding: numberAt(details, 2),
      repetition,
      definition,
      values: page.subarray(at),
      memory,
    };
  }

  /** Decompresses a page's values. @param length decompressed number of bytes; undefined if `input` is uncompressed */
  #inflated(input: Uint8Array, length: number | undefined): Pick<Page, "values" | "memory"> {
    const codec = length === undefined ? "UNCOMPRESSED" : this.#leaf.codec;
    const region = this.#region;
    if (region) return { values: region.inflate(input, length ?? 0, codec), memory: region };
    const values = inflate(input, length ?? 0, codec);
    // uncompressed bytes belong to the reader's buffer, so they are copied
    return { values: values === input ? values.slice() : values };
  }

  #body({ body, size }: Header): Uint8Array {
    return this.#read(body, body + size);
  }

  #readHeader(): Header {
    const { end } = this.#leaf;
    for (let window = HEADER_BYTES; ; window *= 8) {
      const stop = Math.min(end, this.#at + window);
      const reader = new ThriftReader(this.#read(this.#at, stop));
      let header: Struct;
      try {
        header = reader.struct(0);
      } catch (error) {
        // reads more bytes, because page headers with statistics of long texts may need more than were read
        if (error instanceof TooShort && stop < end && window < MAX_HEADER_BYTES) continue;
        throw error;
      }
      const [type, uncompressed, size] = [numberAt(header, 1), numberAt(header, 2), numberAt(header, 3)];
      const details = structAt(
        header,
        type === DATA_PAGE ? 5 : type === DATA_PAGE_V2 ? 8 : type === DICTIONARY_PAGE ? 7 : -1,
      );
      const count = numberAt(details, 1);
      const body = this.#at + reader.at;
      if (!(size >= 0 && body + size <= end)) throw new Error(`invalid page size: ${size} bytes`);
      if (!(uncompressed >= 0 && uncompressed <= MAX_PAGE_BYTES))
        throw new Error(`invalid page size: ${uncompressed} bytes`);
      if (!(count >= 0 && count <= MAX_PAGE_VALUES)) throw new Error(`invalid page: ${count} values`);
      return { type, size, uncompressed, count, details, body };
    }
  }
}

/** Converts an error that hyparquet or this code throws about invalid bytes into a data error. */
export function damagedFile(error: unknown, place: { file: string; column?: string }): DataError {
  const message =
    typeof error === "object" && error !== null && "message" in error ? String(error.message) : "";
  return new DataError(`the file is damaged or uses an unsupported Parquet feature (${message})`, place);
}

function bitWidth(maxLevel: number): number {
  return 32 - Math.clz32(maxLevel);
}

function numberAt(struct: Struct, field: number): number {
  const value = struct.get(field);
  return typeof value === "number" ? value : NaN;
}

function structAt(struct: Struct, field: number): Struct {
  const value = struct.get(field);
  if (typeof value !== "object") throw new Error("a page without a header of its kind");
  return value;
}

/** The error for a header that continues beyond the available bytes. */
class TooShort extends Error {}

/** Reads the parts of Thrift's compact protocol that page headers use. */
class ThriftReader {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  struct(depth: number): Struct {
    if (depth > 8) throw new Error("a page header is nested too deep");
    const fields: Struct = new Map();
    for (let id = 0; ;) {
      const byte = this.#byte();
      if ((byte & 15) === 0) return fields;
      id = byte >> 4 === 0 ? this.#zigzag() : id + (byte >> 4);
      const value = this.#value(byte & 15, depth);
      if (value !== undefined) fields.set(id, value);
    }
  }

  #value(type: number, depth: number): number | Struct | undefined {
    if (type === 1 || type === 2) return type === 1 ? 1 : 0;
    if (type === 3) return this.#byte();
    if (type >= 4 && type <= 6) return this.#zigzag();
    if (type === 12) return this.struct(depth + 1);
    if (type === 7) this.at += 8;
    else if (type === 8) {
      // this is not written with `+=`, which would read #at before #varint() advances it
      const length = this.#varint();
      this.at += length;
    } else throw new Error(`a page header holds a field of type ${type}`);
    return undefined;
  }

  #byte(): number {
    if (this.at >= this.bytes.length) throw new TooShort("a page header goes on beyond its column");
    return this.bytes[this.at++]!;
  }

  /** computes in floating point, because integers in a header's statistics may have more than 32 bits */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error("invalid page header: a number has too many bytes");
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
