// The export formats by name. To add a format, declare it in a file of its own (format.ts) and add a line here.

import { UsageError, excerpt, nearestName } from "../base/errors.js";
import { arrow } from "./files/arrow.js";
import { csv, tsv } from "./files/delimited.js";
import { faiss, usearch } from "./files/vector-indexes.js";
import { fnn } from "./files/fnn.js";
import { elasticsearchBulk, jsonl, qdrantJsonl } from "./files/jsonl.js";
import { libsvm } from "./files/libsvm.js";
import { npy } from "./files/npy.js";
import { npz } from "./files/npz.js";
import { parquet } from "./files/parquet.js";
import { pgvector } from "./files/pgvector.js";
import { projector } from "./files/projector.js";
import { redis } from "./files/redis.js";
import { safetensors } from "./files/safetensors.js";
import { sqlite } from "./files/sqlite.js";
import { fasttextVec, glove, recbole, starspaceTsv, word2vec, word2vecBin } from "./files/word-vectors.js";
import type { ExportFormat } from "./format.js";
import { onnx } from "./onnx/onnx.js";

/** All formats, in the order in which the help lists them. */
export const exportFormats: ReadonlyMap<string, ExportFormat> = new Map<string, ExportFormat>(
  Object.entries({
    fnn,
    word2vec,
    "word2vec-bin": word2vecBin,
    "fasttext-vec": fasttextVec,
    glove,
    npy,
    npz,
    safetensors,
    arrow,
    parquet,
    csv,
    tsv,
    jsonl,
    libsvm,
    recbole,
    "starspace-tsv": starspaceTsv,
    projector,
    faiss,
    usearch,
    onnx,
    sqlite,
    redis,
    pgvector,
    "qdrant-jsonl": qdrantJsonl,
    "elasticsearch-bulk": elasticsearchBulk,
  }),
);

/** @throws {UsageError} there is no such format; the message suggests the most similar name */
export function formatNamed(name: string): ExportFormat {
  const format = exportFormats.get(name);
  if (format) return format;
  const nearest = nearestName(name, exportFormats.keys());
  const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  throw new UsageError(
    `unknown format ${excerpt(name)}, expected one of ${[...exportFormats.keys()].join(", ")}.${hint}`,
  );
}
