// Directories that `embed export` and `embed transform` write, as --force may replace them. They have no description, since other
// tools read them as they are: such a directory holds the format's first file and no file of another name than the format has, so
// that --force replaces what the export itself would write and nothing else.

import { ownFiles, type OwnDirectory } from "../io/replaceable.js";

/** Names of files by format, the one that every such directory holds first; some of the others are there with some options only. */
const NAMES: Record<string, readonly [string, ...string[]]> = {
  fnn: ["fnn.safetensors", "vocab.json"],
  // rows and what is removed: of --delta
  npy: ["vectors.npy", "keys.txt", "scales.npy", "weights.npy", "rows.npy", "removed.jsonl"],
  projector: ["vectors.tsv", "metadata.tsv", "projector_config.pbtxt"],
  faiss: ["ids.tsv", "vectors.npy", "scales.npy"],
  usearch: ["index.usearch", "ids.tsv"],
};

/** The directories of a format of several files. */
export function ownExport(format: string): OwnDirectory {
  const [marker, ...names] = NAMES[format]!;
  return ownFiles(`an export in format ${format}`, marker, [...names, "preprocess.json"]);
}

/** Those of new rows in format npy. */
export const ownEncodings: OwnDirectory = ownFiles("encoded rows in format npy", "keys.txt", [
  "leaves.npy",
  "features.npy",
  "vectors.npy",
  "biases.npy",
  "scores.npy",
]);
