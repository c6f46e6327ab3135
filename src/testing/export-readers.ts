// Reads the rows of every format of `embed export` by its definition or with another reader, never with the project's
// code.

import { tableFromIPC } from "apache-arrow";
import { unzipSync } from "fflate";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import sqlite from "node-sqlite3-wasm";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Papa from "papaparse";
import { parseJson } from "./json.js";
import { runOnnx } from "./onnx.js";

/**
 * A row as a reader returns it. `name` is the key; in a format that has one column for field and key, it is
 * `field:key`.
 */
export interface ReadRow {
  name: string;
  vector: number[];
}

type Reader = (path: string, asked: ExpectedRows) => ReadRow[] | Promise<ReadRow[]>;

/** The rows that a reader is expected to find; some readers can only look up given keys or vectors. */
export interface ExpectedRows {
  field: string;
  keys: readonly string[];
  dim: number;
  vectors: readonly number[];
}

/** The readers of exported files, by the name of the format. */
export const exportReaders: Record<string, Reader> = {
  fnn: (path, { field }) => {
    const { tensors } = safetensors(readFileSync(join(path, "fnn.safetensors")));
    const vocabulary = parseJson<Record<string, Record<string, number>>>(text(join(path, "vocab.json")));
    const { values, shape } = tensors[field]!;
    const width = shape[1]!;
    return Object.entries(vocabulary[field]!)
      .sort(([, a], [, b]) => a - b)
      .map(([name, row]) => ({ name, vector: values.slice(row * width + 1, (row + 1) * width) }));
  },
  word2vec: (path) => words(lines(text(path)).slice(1)),
  "fasttext-vec": (path) => words(lines(text(path)).slice(1)),
  glove: (path) => words(lines(text(path))),
  "word2vec-bin": (path) => {
    const bytes = readFileSync(path);
    let at = bytes.indexOf("\n") + 1;
    const [numRows, dim] = bytes
      .toString("utf8", 0, at - 1)
      .split(" ")
      .map(Number) as [number, number];
    return Array.from({ length: numRows }, () => {
      const blank = bytes.indexOf(" ", at);
      const name = bytes.toString("utf8", at, blank);
      at = blank + 1 + 4 * dim + 1;
      return { name, vector: floats(bytes, blank + 1, dim) };
    });
  },
  npy: (path) =>
    withMatrix(
      join(path, "vectors.npy"),
      lines(text(join(path, "keys.txt"))).map((line) => parseJson<string>(line)),
    ),
  npz: (path) => {
    const files = unzipSync(readFileSync(path));
    const key = npy(Buffer.from(files["key.npy"]!));
    const value = npy(Buffer.from(files["value.npy"]!));
    const width = Number(/^<U(\d+)$/.exec(key.type)![1]);
    return Array.from({ length: key.shape[0]! }, (_, row) => {
      const from = key.data.byteOffset + 4 * row * width;
      const all = new Uint32Array(key.data.buffer.slice(from, from + 4 * width));
      const points = Array.from(all.subarray(0, all.findLastIndex((point) => point !== 0) + 1));
      // converts the characters one by one, because spreading fails for a key of 100,000 characters
      const name = points.map((point) => String.fromCodePoint(point)).join("");
      const dim = value.shape[1]!;
      return { name, vector: floats(value.data, 4 * row * dim, dim) };
    });
  },
  safetensors: (path) => {
    const { tensors, bytesOf } = safetensors(readFileSync(path));
    const [keys, ends] = [bytesOf("keys"), bytesOf("keyOffsets")];
    const [numRows, dim] = tensors["vectors"]!.shape as [number, number];
    return Array.from({ length: numRows }, (_, row) => ({
      name: keys.toString(
        "utf8",
        Number(ends.readBigInt64LE(8 * row)),
        Number(ends.readBigInt64LE(8 * row + 8)),
      ),
      vector: tensors["vectors"]!.values.slice(row * dim, (row + 1) * dim),
    }));
  },
  arrow: (path, { dim }) => {
    const table = tableFromIPC(readFileSync(path));
    // decodes keys with Buffer, because apache-arrow's decoder would remove a byte-order mark; and reads them from the
    // column's buffers, because apache-arrow's lists are arrays of another realm
    const names = table
      .getChild("key")!
      .data.flatMap(({ length, values, valueOffsets }) =>
        Array.from({ length }, (_, row) =>
          Buffer.from((values as Uint8Array).subarray(valueOffsets[row], valueOffsets[row + 1])).toString(
            "utf8",
          ),
        ),
      );
    const all = table
      .getChild("vector")!
      .data.flatMap(({ children }) => [...(children[0]!.values as Float32Array)]);
    return names.map((name, row) => ({ name, vector: all.slice(row * dim, (row + 1) * dim) }));
  },
  parquet: async (path) => {
    const bytes = readFileSync(path);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    // decodes keys with Buffer, because hyparquet's decoder would remove a byte-order mark
    const stringFromBytes = (of: Uint8Array) => Buffer.from(of).toString("utf8");
    const parsers = { stringFromBytes };
    const rows = (await parquetReadObjects({ file, compressors, parsers })) as {
      key: string;
      vector: number[];
    }[];
    return rows.map(({ key, vector }) => ({ name: key, vector: Array.from(vector) }));
  },
  csv: (path) => delimited(text(path), ","),
  tsv: (path) => delimited(text(path), "\t"),
  jsonl: (path) => documents(lines(text(path))),
  libsvm: (path, { dim }) =>
    lines(text(path)).map((line) => {
      const [row, comment] = [line.slice(0, line.indexOf(" # ")), line.slice(line.indexOf(" # ") + 3)];
      const vector = Array.from({ length: dim }, () => 0);
      for (const feature of row.split(" ").slice(1)) {
        const [index, value] = feature.split(":").map(Number);
        vector[index! - 1] = value!;
      }
      return { name: parseJson<string>(comment), vector };
    }),
  // RecBole reads the file with pandas, which interprets a quote at the start of a cell as Papa Parse does, and which
  // reads some words as a missing key
  recbole: (path) => {
    const { data } = Papa.parse<string[]>(text(path), { delimiter: "\t", newline: "\n" });
    return data
      .slice(1, -1)
      .map(([name, numbers]) => ({ name: name!, vector: numbers!.split(" ").map(Number) }));
  },
  "starspace-tsv": (path) => words(lines(text(path)), /[\t ]/),
  projector: (path) => {
    const vectors = lines(text(join(path, "vectors.tsv"))).map((line) => line.split("\t").map(Number));
    const [head, ...rows] = lines(text(join(path, "metadata.tsv"))).map((line) => line.split("\t"));
    return rows.map((row, r) => ({ name: row[head!.indexOf("key")]!, vector: vectors[r]! }));
  },
  faiss: (path) => withMatrix(join(path, "vectors.npy"), identities(path)),
  // an index does not return vectors, so a row is regarded as present if a search for its vector finds it
  usearch: async (path, { dim, vectors }) => {
    const { default: usearch } = await import("usearch");
    const options = { metric: "cos", quantization: "f32", connectivity: 16 } as const;
    const more = { expansion_add: 128, expansion_search: 64, multi: false, dimensions: dim };
    const index = new usearch.Index({ ...options, ...more });
    index.load(join(path, "index.usearch"));
    return identities(path).map((name, row) => {
      const vector = vectors.slice(row * dim, (row + 1) * dim);
      const isZero = vector.every((x) => x === 0);
      const isThere = isZero
        ? index.contains(BigInt(row))
        : Number(index.search(Float32Array.from(vector), 1, 1).keys[0]) === row;
      return { name, vector: isThere ? vector : [] };
    });
  },
  onnx: async (path, { field, keys, dim }) => {
    const output = await runOnnx(path, { [field]: { type: "string", values: [...keys] } });
    const { values } = output[`${field}_vector`]!;
    return keys.map((name, row) => ({ name, vector: values.slice(row * dim, (row + 1) * dim) }));
  },
  sqlite: (path, { dim }) => {
    const database = new sqlite.Database(path, { readOnly: true });
    try {
      // reads keys as bytes, because node-sqlite3-wasm ends a text at its first NUL character
      return database
        .all("SELECT CAST(key AS BLOB) AS key, vector FROM embeddings")
        .map(({ key, vector }) => ({
          name: Buffer.from(key as Uint8Array).toString("utf8"),
          vector: floats(Buffer.from(vector as Uint8Array), 0, dim),
        }));
    } finally {
      database.close();
    }
  },
  redis: (path, { dim }) =>
    commands(readFileSync(path)).map((words) => ({
      name: words[1]!.toString("utf8"),
      vector: floats(words[1 + words.map(String).indexOf("vector")]!, 0, dim),
    })),
  pgvector: (path) =>
    lines(text(path)).map((line) => {
      const [, key, , vector] = line.split("\t").map(unescaped);
      return { name: key!, vector: parseJson<number[]>(vector!) };
    }),
  "qdrant-jsonl": (path) =>
    lines(text(path)).map((line) => {
      const { payload, vector } = parseJson<{ payload: { key: string }; vector: number[] }>(line);
      return { name: payload.key, vector };
    }),
  "elasticsearch-bulk": (path) => {
    const all = lines(text(path));
    const ids = all
      .filter((_, i) => i % 2 === 0)
      .map((line) => parseJson<{ index: { _id: string } }>(line).index["_id"]);
    const rows = documents(all.filter((_, i) => i % 2 === 1));
    return rows.map(({ vector }, row) => ({ name: ids[row]!, vector }));
  },
};

const text = (path: string): string => readFileSync(path, "utf8");

/** Splits a text at line feeds only, because keys may contain other line ends. */
const lines = (content: string): string[] => content.split("\n").slice(0, -1);

const words = (rows: readonly string[], separator: string | RegExp = " "): ReadRow[] =>
  rows.map((row) => {
    const [name, ...numbers] = row.replace(/ $/, "").split(separator);
    return { name: name!, vector: numbers.map(Number) };
  });

const documents = (rows: readonly string[]): ReadRow[] =>
  rows.map((row) => {
    const { key, vector } = parseJson<{ key: string; vector: number[] }>(row);
    return { name: key, vector };
  });

function delimited(content: string, delimiter: string): ReadRow[] {
  const { data, errors } = Papa.parse<string[]>(content, { delimiter, newline: "\n" });
  if (errors.length > 0) throw new Error(errors[0]!.message);
  const [head, ...rows] = data.slice(0, -1);
  const at = head!.indexOf("v0");
  return rows.map((row) => ({ name: row[head!.indexOf("key")]!, vector: row.slice(at).map(Number) }));
}

/** Returns the second column of ids.tsv; the first column counts rows. */
function identities(path: string): string[] {
  return lines(text(join(path, "ids.tsv"))).map((line, row) => {
    const [number, name, ...more] = line.split("\t");
    if (number !== String(row) || more.length > 0) throw new Error(`ids.tsv: ${line}`);
    return name!;
  });
}

function floats(bytes: Buffer, start: number, count: number): number[] {
  return Array.from({ length: count }, (_, d) => bytes.readFloatLE(start + 4 * d));
}

function npy(bytes: Buffer): { type: string; shape: number[]; data: Buffer } {
  const start = 10 + bytes.readUInt16LE(8);
  const head = bytes.toString("latin1", 10, start);
  const shape = /'shape': \(([^)]*)\)/
    .exec(head)![1]!
    .split(",")
    .filter((n) => n.trim() !== "");
  return {
    type: /'descr': '([^']+)'/.exec(head)![1]!,
    shape: shape.map(Number),
    data: bytes.subarray(start),
  };
}

function withMatrix(path: string, names: readonly string[]): ReadRow[] {
  const { shape, data } = npy(readFileSync(path));
  const [numRows, dim] = shape as [number, number];
  if (numRows !== names.length) throw new Error(`${numRows} vectors of ${names.length} keys`);
  return names.map((name, row) => ({ name, vector: floats(data, 4 * row * dim, dim) }));
}

/** Returns tensors of F32 as numbers, and the bytes of any tensor. */
function safetensors(bytes: Buffer): {
  tensors: Record<string, { shape: number[]; values: number[] }>;
  bytesOf: (name: string) => Buffer;
} {
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };
  const entries = parseJson<Record<string, Entry>>(bytes.toString("utf8", 8, start));
  const bytesOf = (name: string): Buffer => {
    const [from, to] = entries[name]!.data_offsets;
    return bytes.subarray(start + from, start + to);
  };
  const tensors = Object.entries(entries)
    .filter(([, { dtype }]) => dtype === "F32")
    .map(([name, { shape }]) => [
      name,
      { shape, values: floats(bytesOf(name), 0, bytesOf(name).length / 4) },
    ]);
  return { tensors: Object.fromEntries(tensors), bytesOf };
}

/** Parses commands of Redis's protocol: arrays of bulk strings. */
function commands(bytes: Buffer): Buffer[][] {
  let at = 0;
  const header = (mark: string): number => {
    const end = bytes.indexOf("\r\n", at);
    const line = bytes.toString("latin1", at, end);
    if (line[0] !== mark) throw new Error(`expected ${mark}, got ${line}`);
    at = end + 2;
    return Number(line.slice(1));
  };
  const all: Buffer[][] = [];
  while (at < bytes.length)
    all.push(
      Array.from({ length: header("*") }, () => {
        const length = header("$");
        at += length + 2;
        return bytes.subarray(at - length - 2, at - 2);
      }),
    );
  return all;
}

/** Unescapes a cell in the text format of PostgreSQL's COPY. */
function unescaped(cell: string): string {
  const meant: Record<string, string> = { t: "\t", n: "\n", r: "\r", "\\": "\\" };
  return cell.replaceAll(/\\(.)/g, (_, c: string) => meant[c]!);
}
