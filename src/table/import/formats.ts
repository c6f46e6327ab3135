// The readers of foreign tables, by format. To add a format, add its file to this folder and an entry to this table.

import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { readFaiss, readNpy, readNpz, readTensors } from "./arrays.js";
import type { TableCollector } from "./collector.js";
import { readDelimited } from "./delimited.js";
import { readGlove, readWordBinary, readWordText } from "./word-vectors.js";

export const importFormats = [
  "word2vec",
  "word2vec-bin",
  "fasttext-vec",
  "glove",
  "npy",
  "npz",
  "safetensors",
  "faiss",
  "csv",
  "tsv",
] as const;
export type ImportFormat = (typeof importFormats)[number];

interface Columns {
  keyColumn: string;
  field: string | undefined;
}
type Read = (path: string, rows: TableCollector, columns: Columns) => Promise<InputFingerprint[]>;

/** They add every row to the collector, and return the fingerprints of the files that they read. */
export const readers: Record<ImportFormat, Read> = {
  word2vec: readWordText,
  "word2vec-bin": readWordBinary,
  "fasttext-vec": readWordText,
  glove: readGlove,
  npy: readNpy,
  npz: readNpz,
  safetensors: readTensors,
  faiss: readFaiss,
  csv: (path, rows, columns) => readDelimited(path, rows, { ...columns, delimiter: "," }),
  tsv: (path, rows, columns) => readDelimited(path, rows, { ...columns, delimiter: "\t" }),
};
