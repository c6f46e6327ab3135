// Writes a table's columns as a Parquet file without an object per cell (encoding-parquet.ts writes rows as cells).
//
//   name    BYTE_ARRAY, UTF8, by dictionary      key    BYTE_ARRAY, UTF8
//   count   INT32, UINT_32: the bits of a u32
//   f32     FLOAT       f64   DOUBLE       i8   INT32, INT_8, by dictionary
//   f16     FIXED_LEN_BYTE_ARRAY(2), FLOAT16: the bits of halves
//   perRow  for a list with the same number of elements in each row: a plain LIST of three levels, NAME.list.element
//
// No cell is null. Pages are of version 1, which every reader supports, and of at most 1 MiB except for the rest of a
// row's numbers. Texts and counts are compressed with snappy. The numbers of vectors are not, because snappy does not
// make them smaller. Names and counts, by which rows are sorted, have minimum and maximum per row group, so that
// readers can skip row groups for `field = ...` or `count > ...`. The package hyparquet-writer writes the file's header
// and metadata, and implements thrift and snappy. Source: parquet-format, parquet.thrift and LogicalTypes.md (lists).

import { ParquetWriter, ByteWriter } from "hyparquet-writer";
// the package hyparquet-writer does not officially export this module, so package.json pins one version exactly
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { encodeKeys, type Keys } from "../../log/keys.js";
import { byteView } from "../selection.js";

// Encodes columns in memory as the bytes of Parquet pages. Numbers have the same layout in a page and in an array, so
// they are not copied.
//
//   PLAIN            numbers little-endian; texts as length (u32) and UTF-8
//   RLE_DICTIONARY   the width of an index in bits (u8), then indices as runs: of one value (varint 2n, then the value
//                    in whole bytes), or packed (varint 2g + 1, then g times 8 of them, lowest bits first)
//   levels           runs of width 1 after their length in bytes (u32): a list of `perRow` numbers in each row starts
//                    where a repetition level is 0 and continues where it is 1; nothing is missing, so every definition
//                    level is 1
//
// Source: parquet-format, Encodings.md (PLAIN; RLE / bit-packing hybrid; dictionary) and README.md (data pages, nested
// encoding).

/** A column of few distinct texts: the text of a row is names[codes[row]]. */
export interface Coded {
  names: readonly string[];
  codes: Uint32Array;
}

/** Values of a column in a row group; `types` maps the arrays to types of Parquet. */
export type ColumnValues = Keys | Coded | Uint32Array | Float32Array | Float64Array | Uint16Array | Int8Array;

interface ColumnEncoding {
  numValues: number;
  /** approximate number of bytes of all values */
  numBytes: number;
  /** the dictionary, in Parquet's encoding PLAIN, if the values are indices into a dictionary */
  dictionary?: { numValues: number; bytes: Uint8Array };
  /** Returns the bytes of the values first .. last - 1, possibly as a view. */
  bytes: (first: number, last: number) => Uint8Array;
}

function encodingOf(values: ColumnValues): ColumnEncoding {
  if ("codes" in values) return codedTexts(values);
  if ("offsets" in values) return plainTexts(values);
  if (values.BYTES_PER_ELEMENT === 1) return codedBytes(values);
  const bytes = (first: number, last: number): Uint8Array => byteView(values.subarray(first, last));
  return { numValues: values.length, numBytes: values.byteLength, bytes };
}

function plainTexts({ size, bytes, offsets }: Keys): ColumnEncoding {
  return {
    numValues: size,
    numBytes: bytes.length + 4 * size,
    bytes(first, last) {
      const out = new Uint8Array(4 * (last - first) + offsets[last]! - offsets[first]!);
      const view = new DataView(out.buffer);
      let at = 0;
      for (let row = first; row < last; row++) {
        const [start, end] = [offsets[row]!, offsets[row + 1]!];
        view.setUint32(at, end - start, true);
        at += 4;
        // keys are short, so a loop over bytes is faster than creating a view of each key
        for (let i = start; i < end; i++) out[at++] = bytes[i]!;
      }
      return out;
    },
  };
}

/** Encodes names by a dictionary. Rows with the same name are consecutive, so all runs repeat one value. */
function codedTexts({ names, codes }: Coded): ColumnEncoding {
  // one name would need only 0 bits, but readers may not support a width of 0
  const width = Math.max(1, Math.ceil(Math.log2(names.length)));
  return {
    numValues: codes.length,
    numBytes: codes.length,
    dictionary: { numValues: names.length, bytes: plainTexts(encodeKeys(names)).bytes(0, names.length) },
    bytes(first, last) {
      const out = [width];
      for (let start = first; start < last;) {
        let end = start + 1;
        while (end < last && codes[end] === codes[start]) end++;
        out.push(...runOf(codes[start]!, end - start, width));
        start = end;
      }
      return Uint8Array.from(out);
    },
  };
}

/** As PLAIN, Parquet would store each i8 as an INT32 of four bytes; the dictionary has indices of one byte. */
function codedBytes(values: ArrayLike<number>): ColumnEncoding {
  const all = Int32Array.from({ length: 256 }, (_, i) => i - 128);
  return {
    numValues: values.length,
    numBytes: values.length,
    dictionary: { numValues: all.length, bytes: byteView(all) },
    bytes(first, last) {
      const groups = Math.ceil((last - first) / 8);
      const head = [8, ...varint(2 * groups + 1)];
      const out = new Uint8Array(head.length + 8 * groups);
      out.set(head);
      for (let i = first; i < last; i++) out[head.length + i - first] = values[i]! + 128;
      return out;
    },
  };
}

/** Repetition and definition levels, which precede the values in a page. @param perRow elements of each list, >= 1 */
function listLevels(numRows: number, perRow: number): Uint8Array {
  const numValues = numRows * perRow;
  const groups = Math.ceil(numValues / 8);
  const repetition = new Uint8Array(groups).fill(0xff);
  for (let i = 0; i < numValues; i += perRow) repetition[i >>> 3]! &= ~(1 << (i & 7));
  const definition = runOf(1, numValues, 1);
  const head = varint(2 * groups + 1);
  return Buffer.concat([
    u32(head.length + groups),
    Uint8Array.from(head),
    repetition,
    u32(definition.length),
    Uint8Array.from(definition),
  ]);
}

function runOf(value: number, length: number, width: number): number[] {
  const bytes = Array.from({ length: Math.ceil(width / 8) }, (_, i) => (value >>> (8 * i)) & 0xff);
  return [...varint(2 * length), ...bytes];
}

/** Encodes a varint: seven bits per byte, lowest bits first. @param value an integer below 2^31 */
function varint(value: number): number[] {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

function u32(value: number): Uint8Array {
  return byteView(Uint32Array.of(value));
}

export interface TableColumn {
  name: string;
  type: keyof typeof types;
  /** number of elements of each list, if the column is a list */
  perRow?: number;
}

type Schema = ConstructorParameters<typeof ParquetWriter>[0]["schema"];
type ColumnChunk = ParquetWriter["row_groups"][number]["columns"][number];
type Statistics = NonNullable<NonNullable<ColumnChunk["meta_data"]>["statistics"]>;

const types = {
  name: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  key: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  count: { type: "INT32", converted_type: "UINT_32" },
  f32: { type: "FLOAT" },
  f64: { type: "DOUBLE" },
  f16: { type: "FIXED_LEN_BYTE_ARRAY", type_length: 2, logical_type: { type: "FLOAT16" } },
  i8: { type: "INT32", converted_type: "INT_8" },
} as const;

const PAGE = 1 << 20;
const isCompressed = (type: TableColumn["type"]): boolean => ["name", "key", "count"].includes(type);

export class ParquetTable {
  readonly #columns: readonly TableColumn[];
  readonly #bytes = new ParquetBytes();
  readonly #writer: ParquetWriter;

  /** Starts a file. @param columns columns with distinct names @param metadata texts for the file's metadata */
  constructor(columns: readonly TableColumn[], metadata?: Readonly<Record<string, string>>) {
    this.#columns = columns;
    const schema: Schema = [{ name: "root", num_children: columns.length }, ...columns.flatMap(elementsOf)];
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema,
      // statistics contain complete names, which are not truncated
      statisticsTruncateLength: Infinity,
      createdBy: "embed",
      ...(metadata && { kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })) }),
    });
  }

  /** Numbers are views of the values. @param values by column: `numRows`, or `numRows * perRow` in a column of lists */
  *rowGroup(numRows: number, values: readonly ColumnValues[]): Generator<Uint8Array> {
    if (numRows === 0) return;
    const start = this.#bytes.offset;
    const columns: ColumnChunk[] = [];
    for (const [c, column] of this.#columns.entries())
      columns.push(yield* this.#chunk(column, numRows, values[c]!));
    const sizes = columns.map(({ meta_data: meta }) => meta!.total_uncompressed_size);
    this.#writer.row_groups.push({
      columns,
      num_rows: BigInt(numRows),
      total_byte_size: sizes.reduce((sum, size) => sum + size, 0n),
      total_compressed_size: BigInt(this.#bytes.offset - start),
    });
    this.#writer.num_rows += BigInt(numRows);
  }

  end(): Uint8Array {
    void this.#writer.finish();
    return this.#bytes.take();
  }

  *#chunk(column: TableColumn, numRows: number, values: ColumnValues): Generator<Uint8Array, ColumnChunk> {
    const { name, type, perRow } = column;
    const encoding = encodingOf(values);
    const start = this.#bytes.offset;
    let uncompressed = 0;
    const page = (header: PageHeader, ...parts: readonly Uint8Array[]): Uint8Array[] => {
      const size = parts.reduce((sum, { length }) => sum + length, 0);
      const body = isCompressed(type) ? [this.#writer.compressors.SNAPPY(Buffer.concat(parts))] : parts;
      const headerStart = this.#bytes.offset;
      writePageHeader(this.#bytes, {
        ...header,
        uncompressed_page_size: size,
        compressed_page_size: body.reduce((sum, { length }) => sum + length, 0),
      });
      uncompressed += this.#bytes.offset - headerStart + size;
      return [this.#bytes.take(), ...body.map((bytes) => this.#bytes.pass(bytes))];
    };
    const { dictionary } = encoding;
    if (dictionary)
      yield* page(
        {
          type: "DICTIONARY_PAGE",
          dictionary_page_header: { num_values: dictionary.numValues, encoding: "PLAIN" },
        },
        dictionary.bytes,
      );
    const firstPage = this.#bytes.offset;
    const width = perRow ?? 1;
    for (const { first, last } of pagesOf(numRows, encoding))
      yield* page(
        {
          type: "DATA_PAGE",
          data_page_header: {
            num_values: (last - first) * width,
            encoding: dictionary ? "RLE_DICTIONARY" : "PLAIN",
            definition_level_encoding: "RLE",
            repetition_level_encoding: "RLE",
          },
        },
        ...(perRow === undefined ? [] : [listLevels(last - first, perRow)]),
        encoding.bytes(first * width, last * width),
      );
    const statistics = statisticsOf(values, type);
    return {
      file_offset: BigInt(start),
      meta_data: {
        type: types[type].type,
        encodings: [...(dictionary ? (["RLE_DICTIONARY"] as const) : []), "PLAIN", "RLE"],
        path_in_schema: perRow === undefined ? [name] : [name, "list", "element"],
        codec: isCompressed(type) ? "SNAPPY" : "UNCOMPRESSED",
        num_values: BigInt(numRows * width),
        total_compressed_size: BigInt(this.#bytes.offset - start),
        total_uncompressed_size: BigInt(uncompressed),
        data_page_offset: BigInt(firstPage),
        dictionary_page_offset: dictionary && BigInt(start),
        statistics,
      },
    };
  }
}

type PageHeader = Omit<
  Parameters<typeof writePageHeader>[1],
  "uncompressed_page_size" | "compressed_page_size"
>;

/** Splits rows into pages with a multiple of 8 rows, so that packed runs end at a byte boundary. */
function* pagesOf(numRows: number, { numBytes }: ColumnEncoding): Generator<{ first: number; last: number }> {
  const size = Math.max(8, Math.floor((PAGE * numRows) / Math.max(1, numBytes) / 8) * 8);
  for (let first = 0; first < numRows; first += size) yield { first, last: Math.min(numRows, first + size) };
}

function statisticsOf(values: ColumnValues, type: TableColumn["type"]): Statistics | undefined {
  if (type === "count") {
    const counts = values as Uint32Array;
    let [least, most] = [counts[0]!, counts[0]!];
    for (const count of counts) [least, most] = [Math.min(least, count), Math.max(most, count)];
    return { min_value: least, max_value: most, null_count: 0n };
  }
  if (!("codes" in values)) return undefined;
  // statistics use only names that occur in rows, because readers may rely on the minimum and maximum
  const names = Array.from(new Set(values.codes), (code) => Buffer.from(values.names[code]!, "utf8"));
  names.sort((a, b) => a.compare(b));
  return { min_value: names[0]!, max_value: names.at(-1)!, null_count: 0n };
}

function elementsOf({ name, type, perRow }: TableColumn): Schema {
  if (perRow === undefined) return [{ name, repetition_type: "REQUIRED", ...types[type] }];
  return [
    { name, repetition_type: "REQUIRED", converted_type: "LIST", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type: "REQUIRED", ...types[type] },
  ];
}

/** A writer whose `offset` is the position in the file, even after bytes were taken out of the writer. */
export class ParquetBytes extends ByteWriter {
  /** Returns the bytes written since the last call, in a new buffer. */
  take(): Uint8Array {
    const bytes = this.getBytes().slice();
    this.index = 0;
    return bytes;
  }

  /** Adds the length of bytes that bypass this writer to `offset`, and returns the bytes. */
  pass(bytes: Uint8Array): Uint8Array {
    this.offset += bytes.length;
    return bytes;
  }
}
