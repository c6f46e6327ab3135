// `embed transform`: new rows → what a run's model makes of them.
//
// The run's model decides; so far trees encode rows by their leaves.

import { join } from "node:path";
import { openRun } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import { encodingChunks, npyFiles, type EncodedRows, type Encoding } from "../export/encodings.js";
import { checkOutput, writeDirectory, writeFileAtomic } from "../io/atomic.js";
import { version } from "../io/package-version.js";
import { ChunkWriter } from "../io/write.js";
import { GBDT_MODEL } from "../trainers/gbdt/artifact.js";
import type { Watch } from "./progress.js";
import type { Summary } from "./summary.js";
import { encodeWithTrees } from "./transform-gbdt.js";
import type { TransformOptions } from "./transform-options.js";

/** A file that every npy directory holds. */
const NPY_MARKER = "keys.txt";

/**
 * Encodes the rows of a log, to a file or a directory, whole or not at all, or in chunks to `write`.
 *
 * @throws {UsageError} the run's model encodes no rows, or a format of several files without a path
 */
export async function transform(
  path: string,
  options: TransformOptions,
  write: (chunk: Uint8Array) => Promise<void>,
  watch: Watch,
): Promise<Summary> {
  const start = performance.now();
  const { format, out, force } = options;
  const { signal } = watch;
  const toStdout = out === undefined || out === "-";
  if (format === "npy") {
    if (toStdout) throw new UsageError("format npy writes several files: give it a directory with -o DIR");
    await checkOutput(out, force, "directory", NPY_MARKER);
  } else if (!toStdout) await checkOutput(out, force, "file");
  const run = await openRun(path);
  const { model } = run.manifest;
  if (model !== GBDT_MODEL)
    throw new UsageError(
      `run '${path}' holds a model '${model}': transform encodes rows with trees (train-gbdt)`,
    );
  const { encoding, rows, warnings } = await encodeWithTrees(run, options, watch);
  if (format === "npy") {
    const writeFiles = (dir: string) => writeNpy(dir, encoding, rows, signal);
    await writeDirectory(out!, force, writeFiles, { marker: NPY_MARKER, signal });
  } else if (toStdout) {
    for await (const chunk of encodingChunks(format, encoding, rows)) {
      signal.throwIfAborted();
      await write(chunk);
    }
  } else await writeFileAtomic(out, encodingChunks(format, encoding, rows), force, { signal });
  return {
    command: "transform",
    version,
    out: out ?? "-",
    seconds: (performance.now() - start) / 1000,
    rows: encoding.numRows,
    options: { run: path, on: options.on, format, features: options.features },
    metrics: {},
    warnings,
  };
}

/** Several files at once, since rows come once. */
async function writeNpy(
  dir: string,
  encoding: Encoding,
  rows: AsyncIterable<EncodedRows>,
  signal: AbortSignal,
): Promise<void> {
  const files = npyFiles(encoding);
  const writers: ChunkWriter[] = [];
  try {
    for (const { name, head } of files) {
      const writer = await ChunkWriter.open(join(dir, name));
      writers.push(writer);
      await writer.write(head);
    }
    for await (const chunk of rows) {
      signal.throwIfAborted();
      for (const [i, { bytesOf }] of files.entries()) await writers[i]!.write(bytesOf(chunk));
    }
    for (const writer of writers) await writer.finish();
  } finally {
    for (const writer of writers) await writer.close();
  }
}
