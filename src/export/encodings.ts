// Writes rows of numbers with their keys in a file format, chunk by chunk: the output of `embed transform` for new
// rows.
//
//   csv      a header; the key, then a column per number
//   jsonl    {"row":...,"leaves":[...]}, or {"row":...,"features":{...}}
//            vectors: {"row":...,"bias":...,"vector":[...]}; codes: {"row":...,"codes":[...]}
//   libsvm   label, then index:value of numbers other than 0; leaves are one-hot, numbered from 1 over all trees
//   npy      a directory: NAME.npy of all numbers, keys.txt with one JSON string per line
//   parquet  the columns of csv (encoding-parquet.ts)
//
// Source: numpy.lib.format, version 1.0; LIBSVM's README.

import { UsageError } from "../base/errors.js";
import { ownFiles, type OwnDirectory } from "../base/io/replaceable.js";
import { hasBiases, type EncodedRows, type EncodedRowFormat } from "./encoded-rows.js";
import { ByteWriter } from "./files/byte-writer.js";
import { quotedCell } from "./files/delimited.js";
import { jsonString } from "./files/jsonl.js";
import { npyHead } from "./files/npy.js";
import { byteView } from "./selection.js";

export const encodingFormats = ["csv", "jsonl", "libsvm", "npy", "parquet"] as const;
export type EncodingFormat = (typeof encodingFormats)[number];

/** Yields the bytes of one file. @throws {UsageError} the format is npy, which has several files */
export async function* encodingChunks(
  format: EncodingFormat,
  encoding: EncodedRowFormat,
  rows: AsyncIterable<EncodedRows>,
): AsyncGenerator<Uint8Array> {
  if (format === "npy") throw new UsageError("format npy writes several files: name a directory with -o DIR");
  if (format === "parquet") {
    // imports the writer of Parquet on demand, because programs on executors do not have the package that it needs
    const { parquetChunks } = await import("./files/encoding-parquet.js");
    yield* parquetChunks(encoding, rows);
    return;
  }
  const write = { csv: csvRow, jsonl: jsonlRow, libsvm: libsvmRow }[format];
  const out = new ByteWriter();
  if (format === "csv") {
    const bias = hasBiases(encoding) ? ["bias"] : [];
    for (const [c, name] of [encoding.key, ...bias, ...encoding.columns].entries()) {
      if (c > 0) out.byte(44);
      out.bytes(quotedCell(Buffer.from(name, "utf8"), 44));
    }
    out.byte(10);
  }
  for await (const chunk of rows) {
    for (let row = 0; row < chunk.numRows; row++) {
      write(out, encoding, chunk, row);
      if (out.isFull) yield out.take();
    }
    if (chunk.answers) out.byte(10);
    yield out.take();
  }
  yield out.take();
}

function csvRow(out: ByteWriter, { kind, columns }: EncodedRowFormat, rows: EncodedRows, row: number): void {
  out.bytes(quotedCell(rows.keyOf(row), 44));
  if (rows.biases) {
    out.byte(44);
    out.float32(rows.biases[row]!);
  }
  for (let c = 0; c < columns.length; c++) {
    out.byte(44);
    const x = rows.values[row * columns.length + c]!;
    if (kind === "vectors") out.float32(x);
    else if (x === x) writeNumber(out, x);
  }
  out.byte(10);
}

function jsonlRow(
  out: ByteWriter,
  { kind, key, columns }: EncodedRowFormat,
  rows: EncodedRows,
  row: number,
): void {
  out.text(`{${JSON.stringify(key)}:`);
  out.bytes(jsonString(rows.keyOf(row)));
  if (rows.biases) {
    out.text(',"bias":');
    out.float32(rows.biases[row]!);
  }
  const isObject = kind === "features";
  out.text(`,"${kind === "vectors" ? "vector" : kind}":${isObject ? "{" : "["}`);
  for (let c = 0; c < columns.length; c++) {
    if (c > 0) out.byte(44);
    if (isObject) out.text(`${JSON.stringify(columns[c])}:`);
    const x = rows.values[row * columns.length + c]!;
    if (kind === "vectors") out.float32(x);
    else if (x === x) writeNumber(out, x);
    else out.text("null");
  }
  out.text(isObject ? "}" : "]");
  out.text("}\n");
}

function libsvmRow(
  out: ByteWriter,
  { kind, columns, starts }: EncodedRowFormat,
  rows: EncodedRows,
  row: number,
): void {
  out.text(String(rows.labels[row] ?? 0));
  for (let c = 0; c < columns.length; c++) {
    const x = rows.values[row * columns.length + c]!;
    if (kind === "features" && (x === 0 || x !== x)) continue;
    out.byte(32);
    out.integer(kind === "leaves" ? starts[c]! + x + 1 : c + 1);
    out.byte(58);
    if (kind === "leaves") out.byte(49);
    else writeNumber(out, x);
  }
  out.byte(10);
}

function writeNumber(out: ByteWriter, x: number): void {
  if (Number.isInteger(x) && x >= 0 && x < 2 ** 53 && !Object.is(x, -0)) out.integer(x);
  else out.text(String(x));
}

/** Directories of encoded rows in the format npy, which --force may replace (export/format.ts). */
export const ownEncodings: OwnDirectory = ownFiles("encoded rows in format npy", "keys.txt", [
  "leaves.npy",
  "features.npy",
  "vectors.npy",
  "codes.npy",
  "biases.npy",
  "scores.npy",
]);

/** A file of an npy directory; the files of the directory are written in parallel, chunk by chunk. */
interface NpyFile {
  name: string;
  head: Uint8Array;
  bytesOf: (rows: EncodedRows) => Uint8Array;
}

/** A name, the first bytes, and a function that returns the bytes of a chunk, for each file of an npy directory. */
export function npyFiles(encoding: EncodedRowFormat): NpyFile[] {
  const { kind, columns, numRows } = encoding;
  const type = { leaves: "<u4", codes: "<u4", features: "<f8", vectors: "<f4" }[kind];
  const biases: NpyFile = {
    name: "biases.npy",
    head: npyHead("<f4", [numRows]),
    bytesOf: (rows) => byteView(rows.biases!),
  };
  return [
    {
      name: `${kind}.npy`,
      head: npyHead(type, [numRows, columns.length]),
      bytesOf: ({ values }) => byteView(values),
    },
    { name: "keys.txt", head: new Uint8Array(), bytesOf: keyLines },
    ...(hasBiases(encoding) ? [biases] : []),
  ];
}

function keyLines({ numRows, keyOf }: EncodedRows): Uint8Array {
  const out = new ByteWriter();
  for (let row = 0; row < numRows; row++) {
    out.bytes(jsonString(keyOf(row)));
    out.byte(10);
  }
  return out.take();
}
