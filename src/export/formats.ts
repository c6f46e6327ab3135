// The formats by name. A new one is a file beside this and a line here.

import { UsageError, excerpt, nearestName } from "../errors.js";
import { csvChunks, tsvChunks } from "./delimited.js";
import { jsonlChunks } from "./jsonl.js";
import { npyFiles } from "./npy.js";
import type { Selection } from "./selection.js";
import { word2vecBinChunks, word2vecChunks } from "./word2vec.js";

interface FormatTraits {
  /** one line for the help */
  summary: string;
  /** true: rows carry one key, so several fields are written as `field:key` */
  oneKeyColumn: boolean;
}

export interface FileFormat extends FormatTraits {
  needsDirectory: false;
  chunks(selection: Selection): Iterable<Uint8Array>;
}

export interface DirectoryFormat extends FormatTraits {
  needsDirectory: true;
  /** a file that every such directory holds */
  marker: string;
  files(selection: Selection): Map<string, Iterable<Uint8Array>>;
}

export type ExportFormat = FileFormat | DirectoryFormat;

const file = (summary: string, oneKeyColumn: boolean, chunks: FileFormat["chunks"]): FileFormat => ({
  summary,
  oneKeyColumn,
  needsDirectory: false,
  chunks,
});

const directory = (
  summary: string,
  oneKeyColumn: boolean,
  marker: string,
  files: DirectoryFormat["files"],
): DirectoryFormat => ({ summary, oneKeyColumn, needsDirectory: true, marker, files });

/** Every format, in the order of the help. */
export const exportFormats: ReadonlyMap<string, ExportFormat> = new Map<string, ExportFormat>([
  ["word2vec", file("text: `rows dim`, then `key v0 v1 ...`", true, word2vecChunks)],
  ["word2vec-bin", file("binary word2vec", true, word2vecBinChunks)],
  ["csv", file("field,key,count,v0,...", false, csvChunks)],
  ["tsv", file("as csv, with tabs", false, tsvChunks)],
  ["jsonl", file("one JSON object a line", false, jsonlChunks)],
  ["npy", directory("directory of vectors.npy and keys.txt", true, "vectors.npy", npyFiles)],
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
