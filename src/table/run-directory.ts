// A run directory: tables, model and metrics of one training, which is written completely or not at all, and checked
// against its checksums when it is read.
//
//   manifest.json            size and SHA-256 of every other file; written last
//   embeddings.arrow         the default table; further tables are embeddings.NAME.arrow
//   model/...                files needed to score new rows
//   metrics.jsonl            one line per epoch
//   trials.jsonl             for --search: one line per setting

import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { ArtifactError, NoInputError, UsageError, excerpt, type EmbedError } from "../base/errors.js";
import {
  anything,
  count,
  either,
  flag,
  list,
  number,
  object,
  orNull,
  parseJson,
  parseJsonLines,
  parseVersioned,
  record,
  text,
} from "../base/io/json-shape.js";
import { writeDirectory, type AtomicOptions } from "../base/io/atomic.js";
import { restoreInterrupted } from "../base/io/leftovers.js";
import { checkListed, checkRegularFiles } from "../base/io/listed-files.js";
import {
  checkArtifact,
  openArtifact,
  pathExists,
  readArtifact,
  withArtifact,
} from "../base/io/read-artifact.js";
import { realPathOf, entriesOf, statOf } from "../base/io/tree.js";
import { writeChunks, type Chunks } from "../base/io/write.js";
import { arrowChunks, arrowRows, readArrow } from "./arrow.js";
import { manifestShape } from "./manifest-shape.js";
import { RUN_MARKER, SCHEMA_VERSION, type Manifest } from "./manifest.js";
import { ownRun } from "./own-run.js";
import { PUBLICATION_FILE, readPublication, remakeOf } from "./publication.js";
import { loadRows, wholeFields, type TableRows } from "./rows.js";
import type { EmbeddingTable } from "./table.js";

/** Name of the table that commands use by default. */
export const DEFAULT_TABLE = "default";

const METRICS_FILE = "metrics.jsonl";
const TRIALS_FILE = "trials.jsonl";

export interface RunContents {
  /** tables, keyed by their names; the file of DEFAULT_TABLE is embeddings.arrow */
  tables: Record<string, EmbeddingTable | TableRows>;
  manifest: Omit<Manifest, "files" | "schemaVersion" | "from">;
  /** the folder that relative paths of `manifest.inputs` and `.asked` refer to; the current one when absent */
  givenIn?: string | undefined;
  /** contents by path within model/, with slashes; the chunks of a list are written to one file */
  modelFiles: Record<string, Uint8Array | string | readonly Uint8Array[]>;
  metricsLines: readonly object[];
  /** objects for trials.jsonl, one for each setting that --search tried */
  trialLines?: readonly object[] | undefined;
}

/** A run opened for reading. Each time a file is read, it is checked against the manifest. */
export interface Run {
  /** path of the run as the user wrote it */
  path: string;
  /**
   * path of the directory after symbolic links were followed when the run was opened, so that a `latest` link that
   * changes meanwhile does not mix two versions
   */
  root: string;
  manifest: Manifest;
  /**
   * folder that relative paths of the training's log refer to; undefined if no path was relative, or if an earlier
   * version of embed trained the run
   */
  givenIn: string | undefined;
  /** names of the run's tables */
  tables: string[];
  /**
   * Reads a table by name; without a name, the default table, or else the only table.
   * @throws {UsageError} the run has no table of that name
   * @throws {ArtifactError} damaged
   */
  readTable(name?: string): Promise<EmbeddingTable>;
  /** Reads a table like `readTable`, but not its vectors: `vectors` is empty. */
  readKeys(name?: string): Promise<EmbeddingTable>;
  /** Calls `use` with the rows of a table, which are read on demand; they are only valid until `use` returns. */
  withRows<T>(name: string | undefined, use: (rows: TableRows) => Promise<T>): Promise<T>;
  /** Reads a file by its path within the folder model/. @throws {ArtifactError} damaged, or not in the run */
  readModelFile(path: string): Promise<Uint8Array>;
  /** Reads the lines of metrics.jsonl; none if the run has no such file. @throws {ArtifactError} damaged */
  readMetricsLines(): Promise<MetricsLine[]>;
  /** Reads the lines of trials.jsonl; none if the run has no such file. @throws {ArtifactError} damaged */
  readTrialLines(): Promise<TrialLine[]>;
}

export interface TrialLine {
  /** number of the setting in the order of trying, from 1; the first setting is the default one */
  trial: number;
  /** values of the options that --search varies */
  options: Readonly<Record<string, number | string>>;
  epochs: number;
  bestEpoch: number;
  /** value of the metric on the validation split; null if the training failed */
  value: number | null;
  /** value of the metric at each validated epoch; the validation loss if the metric is not measured after each epoch */
  curve: readonly number[];
  /** reason why `value` is null */
  failed?: string;
  chosen?: true;
}

export const trialShape = object(
  {
    trial: count,
    options: record(either(number, text)),
    epochs: count,
    bestEpoch: count,
    value: orNull(number),
    curve: list(number),
  },
  { failed: text, chosen: flag },
);

/** A line of metrics.jsonl, for an epoch or a component. */
export type MetricsLine = Readonly<Record<string, unknown>>;

/**
 * Writes a run completely or not at all.
 *
 * @throws {OutputError} the path exists (with `force`: and is not a run), or cannot be created
 * @throws {IoError} writing fails, for example because the disk is full
 */
export async function writeRun(
  target: string,
  force: boolean,
  { tables, manifest, givenIn = ".", modelFiles, metricsLines, trialLines }: RunContents,
  options: AtomicOptions = {},
): Promise<void> {
  const { signal } = options;
  const write = async (dir: string): Promise<void> => {
    const files: Manifest["files"] = {};
    const put = async (path: string, chunks: Chunks): Promise<void> => {
      files[path] = await writeChunks(join(dir, path), chunks, signal);
    };
    for (const [name, table] of Object.entries(tables))
      await put(tableFile(name), arrowChunks("batches" in table ? table : wholeFields(table)));
    for (const [name, content] of Object.entries(modelFiles)) {
      await put(`model/${name}`, chunksOf(content));
    }
    await put(METRICS_FILE, [jsonLinesOf(metricsLines)]);
    if (trialLines?.length) await put(TRIALS_FILE, [jsonLinesOf(trialLines)]);
    const { asked, inputs } = manifest;
    const named = [...(asked?.log ?? []), ...(asked?.inputs ?? inputs).map(({ path }) => path)];
    const from = await fromPlace(target, givenIn, named);
    const whole: Manifest = { schemaVersion: SCHEMA_VERSION, ...manifest, ...from, files };
    const json = `${JSON.stringify(whole, undefined, 2)}\n`;
    await writeChunks(join(dir, RUN_MARKER), [Buffer.from(json)], signal);
  };
  await writeDirectory(target, force, write, { own: ownRun, ...options });
}

/**
 * Returns the member `from` of a manifest or publication: the folder that relative paths refer to, relative to the
 * directory `dir`, whose parent exists. A project can then be moved as a whole. No member if no path is relative.
 */
export async function fromPlace(
  dir: string,
  givenIn: string,
  paths: readonly string[],
): Promise<{ from?: string }> {
  if (paths.every((path) => path === "-" || isAbsolute(path))) return {};
  const parent = dirname(resolve(dir));
  const place = join((await realPathOf(parent)) ?? parent, basename(resolve(dir)));
  return { from: relative(place, (await realPathOf(givenIn)) ?? resolve(givenIn)) || "." };
}

/**
 * Opens a run. If a replacement of the run was interrupted, the earlier run is restored first. Checks that every file
 * listed in the manifest is a regular file in the run's directory, because the run may come from an untrusted source.
 *
 * @throws {NoInputError} it does not exist
 * @throws {UsageError} it is not a run
 * @throws {ArtifactError} it is damaged, of another schema version, or lists a file that is not in its directory
 */
export async function openRun(path: string): Promise<Run> {
  const waiting = await restoreInterrupted(path);
  const root = await realPathOf(path);
  if (root === undefined) {
    const hint = waiting
      ? `; '${waiting}' is the previous run, which another process is replacing: wait for it, or rename it ` +
        "back if that process is gone"
      : "";
    throw new NoInputError(`run '${path}' does not exist${hint}`);
  }
  if (!(await pathExists(join(root, RUN_MARKER)))) throw await notARun(path, root);
  // for a version of a store, publication.json also has a checksum of the manifest
  const publication = await readPublication(root);
  const remake = publication && remakeOf(root);
  const ofManifest = publication?.files[RUN_MARKER];
  if (ofManifest) await checkArtifact(join(root, RUN_MARKER), ofManifest, remake);
  checkRegularFiles(root, [RUN_MARKER]);
  const manifest = parseManifest(await readArtifact(join(root, RUN_MARKER)), join(path, RUN_MARKER));
  checkRegularFiles(root, Object.keys(manifest.files));

  const checked = async (file: string): Promise<string> => {
    const expected = Object.hasOwn(manifest.files, file) ? manifest.files[file] : undefined;
    if (!expected) throw new ArtifactError(`run '${path}' has no file '${file}'`);
    await checkArtifact(join(root, file), expected, remake);
    return join(root, file);
  };
  const tables = Object.keys(manifest.files)
    .map(tableName)
    .filter((name) => name !== undefined);
  const checkedTable = async (given: string | undefined): Promise<string> => {
    const name = given ?? (tables.length === 1 ? tables[0]! : DEFAULT_TABLE);
    if (tables.includes(name)) return await checked(tableFile(name));
    throw new UsageError(
      `run '${path}' has no table ${excerpt(name)}; it has ${tables.map(excerpt).join(", ")}`,
    );
  };
  // publication.json has the folder relative to the version; the manifest has it relative to the run that was published
  const from = publication ? publication.from : manifest.from;
  const withRows: Run["withRows"] = async (name, use) => {
    const file = await checkedTable(name);
    const handle = await openArtifact(file);
    try {
      return await use(await arrowRows(handle, file));
    } finally {
      await handle.close();
    }
  };
  return {
    path,
    root,
    manifest,
    givenIn: typeof from === "string" ? resolve(root, from) : undefined,
    tables,
    async readTable(name) {
      const file = await checkedTable(name);
      return await withArtifact(file, (handle) => readArrow(handle, file));
    },
    readKeys: async (name) => await withRows(name, async (rows) => await loadRows(rows, { vectors: false })),
    withRows,
    async readModelFile(name) {
      return await readArtifact(await checked(`model/${name}`), Infinity);
    },
    async readMetricsLines() {
      if (!Object.hasOwn(manifest.files, METRICS_FILE)) return [];
      return jsonLines(await readArtifact(await checked(METRICS_FILE)), join(path, METRICS_FILE));
    },
    async readTrialLines() {
      if (!Object.hasOwn(manifest.files, TRIALS_FILE)) return [];
      const bytes = await readArtifact(await checked(TRIALS_FILE));
      return parseJsonLines(bytes, trialShape, join(path, TRIALS_FILE)) as TrialLine[];
    },
  };
}

/** Calls `use` with the rows of several tables of a run, in the order of their names. */
export async function withTables<T>(
  run: Run,
  [name, ...names]: readonly string[],
  use: (tables: readonly TableRows[]) => Promise<T>,
): Promise<T> {
  if (name === undefined) return await use([]);
  return await run.withRows(name, async (rows) =>
    withTables(run, names, async (others) => await use([rows, ...others])),
  );
}

function parseManifest(bytes: Uint8Array, file: string): Manifest {
  const head = parseJson(bytes, record(anything), file) as Record<string, unknown>;
  if (!("schemaVersion" in head) && !("model" in head && "files" in head))
    throw new UsageError(
      `'${file}' was written by another program: name a directory written by a train command or embed import ` +
        "with -o",
    );
  const manifest = parseVersioned(bytes, SCHEMA_VERSION, manifestShape, file) as Manifest;
  checkListed(Object.keys(manifest.files), file, [RUN_MARKER, PUBLICATION_FILE]);
  return manifest;
}

function jsonLinesOf(lines: readonly object[]): Buffer {
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

/** Parses text with one JSON object per line. @throws {ArtifactError} a line is not an object */
export function jsonLines(bytes: Uint8Array, file: string): MetricsLine[] {
  return parseJsonLines(bytes, record(either(orNull(number), flag, text)), file) as MetricsLine[];
}

export function tableFile(name: string): string {
  return name === DEFAULT_TABLE ? "embeddings.arrow" : `embeddings.${name}.arrow`;
}

function tableName(file: string): string | undefined {
  if (file === "embeddings.arrow") return DEFAULT_TABLE;
  return /^embeddings\.(.+)\.arrow$/.exec(file)?.[1];
}

function chunksOf(content: Uint8Array | string | readonly Uint8Array[]): readonly Uint8Array[] {
  if (typeof content === "string") return [Buffer.from(content)];
  return ArrayBuffer.isView(content) ? [content] : content;
}

const OF_A_RUN = /^(embeddings(\..+)?\.arrow|metrics\.jsonl|model)$/;

/** A damaged run (exit code 82) if `root`, which exists, has other files of a run, else a wrong path (64). */
async function notARun(path: string, root: string): Promise<EmbedError> {
  if (!(await statOf(root))?.isDirectory)
    return new UsageError(
      `'${path}' is a file, not a run: name the directory that a train command or embed import wrote with -o`,
    );
  const names = (await entriesOf(root)).map(({ name }) => name);
  if (names.includes(PUBLICATION_FILE) || names.some((name) => OF_A_RUN.test(name)))
    return new ArtifactError(
      `run '${path}' has ${names.join(", ")} but no manifest.json: it is damaged; restore it or train again`,
    );
  if (names.includes("dataset.json"))
    return new UsageError(
      `'${path}' is an encoded dataset, not a run: train on it (a train command reads it in place of a log) and name that run`,
    );
  if (names.includes("codebooks.npy"))
    return new UsageError(
      `'${path}' has the codebooks of semantic ids, which are no vectors: name the run whose ids they are, or pass them ` +
        "to embed export or embed transform with --books",
    );
  if (names.includes("vectors.npy"))
    return new UsageError(
      `'${path}' is an exported table, not a run: read it with embed import --format ` +
        `${names.includes("ids.tsv") ? "faiss" : "npy"} -o RUN, and name that run`,
    );
  const versions = await versionsBelow(path, root, names);
  if (versions.length > 0)
    return new UsageError(
      `'${path}' is part of a store, not a run: name a version, ${versions.join(" or ")}`,
    );
  return new UsageError(
    `'${path}' is not a run directory: it has no manifest.json; name a directory that a train command or embed import wrote with -o`,
  );
}

async function versionsBelow(path: string, root: string, names: readonly string[]): Promise<string[]> {
  if (names.includes("latest")) return [`'${join(path, "latest")}'`];
  const found: string[] = [];
  for (const name of names) {
    if (await pathExists(join(root, name, "latest"))) found.push(`'${join(path, name, "latest")}'`);
  }
  return found;
}
