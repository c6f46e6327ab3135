// Generates the cases of fuzz-log: rows in every format, damaged as files get damaged in practice, with the number of
// rows that a simple reader finds.

import { gzipSync } from "node:zlib";
import { inputFormats, type InputFormat } from "../log/form.js";
import { defaultReadOptions, type ReadOptions } from "../log/log.js";
import { delimitedOf, jsonLinesOf, parquetOf } from "../testing/forms.js";
import { mulberry32 } from "../testing/random.js";

export interface FuzzCase {
  /** description of the fuzz case, which is printed if it fails */
  name: string;
  form: InputFormat;
  file: string;
  bytes: Uint8Array;
  options: ReadOptions;
  /**
   * number of rows that a successful reading must find, including skipped rows; undefined if a simple reader cannot
   * determine it
   */
  numRows: number | undefined;
  /** how the case reads the file: as rows of a log, a side table, or a dataset */
  as: "log" | "side table" | "dataset";
}

const DAMAGES = [
  "none",
  "none",
  "none",
  "flip",
  "truncate",
  "insert",
  "swap separators",
  "NUL",
  "megabyte cell",
  "repeat",
  "random",
  "columns",
  "quote",
  "broken gzip",
  "gzip",
] as const;

/** Returns the case with the given index. The same index always gives the same case. */
export function fuzzCase(index: number): FuzzCase {
  const random = mulberry32(index + 1);
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;
  const form = pick([...inputFormats, "csv", "csv", "jsonl"] as const);
  // files with 10,000 columns or a cell of a megabyte are generated rarely, because reading one takes as long as
  // hundreds of other cases
  const damage =
    below(60) === 0
      ? pick(["columns", "megabyte cell"] as const)
      : pick(DAMAGES.filter((name) => name !== "columns" && name !== "megabyte cell"));
  const delimiter = pick([",", "\t", ";", "|"]);

  const numColumns = damage === "columns" ? 10_000 : 1 + below(6);
  const numRows = 1 + below(damage === "columns" ? 4 : pick([3, 30, 300]));
  const words = ["u1", "u2", "007", "__proto__", "é", "🫖", "a b", "", "1.5", "-3", "true"];
  if (form === "csv" && below(3) === 0) words.push('say "hi"', "two\nlines", "a,b", "x\ty", "\r\n");
  const cell = () => pick(words);
  const columns = Array.from({ length: numColumns }, (_, c) => `c${c}`);
  const rows = Array.from({ length: numRows }, () => columns.map(cell));
  if (damage === "megabyte cell") rows[below(numRows)]![below(numColumns)] = "x".repeat(1 << 20);
  // an empty cell in the first JSON line would leave its column without a name
  rows[0] = rows[0]!.map((text) => text || "first");

  let bytes = encoded();
  if (damage === "flip") for (let n = 1 + below(8); n > 0; n--) bytes[below(bytes.length)] = below(256);
  if (damage === "NUL") for (let n = 1 + below(4); n > 0; n--) bytes[below(bytes.length)] = 0;
  if (damage === "truncate") bytes = bytes.slice(0, below(bytes.length + 1));
  if (damage === "random") bytes = Uint8Array.from({ length: below(2000) }, () => below(256));
  if (damage === "insert")
    bytes = spliced(
      bytes,
      below(bytes.length),
      Uint8Array.from({ length: 1 + below(6) }, () =>
        pick([0x22, 0x0a, 0x0d, 0x2c, 0x5c, 0x7b, 0x5b, 0x3a, 0xff, 0xef]),
      ),
    );
  if (damage === "quote") bytes = spliced(bytes, below(bytes.length), Uint8Array.of(0x22));
  if (damage === "swap separators")
    bytes = bytes.map((byte) =>
      byte === delimiter.charCodeAt(0) ? 0x0a : byte === 0x0a ? delimiter.charCodeAt(0) : byte,
    );
  if (damage === "repeat") bytes = spliced(bytes, below(bytes.length), bytes.slice(0, below(bytes.length)));
  const plain = bytes;
  // encodes the text as UTF-16, sometimes with a damaged byte that leaves half a surrogate pair; damaged text is
  // encoded, too
  const isWide = form !== "parquet" && below(12) === 0;
  if (isWide) bytes = new Uint8Array(Buffer.from(Buffer.from(bytes).toString("utf8"), "utf16le"));
  if (isWide && below(4) === 0 && bytes.length > 0) bytes[below(bytes.length)] = 0xd8;
  const isZipped = damage === "gzip" || damage === "broken gzip";
  if (isZipped && form !== "parquet") bytes = new Uint8Array(gzipSync(bytes));
  if (damage === "broken gzip") {
    if (below(2) === 0) bytes = bytes.slice(0, below(bytes.length));
    else bytes[below(bytes.length)] ^= 1 << below(8);
  }
  const options: ReadOptions = {
    ...defaultReadOptions,
    format: form,
    threads: 1,
    header: below(5) !== 0,
    onBadRow: pick(["error", "skip"] as const),
    maxCell: pick([4 << 20, 4 << 20, 1000]),
    ...(below(3) === 0 && { delimiter }),
    ...(below(12) === 0 && { comment: pick(["#", "//"]) }),
    ...(below(20) === 0 && { encoding: pick(["utf-16le", "windows-1252", "gb18030", "latin1", "nonsense"]) }),
    ...(isWide && { encoding: "utf-16le" }),
    ...(below(10) === 0 && { multi: { c0: "|" }, ignore: ["c1"] }),
    ...(below(10) === 0 && { dedupe: true }),
    ...(below(10) === 0 && { keepBadRows: true }),
  };
  const as = pick(["log", "log", "side table", "dataset"] as const);
  const isPlain =
    options.encoding === undefined &&
    options.comment === undefined &&
    damage !== "broken gzip" &&
    !options.dedupe;
  return {
    as,
    name: `${form}, ${damage}`,
    form,
    file: `log${isZipped && form !== "parquet" ? ".gz" : ""}`,
    bytes,
    options,
    numRows: isPlain ? plainCount() : undefined,
  };

  function encoded(): Uint8Array {
    if (form === "csv") return Uint8Array.from(Buffer.from(delimitedOf(columns, rows, delimiter)));
    if (form === "jsonl") return Uint8Array.from(Buffer.from(jsonLinesOf(columns, rows)));
    if (form === "parquet") return parquetOf(columns, rows, pick([1, 7, 1000]));
    const tokens = (row: string[]) =>
      row.map((_, c) =>
        form === "libsvm" ? `${c * 7 + below(7)}:${value()}` : `${c}:${below(50)}:${value()}`,
      );
    return Uint8Array.from(Buffer.from(rows.map((row) => [below(2), ...tokens(row)].join(" ")).join("\n")));
  }

  /** Returns the text of a feature's value in libsvm or libffm: usually 1, else another number or an invalid text. */
  function value(): string {
    return below(4) === 0 ? pick(["0.5", "-2", "0", "1e-3", "+3.", "1e39", "x", "NaN"]) : "1";
  }

  function plainCount(): number | undefined {
    if (form === "parquet")
      return damage === "none" || damage === "gzip" || damage === "columns" || damage === "megabyte cell"
        ? numRows
        : undefined;
    const text = Buffer.from(plain).toString("utf8");
    if (form !== "csv")
      return text
        .replace(/^\ufeff/, "")
        .split("\n")
        .filter((line) => line.trim() !== "").length;
    if (damage === "none" || damage === "gzip") return numRows + (options.header ? 0 : 1);
    // damaged quotes make the boundaries of records ambiguous
    if (text.includes('"')) return undefined;
    const lines = text
      .replace(/^\ufeff/, "")
      .split("\n")
      .filter((line) => line !== "" && line !== "\r");
    return lines.length - (options.header ? 1 : 0);
  }
}

function spliced(bytes: Uint8Array, at: number, more: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]));
}
