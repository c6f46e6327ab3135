// The formats by name. A new one is a file beside this and a line here.

import { UsageError, excerpt, nearestName } from "../errors.js";
import type { OwnDirectory } from "../io/replaceable.js";
import type { Chunks } from "../io/write.js";
import { arrowFile } from "./files/arrow.js";
import { csvChunks, tsvChunks } from "./files/delimited.js";
import { faissFiles } from "./files/faiss.js";
import { fnnFiles } from "./files/fnn.js";
import { elasticsearchChunks, jsonlChunks, qdrantChunks } from "./files/jsonl.js";
import {
  cells,
  elasticsearchId,
  exact,
  numpyText,
  onnxText,
  postgresText,
  recboleCells,
  starspaceCells,
  words,
  type KeyRule,
} from "./key-rules.js";
import { libsvmChunks } from "./files/libsvm.js";
import { npyFiles } from "./files/npy.js";
import { npzChunks } from "./files/npz.js";
import { onnxChunks } from "./onnx/onnx.js";
import { ownExport } from "./own-export.js";
import { parquetTable } from "./files/parquet.js";
import { pgvectorChunks, sendToPostgres } from "./files/pgvector.js";
import { redisChunks, sendToRedis } from "./files/redis.js";
import type { ReserveScheme } from "./reserve.js";
import { safetensorsTable } from "./files/safetensors.js";
import type { Selection } from "./selection.js";
import type { Send } from "./servers/server.js";
import { saveSqlite } from "./files/sqlite.js";
import { projectorFiles, recboleChunks, starspaceChunks } from "./files/tab-separated.js";
import { saveUsearch } from "./files/usearch.js";
import { fasttextVecChunks, gloveChunks, word2vecBinChunks, word2vecChunks } from "./files/word2vec.js";

interface FormatTraits {
  /** one line for the help */
  summary: string;
  /** true: rows carry one key, so several fields are written as `field:key` */
  oneKeyColumn: boolean;
  /** what becomes of keys that it cannot hold */
  keys: KeyRule;
  /** rows stand by their number, with or without a key, so that --reserve has a place for its own */
  keepsRows?: true;
  /** it names rows by their key, and has names for those of this scheme */
  namesReserved?: ReserveScheme;
  /** it is of the model, not of the table alone: fields stand as trained, and items are not composed */
  isOfModel?: true;
  /** vectors may be of fewer bits: --dtype */
  takesDtype?: true;
  /** it finds a row for keys that are not there, so that there must be one */
  findsUnknown?: true;
  /** writes the rows straight into a server, too */
  send?: Send;
  /** its keys share one space with all that the server holds, so that they need a prefix: --into */
  needsPrefix?: true;
}

export interface FileFormat extends FormatTraits {
  needsDirectory: false;
  chunks(selection: Selection): Chunks;
}

export interface DirectoryFormat extends FormatTraits {
  needsDirectory: true;
  /** which directories it replaces */
  own: OwnDirectory;
  files(selection: Selection): Map<string, Chunks>;
}

/** A format whose own package writes it, to a path and not to a stream. */
export interface SavedFormat extends FormatTraits {
  /** false: `path` is an empty file; true: a directory */
  needsDirectory: boolean;
  /** which directories it replaces, where it writes one */
  own?: OwnDirectory;
  save: (selection: Selection, path: string, signal?: AbortSignal) => Promise<void>;
}

export type ExportFormat = FileFormat | DirectoryFormat | SavedFormat;

type Traits = Partial<Omit<FormatTraits, "summary" | "oneKeyColumn">>;

const file = (
  summary: string,
  oneKeyColumn: boolean,
  chunks: FileFormat["chunks"],
  traits: Traits = {},
): FileFormat => ({ summary, oneKeyColumn, needsDirectory: false, keys: exact, chunks, ...traits });

const directory = (
  summary: string,
  oneKeyColumn: boolean,
  own: OwnDirectory,
  files: DirectoryFormat["files"],
  traits: Traits = {},
): DirectoryFormat => ({
  summary,
  oneKeyColumn,
  needsDirectory: true,
  keys: exact,
  own,
  files,
  ...traits,
});

const byWords: Traits = { keys: words };
const byRow: Traits = { keepsRows: true };
const byRowOfBits: Traits = { ...byRow, takesDtype: true };

/** Every format, in the order of the help. */
export const exportFormats: ReadonlyMap<string, ExportFormat> = new Map<string, ExportFormat>([
  [
    "fnn",
    directory(
      "directory of fnn.safetensors ([w, v] by field, w0) and vocab.json, to initialize a network",
      false,
      ownExport("fnn"),
      fnnFiles,
      { keepsRows: true, isOfModel: true },
    ),
  ],
  ["word2vec", file("text: `rows dim`, then `key v0 v1 ...` (gensim)", true, word2vecChunks, byWords)],
  ["word2vec-bin", file("binary word2vec (gensim)", true, word2vecBinChunks, byWords)],
  ["fasttext-vec", file("fastText's .vec", true, fasttextVecChunks, byWords)],
  ["glove", file("word2vec's text without the first line", true, gloveChunks, byWords)],
  ["npy", directory("directory of vectors.npy and keys.txt", true, ownExport("npy"), npyFiles, byRowOfBits)],
  [
    "npz",
    file("arrays key and value (numpy, FuxiCTR)", true, npzChunks, {
      keys: numpyText,
      takesDtype: true,
      namesReserved: "fuxictr",
    }),
  ],
  ["safetensors", file("tensors vectors, counts, keys and keyOffsets", true, safetensorsTable, byRowOfBits)],
  ["arrow", file("Arrow IPC file: field, key, count, vector", false, arrowFile, byRowOfBits)],
  [
    "parquet",
    file(
      "field, key, count, vector as a list; --wide: one column per dimension",
      false,
      parquetTable,
      byRowOfBits,
    ),
  ],
  ["csv", file("field,key,count,v0,...", false, csvChunks)],
  ["tsv", file("like csv, with tabs", false, tsvChunks)],
  ["jsonl", file("one JSON object per line", false, jsonlChunks)],
  ["libsvm", file("0 1:v0 2:v1 ... # key", true, libsvmChunks)],
  [
    "recbole",
    file("atomic file of RecBole: token and float_seq", true, recboleChunks, { keys: recboleCells }),
  ],
  [
    "starspace-tsv",
    file("key and numbers separated by tabs", true, starspaceChunks, { keys: starspaceCells }),
  ],
  [
    "projector",
    directory(
      "directory of vectors.tsv and metadata.tsv (TensorBoard)",
      false,
      ownExport("projector"),
      projectorFiles,
      { keys: cells },
    ),
  ],
  [
    "faiss",
    directory("directory of vectors.npy and ids.tsv", true, ownExport("faiss"), faissFiles, {
      ...byRowOfBits,
      keys: cells,
    }),
  ],
  [
    "usearch",
    {
      summary: "directory of index.usearch (nearest neighbours) and ids.tsv; needs the package usearch",
      oneKeyColumn: true,
      keys: cells,
      needsDirectory: true,
      own: ownExport("usearch"),
      save: saveUsearch,
    },
  ],
  [
    "onnx",
    file(
      "ONNX model that maps keys (or rows) of each field to vectors; for runs of networks the whole " +
        "network, which outputs scores",
      false,
      onnxChunks,
      {
        keys: onnxText,
        keepsRows: true,
        findsUnknown: true,
      },
    ),
  ],
  [
    "sqlite",
    {
      summary:
        "SQLite database with one table and an index on field and key; needs the package " +
        "node-sqlite3-wasm",
      oneKeyColumn: false,
      keys: exact,
      needsDirectory: false,
      save: saveSqlite,
    },
  ],
  [
    "redis",
    file(
      "HSET commands for `redis-cli --pipe`, with keys PREFIX:KEY (--into PREFIX); --url-env writes to a server",
      true,
      redisChunks,
      { send: sendToRedis, needsPrefix: true },
    ),
  ],
  [
    "pgvector",
    file("PostgreSQL COPY text; --url-env writes to a server", false, pgvectorChunks, {
      keys: postgresText,
      send: sendToPostgres,
    }),
  ],
  ["qdrant-jsonl", file("one point per line", false, qdrantChunks)],
  [
    "elasticsearch-bulk",
    file("body of a _bulk request", true, elasticsearchChunks, { keys: elasticsearchId }),
  ],
]);

/** The format of that name. @throws {UsageError} there is none; names the nearest */
export function formatNamed(name: string): ExportFormat {
  const format = exportFormats.get(name);
  if (format) return format;
  const nearest = nearestName(name, exportFormats.keys());
  const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  throw new UsageError(
    `unknown format ${excerpt(name)}, expected one of ${[...exportFormats.keys()].join(", ")}.${hint}`,
  );
}
