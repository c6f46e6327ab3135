// The pages of a Parquet column, checked before hyparquet reads them.
//
// hyparquet believes the lengths of runs: a damaged one of 2^30 values fills the memory, or takes minutes, before anything
// is amiss. So every run of a page is counted here against the values that the page says it has. Files carry no checksum
// that would tell: a damage that keeps all lengths is not found.
//
// Source: Apache Parquet format, PageHeader in parquet.thrift; Encodings, RLE / bit-packing hybrid.

/** What the check needs of hyparquet's metadata of one leaf column. */
export interface LeafPages {
  codec: string;
  /** levels of the leaf: how many of its ancestors and itself are optional or repeated, and how many repeated */
  maxDefinition: number;
  maxRepetition: number;
  /** values that the column has in the row group */
  numValues: number;
}

type Decompress = (input: Uint8Array, outputLength: number) => Uint8Array;

/** A thrift struct: numbers and structs by field; what else there is, is passed over. */
type Struct = Map<number, number | Struct>;

/** More than any writer puts into a page, and few enough to be counted. */
const MAX_PAGE_VALUES = 1 << 26;
const MAX_PAGE_BYTES = 1 << 30;

const [DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2] = [0, 2, 3];
const RLE = 3;
const DICTIONARY_ENCODINGS = [2, 8];

/** @throws {Error} a page says something impossible */
export function checkPages(
  bytes: Uint8Array,
  leaf: LeafPages,
  compressors: Partial<Record<string, Decompress>>,
): void {
  const { codec, maxDefinition, maxRepetition } = leaf;
  const reader = new ThriftReader(bytes);
  let numValues = 0;
  while (reader.at < bytes.length - 1 && numValues < leaf.numValues) {
    const header = reader.struct(0);
    const size = numberAt(header, 3);
    const type = numberAt(header, 1);
    const uncompressed = numberAt(header, 2);
    const details = structAt(
      header,
      type === DATA_PAGE ? 5 : type === DATA_PAGE_V2 ? 8 : type === DICTIONARY_PAGE ? 7 : -1,
    );
    const count = numberAt(details, 1);
    if (!(size >= 0 && reader.at + size <= bytes.length)) throw new Error(`invalid page size: ${size} bytes`);
    if (!(uncompressed >= 0 && uncompressed <= MAX_PAGE_BYTES))
      throw new Error(`invalid uncompressed page size: ${uncompressed} bytes`);
    if (!(count >= 0 && count <= MAX_PAGE_VALUES)) throw new Error(`invalid page: ${count} values`);
    const body = bytes.subarray(reader.at, reader.at + size);
    reader.at += size;
    if (type === DICTIONARY_PAGE) continue;
    numValues += count;
    if (numValues > leaf.numValues)
      throw new Error(`pages have more than the ${leaf.numValues} values of their column`);

    const encoding = numberAt(details, type === DATA_PAGE ? 2 : 4);
    const isCoded = DICTIONARY_ENCODINGS.includes(encoding);
    const inflate = (input: Uint8Array, length: number): Uint8Array => {
      const decompress = compressors[codec];
      return codec === "UNCOMPRESSED" || !decompress || length === 0 ? input : decompress(input, length);
    };
    if (type === DATA_PAGE) {
      // levels are within the compressed part, each after its length
      if (maxDefinition + maxRepetition === 0 && !isCoded && encoding !== RLE) continue;
      const page = inflate(body, uncompressed);
      let at = 0;
      if (maxRepetition > 0) at = checkSized(page, at, maxRepetition, count);
      if (maxDefinition > 0) at = checkSized(page, at, maxDefinition, count);
      checkValues(page, at, isCoded, encoding, count);
    } else {
      const [definition, repetition] = [numberAt(details, 5), numberAt(details, 6)];
      if (!(definition >= 0 && repetition >= 0 && definition + repetition <= size))
        throw new Error("levels are longer than their page");
      if (maxRepetition > 0) checkRuns(body, 0, bitWidth(maxRepetition), count);
      if (maxDefinition > 0) checkRuns(body, repetition, bitWidth(maxDefinition), count);
      if (!isCoded && encoding !== RLE) continue;
      const levels = definition + repetition;
      const values = body.subarray(levels);
      const isCompressed = details.get(7) !== 0;
      checkValues(
        isCompressed ? inflate(values, uncompressed - levels) : values,
        0,
        isCoded,
        encoding,
        count,
      );
    }
  }
}

/** Indices into a dictionary, after their width, or booleans, after their length; others are as long as their bytes. */
function checkValues(page: Uint8Array, at: number, isCoded: boolean, encoding: number, count: number): void {
  if (isCoded && at < page.length) {
    if (page[at]! > 32) throw new Error(`invalid dictionary index width: ${page[at]!} bits`);
    checkRuns(page, at + 1, page[at]!, count);
  } else if (encoding === RLE) checkRuns(page, at + 4, 1, count);
}

/** Index after levels that stand after their length. */
function checkSized(page: Uint8Array, at: number, maxLevel: number, count: number): number {
  if (at + 4 > page.length) throw new Error("levels are longer than their page");
  const length = new DataView(page.buffer, page.byteOffset).getUint32(at, true);
  checkRuns(page, at + 4, bitWidth(maxLevel), count);
  return at + 4 + length;
}

/**
 * Runs have the values they must, and 7 of padding at most, of packed ones 255: DuckDB packs indices in blocks of 256. Bytes that
 * are missing are hyparquet's to miss.
 */
function checkRuns(bytes: Uint8Array, start: number, width: number, count: number): void {
  let seen = 0;
  for (let at = start; seen < count && at < bytes.length;) {
    let header = 0;
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at++]!;
      if (shift > 28) throw new Error("a run's length has too many bytes");
      header |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const isPacked = (header & 1) === 1;
    const run = isPacked ? (header >>> 1) * 8 : header >>> 1;
    seen += run;
    at += isPacked ? (header >>> 1) * width : (width + 7) >> 3;
    const padding = isPacked && width > 0 ? 255 : 7;
    if (seen > count + padding) throw new Error(`a run ends at ${seen} of ${count} values`);
  }
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

/** Thrift's compact protocol, as much as page headers need. */
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
      // the length's own bytes come before: not `+=`, which would read the place before them
      const length = this.#varint();
      this.at += length;
    } else throw new Error(`a page header holds a field of type ${type}`);
    return undefined;
  }

  #byte(): number {
    if (this.at >= this.bytes.length) throw new Error("a page header goes on beyond its column");
    return this.bytes[this.at++]!;
  }

  /** In floating point, as sizes have 32 bits and statistics may have more. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error("a number of a page header has too many bytes");
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
