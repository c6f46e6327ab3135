// Parses the output of `embed export`, each format by its definition and without the project's code.

import Papa from "papaparse";
import { jsonLines, parseJson } from "./json.js";

/** One row of an exported table. */
export interface ExportedRow {
  field: string;
  key: string;
  count: number;
  /** weight of the row, if the export was requested with weights */
  weight?: number;
  /** vector as the file contains it: decimals, each the shortest that gives the same f32, or f32 numbers */
  vector: number[];
}

/** Parses the rows of a csv or tsv export: `field,key,count[,weight],v0..[,path]`. */
export function parseDelimited(text: string, delimiter: "," | "\t"): ExportedRow[] {
  const { data, errors } = Papa.parse<string[]>(text, { delimiter, newline: "\n", skipEmptyLines: true });
  if (errors.length > 0) throw new Error(`not a table: ${errors[0]!.message} in row ${errors[0]!.row}`);
  const [header, ...rows] = data;
  // selects v0, v1, ..., because a column with the path of a leaf follows them in exports of trees
  const values = [...header!.keys()].filter((c) => /^v\d+$/.test(header![c]!));
  return rows.map((row) => ({
    field: row[header.indexOf("field")]!,
    key: row[header.indexOf("key")]!,
    count: Number(row[header.indexOf("count")]),
    vector: values.map((c) => Number(row[c])),
  }));
}

/** Parses the rows of a jsonl export, which has one object per line. */
export function parseJsonLines(text: string): ExportedRow[] {
  return jsonLines<ExportedRow>(text);
}

/** Parses keys and vectors of word2vec's text format: a line `rows dim`, then `key v0 v1 ...`. */
export function parseWord2vecText(text: string): Map<string, number[]> {
  const [header, ...lines] = text.trimEnd().split("\n");
  const [numRows, dim] = header!.split(" ").map(Number);
  const rows = new Map(
    lines.map((line) => {
      const [key, ...values] = line.trimEnd().split(" ");
      return [key!, values.map(Number)];
    }),
  );
  if (rows.size !== numRows || [...rows.values()].some((vector) => vector.length !== dim)) {
    throw new Error(`the header says ${numRows} rows of ${dim} values; the lines differ`);
  }
  return rows;
}

/** Parses keys and vectors of word2vec's binary format: a header, then key, space, f32[dim], line feed per row. */
export function parseWord2vecBinary(bytes: Buffer): Map<string, number[]> {
  const headerEnd = bytes.indexOf("\n");
  const [numRows, dim] = bytes.toString("utf8", 0, headerEnd).split(" ").map(Number);
  const rows = new Map<string, number[]>();
  let at = headerEnd + 1;
  for (let r = 0; r < numRows; r++) {
    const space = bytes.indexOf(" ", at);
    const key = bytes.toString("utf8", at, space);
    rows.set(
      key,
      Array.from({ length: dim }, (_, d) => bytes.readFloatLE(space + 1 + 4 * d)),
    );
    at = space + 1 + 4 * dim + (bytes[space + 1 + 4 * dim] === 10 ? 1 : 0);
  }
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes follow the last row`);
  return rows;
}

/** Parses an array of one or two dimensions in numpy's format, version 1: little-endian f32 in row order. */
export function parseNpy(bytes: Buffer): { shape: number[]; values: number[] } {
  if (bytes.toString("latin1", 0, 6) !== "\x93NUMPY") throw new Error("not an npy file");
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString("latin1", 10, start);
  if (!header.includes("'<f4'") || !header.includes("'fortran_order': False")) throw new Error(header);
  const shape = /'shape': \((\d+), ?(\d+)?\)/.exec(header)!.slice(1).filter(Boolean).map(Number);
  const values = Array.from({ length: shape[0]! * (shape[1] ?? 1) }, (_, i) =>
    bytes.readFloatLE(start + 4 * i),
  );
  return { shape, values };
}

/** Parses the f32 tensors of a safetensors file: a length, a header in JSON, the numbers. */
export function parseSafetensors(bytes: Buffer): Record<string, { shape: number[]; values: number[] }> {
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...entries } = parseJson<
    Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>
  >(bytes.toString("utf8", 8, start));
  return Object.fromEntries(
    Object.entries(entries).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        if (dtype !== "F32") throw new Error(`tensor ${name} is of ${dtype}`);
        const values = Array.from({ length: (to - from) / 4 }, (__, i) =>
          bytes.readFloatLE(start + from + 4 * i),
        );
        return [name, { shape, values }];
      },
    ),
  );
}
