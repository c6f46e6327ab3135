// A run directory: tables, model and metrics of one training, whole or absent, checked when read.
//
//   manifest.json            written last; the size and sha256 of every other file
//   embeddings.arrow         the default table; embeddings.NAME.arrow are further ones
//   model/...                what scoring new rows needs
//   metrics.jsonl            one line an epoch
//   trials.jsonl             of --search: one line a setting

import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { ArtifactError, NoInputError, UsageError, excerpt, type EmbedError } from "../errors.js";
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
  record,
  text,
} from "../io/json-shape.js";
import { restoreInterrupted, writeDirectory, type AtomicOptions } from "../io/atomic.js";
import { checkListed, checkRegularFiles } from "../io/listed-files.js";
import { checkArtifact, openArtifact, pathExists, readArtifact, withArtifact } from "../io/read-artifact.js";
import { realPathOf, entriesOf, statOf } from "../io/tree.js";
import { writeChunks, type Chunks } from "../io/write.js";
import { arrowChunks } from "./arrow.js";
import { arrowRows, readArrow } from "./arrow-rows.js";
import { manifestShape } from "./manifest-shape.js";
import { RUN_MARKER, SCHEMA_VERSION, type Manifest } from "./manifest.js";
import { ownRun } from "./own-run.js";
import { PUBLICATION_FILE, readPublication, remakeOf } from "./publication.js";
import { wholeFields, type TableRows } from "./rows.js";
import type { EmbeddingTable } from "./table.js";

/** The table that commands take when none is named. */
export const DEFAULT_TABLE = "default";

const METRICS_FILE = "metrics.jsonl";
const TRIALS_FILE = "trials.jsonl";

export interface RunContents {
  /** by name; DEFAULT_TABLE is embeddings.arrow */
  tables: Record<string, EmbeddingTable | TableRows>;
  manifest: Omit<Manifest, "files" | "schemaVersion" | "from">;
  /** the folder where the paths of `manifest.inputs` and `asked` were given; the current one when absent */
  givenIn?: string | undefined;
  /** by path within model/, with slashes; a list of chunks is one file */
  modelFiles: Record<string, Uint8Array | string | readonly Uint8Array[]>;
  /** one object an epoch */
  metricsLines: readonly object[];
  /** of --search: one object a setting */
  trialLines?: readonly object[] | undefined;
}

/** A run opened for reading. Files are checked against the manifest when they are read, each time. */
export interface Run {
  /** as it was named */
  path: string;
  /** where it lies: links were followed when it was opened, so that a `latest` which moves meanwhile mixes nothing */
  root: string;
  manifest: Manifest;
  /** the folder where relative paths of the training's log were given; undefined where none were, or an earlier version trained it */
  givenIn: string | undefined;
  /** names of the tables it holds */
  tables: string[];
  /** The default table, or the only one, when none is named. @throws {UsageError} no table of that name @throws {ArtifactError} damaged */
  readTable(name?: string): Promise<EmbeddingTable>;
  /** Calls `use` with the rows of the same table, which it reads as it goes; they end with it. @throws as readTable */
  withRows<T>(name: string | undefined, use: (rows: TableRows) => Promise<T>): Promise<T>;
  /** A file of model/ by its path within. @throws {ArtifactError} damaged, or not in the run */
  readModelFile(path: string): Promise<Uint8Array>;
  /** The lines of metrics.jsonl; none where the run has no such file. @throws {ArtifactError} damaged */
  readMetricsLines(): Promise<MetricsLine[]>;
  /** The lines of trials.jsonl; none where the run has no such file. @throws {ArtifactError} damaged */
  readTrialLines(): Promise<TrialLine[]>;
}

/** A setting that --search tried. */
export interface TrialLine {
  /** from 1, in the order of trying; 1 is the default setting */
  trial: number;
  /** the options that were searched */
  options: Readonly<Record<string, number | string>>;
  epochs: number;
  bestEpoch: number;
  /** on the validation split; null when the setting failed */
  value: number | null;
  /** of the epochs that were validated: the value, or the validation loss where epochs have no such value */
  curve: readonly number[];
  /** why it has no value */
  failed?: string;
  chosen?: true;
}

/** The shape of such a line. */
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

/** An epoch or a component. */
export type MetricsLine = Readonly<Record<string, unknown>>;

/**
 * Writes a run whole or not at all.
 *
 * @throws {OutputError} the target exists (with force: and is no run), or cannot be created
 * @throws {IoError} disk full, permission and the like on the way
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
 * How a directory states the folder where paths were given: relative to itself, so that a project may be moved as a whole and its
 * runs tell nothing of the machine; nothing where no path is relative.
 *
 * @param dir that is to be; its parent exists
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
 * Opens a run, after restoring one whose replacement was killed half-way. Every file that it lists is a regular one in its own
 * directory, whoever made it.
 *
 * @throws {NoInputError} it does not exist
 * @throws {UsageError} it is something else than a run
 * @throws {ArtifactError} it is damaged, of another schema version, or lists what is no file of its directory
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
  // of a version of a store the manifest is under a checksum, too
  const publication = await readPublication(root);
  const remake = publication && remakeOf(root);
  const ofManifest = publication?.files[RUN_MARKER];
  if (ofManifest) await checkArtifact(join(root, RUN_MARKER), ofManifest, remake);
  await checkRegularFiles(root, [RUN_MARKER]);
  const manifest = parseManifest(await readArtifact(join(root, RUN_MARKER)), join(path, RUN_MARKER));
  await checkRegularFiles(root, Object.keys(manifest.files));

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
  // of a version, whose manifest is that of the run that was published, relative to where the version is
  const from = publication ? publication.from : manifest.from;
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
    async withRows(name, use) {
      const file = await checkedTable(name);
      const handle = await openArtifact(file);
      try {
        return await use(await arrowRows(handle, file));
      } finally {
        await handle.close();
      }
    },
    async readModelFile(name) {
      return await readArtifact(await checked(`model/${name}`));
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

function parseManifest(bytes: Uint8Array, file: string): Manifest {
  const head = parseJson(bytes, record(anything), file) as Record<string, unknown>;
  if (!("schemaVersion" in head) && !("model" in head && "files" in head))
    throw new UsageError(
      `'${file}' was written by another program: name a directory written by a train command or embed import ` +
        "with -o",
    );
  const schemaVersion = head["schemaVersion"];
  if (schemaVersion !== SCHEMA_VERSION) {
    throw new ArtifactError(
      `'${file}' has schema version ${String(schemaVersion)}, expected ${SCHEMA_VERSION}: use the version of ` +
        "embed that wrote it, or train again",
    );
  }
  const manifest = parseJson(bytes, manifestShape, file) as Manifest;
  checkListed(Object.keys(manifest.files), file, [RUN_MARKER, PUBLICATION_FILE]);
  return manifest;
}

function jsonLinesOf(lines: readonly object[]): Buffer {
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

/** An object a line. @throws {ArtifactError} a line that is none */
export function jsonLines(bytes: Uint8Array, file: string): MetricsLine[] {
  return parseJsonLines(bytes, record(either(orNull(number), flag, text)), file) as MetricsLine[];
}

/** The file of a table by its name. */
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

/** Files that only the folder of a run has. */
const OF_A_RUN = /^(embeddings(\..+)?\.arrow|metrics\.jsonl|model)$/;

/**
 * The error for a path without a manifest: damage (82) where other files of a run are there, else a wrong request (64) that
 * names what it is and what to name in its place.
 *
 * @param path as it was named @param root the same with links followed; it exists
 */
export async function notARun(path: string, root: string): Promise<EmbedError> {
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
  const versions = await versionsBelow(path, root, names);
  if (versions.length > 0)
    return new UsageError(
      `'${path}' is part of a store, not a run: name a version, ${versions.join(" or ")}`,
    );
  return new UsageError(
    `'${path}' is not a run directory: it has no manifest.json; name a directory that a train command or embed import wrote with -o`,
  );
}

/** The latest versions of a store or of a name in one, quoted. */
async function versionsBelow(path: string, root: string, names: readonly string[]): Promise<string[]> {
  if (names.includes("latest")) return [`'${join(path, "latest")}'`];
  const found: string[] = [];
  for (const name of names) {
    if (await pathExists(join(root, name, "latest"))) found.push(`'${join(path, name, "latest")}'`);
  }
  return found;
}
