// `embed transform`: encodes the rows of a log with a run's model.
//
// The model decides the encoding: trees give leaves, a factorization machine the sum of a row's vectors, components
// their coordinates, a network its last hidden layer.

import { join } from "node:path";
import { openRun, type Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import type { EncodedRows, EncodedRowFormat } from "../../export/encoded-rows.js";
import { encodingChunks, npyFiles, ownEncodings } from "../../export/encodings.js";
import { checkNotAnInput } from "../../base/io/not-an-input.js";
import { checkOutput, writeDirectory, writeFileOr } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import { ChunkWriter } from "../../base/io/write.js";
import { capable, knownModelOf, ofForeign, refusal } from "../../trainers/index.js";
import { cellReadingOf, type CellReading, type ReadOptions } from "../../log/log.js";
import { unseenWarnings } from "../../training/reading/split-parts.js";
import { readingAs } from "../../training/reading/open-as-trained.js";
import type { Watch } from "../../training/session/watch.js";
import type { Summary } from "../../training/session/summary.js";
import { checkContent, vectorsOfContent, appendItems } from "./content.js";
import { foldedRows } from "../../training/capabilities/folded-keys.js";
import { checkNearest, meansOfNearest } from "./nearest.js";
import { checkStream, streamedRows } from "./stream.js";
import { definedOf } from "../../options/table.js";
import {
  flagsOf,
  transformOf,
  type GivenTransform,
  type Transformed,
  type TransformOptions,
} from "../../training/shared-options/transform-options.js";

/**
 * Encodes the rows of a log. Writes a file or directory, completely or not at all, or passes chunks to `write`.
 *
 * @param path a run directory; undefined for `given.model`
 * @param on files and patterns of the log
 * @throws {UsageError} the run's model cannot encode rows, or a format of several files has no path
 */
export async function transform(
  path: string | undefined,
  on: string[],
  given: GivenTransform,
  write: (chunk: Uint8Array) => Promise<void>,
  watch: Watch,
): Promise<Summary> {
  const start = performance.now();
  const options = transformOf(given, on);
  checkInputs(path, options);
  const { format, out, force, halfLife, nearest, distance, distanceKind, within, minNearest } = options;
  const { content, priorEvents, books } = options;
  const { signal } = watch;
  const asIds = async (made: Transformed): Promise<Transformed> => {
    if (books === undefined) return made;
    const { codedRows } = await import("../codes/semantic-ids.js");
    return await codedRows(made, books, { threads: options.reading.threads, signal });
  };
  const toStdout = out === undefined || out === "-";
  checkNearest(options);
  checkStream(options);
  checkContent(options);
  if (options.append === true && path !== undefined) {
    await checkNotAnInput("-o", out!, [path]);
    return await appendItems(path, options, watch);
  }
  if (format === "npy") {
    if (toStdout) throw new UsageError("format npy writes several files: name a directory with -o DIR");
    await checkOutput(out, force, "directory", ownEncodings);
  } else if (!toStdout) await checkOutput(out, force, "file");
  const {
    encoding,
    rows: made,
    unknown,
    warnings,
    metrics = {},
  } = path === undefined
    ? await (
        await ofForeign("transformForeign")
      )(options.model!, options, watch)
    : await asIds(await encodeRows(await openRun(path), options, watch));
  const unseen = unseenWarnings(unknown ?? {});
  for (const text of unseen) watch.observe({ stage: "warning", text });
  let numRows = 0;
  const rows = countingRows(made, (count) => (numRows += count));
  if (format === "npy") {
    const writeFiles = (dir: string) => writeNpy(dir, encoding, rows, signal);
    await writeDirectory(out!, force, writeFiles, { own: ownEncodings, signal });
  } else await writeFileOr(write, out, encodingChunks(format, encoding, rows), { force, signal });
  return {
    command: "transform",
    version,
    out: out ?? "-",
    seconds: (performance.now() - start) / 1000,
    rows: numRows,
    options: {
      ...(path === undefined ? { model: options.model } : { run: path }),
      on: options.foldIn ?? options.on,
      format,
      features: options.features,
      dense: options.dense,
      ...definedOf({ stream: options.stream, halfLife, nearest, distance, distanceKind, within, minNearest }),
      ...definedOf({ content, priorEvents, books }),
    },
    metrics,
    ...definedOf({ unknown }),
    warnings: [...unseen, ...warnings],
  };
}

function checkInputs(
  path: string | undefined,
  { on, model, foldIn, key, nearest, content }: TransformOptions,
): void {
  if (path === undefined && model === undefined)
    throw new UsageError("transform needs a run, or a model of LightGBM or XGBoost with --model FILE");
  if (content) return;
  if (on.length === 0 && !foldIn)
    throw new UsageError(
      nearest === undefined
        ? "transform needs a log, or a log of events with --fold-in LOG"
        : "transform --nearest needs a table of items: transform RUN items.csv",
    );
  if (on.length > 0 && foldIn)
    throw new UsageError("--fold-in replaces the log argument: give only one of them");
  if (foldIn && key !== undefined)
    throw new UsageError("--key cannot be combined with --fold-in, which writes the new keys");
}

type Encode = (run: Run, options: TransformOptions, watch: Watch) => Promise<Transformed>;

async function encodeRows(run: Run, asked: TransformOptions, watch: Watch): Promise<Transformed> {
  const options = { ...asked, reading: readingLike(run, asked) };
  if (options.nearest !== undefined) return await meansOfNearest(run, options, watch);
  if (options.content !== undefined) return await vectorsOfContent(run, options, watch);
  const encode = options.foldIn
    ? await foldingOf(run)
    : await capable(run, "transform", "cannot encode rows");
  const { transformFlags = [] } = await knownModelOf(run);
  const lacking = flagsOf(options).find((flag) => !transformFlags.includes(flag));
  if (lacking !== undefined)
    throw await refusal(run, `cannot encode rows by ${lacking}`, (model) =>
      Boolean(model.transformFlags?.includes(lacking)),
    );
  return await encode(run, options, watch);
}

function readingLike({ manifest }: Run, { reading, on, foldIn }: TransformOptions): ReadOptions {
  const own = manifest.options["reading"] as CellReading | undefined;
  return readingAs(own && cellReadingOf(own), reading, foldIn ?? on);
}

async function foldingOf(run: Run): Promise<Encode> {
  const foldIn = await capable(run, "foldIn", "cannot encode new users or items");
  return (_, options, watch) =>
    options.stream ? streamedRows(run, foldIn, options, watch) : foldedRows(run, foldIn, options, watch);
}

async function* countingRows(
  rows: AsyncIterable<EncodedRows>,
  count: (numRows: number) => void,
): AsyncGenerator<EncodedRows> {
  for await (const chunk of rows) {
    count(chunk.numRows);
    yield chunk;
  }
}

/** Writes all .npy files in one pass, because the rows can be read only once. */
async function writeNpy(
  dir: string,
  encoding: EncodedRowFormat,
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
