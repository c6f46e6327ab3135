// Runs a script of this program on the executors of a Spark server. The work is divided into numbered parts, each of
// which is a Spark task that prints rows, and Spark writes these rows as Parquet.
//
//   program, files of a job ──► artifacts, which every executor fetches
//   numbers of parts, or rows ──► a task each: TRANSFORM starts Node, which prints lines ──► rows ──► Spark's writer
//                                                        and a report ──► an observation, which comes back here
//
// A line holds many rows, because Spark takes several microseconds to read a line, and less than one to split it.
//
// A task that fails, or whose executor is lost, is run again by Spark. Without Python: TRANSFORM is part of Spark's
// SQL. Source: Spark's SQL reference, TRANSFORM; its programs run in the directory of the session's files.

import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  DataError,
  IoError,
  NoInputError,
  OutputError,
  UsageError,
  type EmbedError,
} from "../../base/errors.js";
import { arrow } from "../../base/io/apache-arrow.js";
import { version } from "../../base/io/package-version.js";
import { filesBelow } from "../../base/io/tree.js";
import type { EngineSession, ArtifactFile } from "./session.js";
import { batchesIn } from "./batches.js";
import { unescaped } from "./escaped-cells.js";
import { literal } from "./files.js";
import { ERROR_IF_EXISTS, OVERWRITE } from "./messages.js";
import {
  filesOf,
  filtered,
  limited,
  observed,
  projected,
  quotedColumn,
  queryOf,
  type Relation,
} from "./plans.js";

/** The oldest version of Spark whose servers return the observed metrics of a command. */
const FIRST_MAJOR = 4;
const REPORTS = "reports";

/** Name of the directory that holds the job's files, relative to the working directory of the script. */
export const JOB_FOLDER = "job";

export interface ExecutorJob {
  /** file name of the script in dist/program */
  script: string;
  /** contents of the files, by path within the job's directory */
  files: ReadonlyMap<string, ArtifactFile["content"]>;
  /** what each program of the job reads from standard input: the lines of a column of a SQL relation, one by one */
  input: { line: string; from: string };
  /** number of cells in each line that the programs of the job print */
  numCells: number;
  /** successive SQL projections, from the cells c0, c1, ... of a printed line to rows of the output */
  rows: readonly (readonly string[])[];
  /** SQL aggregates of the column `report`, in which each program of the job returns its counts */
  metrics: readonly string[];
  output: FreeOutput;
}

/** Returns the input of a job whose programs read only a number each, from 0 to numParts - 1. */
export function partNumbers(numParts: number): ExecutorJob["input"] {
  return { line: "id", from: `range(0, ${numParts}, 1, ${numParts})` };
}

/** An empty location at which Spark writes: a path or URI on the server, and the mode of writing. */
export interface FreeOutput {
  path: string;
  mode: number;
}

/**
 * Checks that there is no output yet. A failed write leaves an empty folder, which the next write replaces.
 *
 * @throws {OutputError} there is output @throws {EmbedError} as Session.run
 */
export async function freeOutput(session: EngineSession, path: string): Promise<FreeOutput> {
  const [what, options] = [`'${path}'`, { recursiveFileLookup: "true" }];
  const listing = limited(projected(filesOf("binaryFile", [literal(path)], options), ["path"]), 1);
  try {
    for (const bytes of await session.fetch(listing, what))
      for (const { length } of batchesIn(bytes, ["text"], what))
        if (length > 0)
          throw new OutputError(
            `output '${path}' already exists: choose another --engine-output, or remove it`,
          );
    return { path, mode: OVERWRITE };
  } catch (error) {
    if (error instanceof NoInputError) return { path, mode: ERROR_IF_EXISTS };
    throw error;
  }
}

/** @throws {UsageError} the version of Spark on the server is too old */
export function checkCanRun({ shown, version }: Pick<EngineSession, "shown" | "version">): void {
  if (Number.parseInt(version, 10) >= FIRST_MAJOR) return;
  throw new UsageError(
    `--engine-output needs Spark ${FIRST_MAJOR}.0 or later, and ${shown} is Spark ${version || "of no version"}: omit it, ` +
      "and write the file on this machine with -o",
  );
}

/** Returns the number of tasks that the server runs at the same time. */
export async function parallelismOf(session: EngineSession): Promise<number> {
  const [what, query] = [
    "the number of cores",
    "SELECT max(n) + 1 FROM (SELECT spark_partition_id() AS n FROM range(0, 10000))",
  ];
  let found = 1;
  for (const bytes of await session.fetch(queryOf(query), what))
    for (const { children } of batchesIn(bytes, ["any"], what))
      found = Number(new arrow.Vector([children[0]!]).get(0));
  return found;
}

/**
 * Sends the program and the files of a job to the server, runs one task for each part of the work, and lets Spark write
 * the rows that the tasks print.
 *
 * @returns the values of the job's metrics
 * @throws {OutputError} the output exists or cannot be written
 * @throws {DataError} a task cannot use a row
 * @throws {IoError} a task failed as often as Spark allows, or lines are missing
 */
export async function runOnExecutors(
  session: EngineSession,
  { script, files, input, numCells, rows, metrics, output }: ExecutorJob,
): Promise<(string | number | undefined)[]> {
  // the artifacts of all sessions of a local server are in one directory, so each job needs a name of its own
  const id = `embed-${randomBytes(8).toString("hex")}`;
  const paths = [...files.keys()];
  const artifacts: ArtifactFile[] = [
    { name: `${id}.program`, content: await packedProgram() },
    { name: `${id}.cjs`, content: Buffer.from(starter(id, script, paths)) },
    ...paths.map((path, i) => ({ name: `${id}.${i}`, content: files.get(path)! })),
  ];
  await session.addFiles(artifacts, "the run and the program");
  const cells = Array.from({ length: numCells }, (_, c) => `c${c} STRING`);
  const command = `exec node "$(find . -name ${id}.cjs | head -n 1)"`;
  const delimited = "ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t'";
  const lines = queryOf(
    `SELECT TRANSFORM(${input.line}) ${delimited} USING '${command}' AS (${cells.join(", ")}, report STRING, ` +
      `numLines BIGINT) ${delimited} FROM ${input.from}`,
  );
  const watched = observed(lines, REPORTS, ["count_if(report IS NULL)", "sum(numLines)", ...metrics]);
  const writeOperation = {
    input: rows.reduce<Relation>(projected, filtered(watched, "report IS NULL")),
    source: "parquet",
    ...output,
  };
  const { observedMetrics = [] } = await session
    .execute({ writeOperation }, "work on the executors")
    .catch((error: unknown) => {
      throw partError(error) ?? error;
    });
  const values = observedMetrics.find(({ name }) => name === REPORTS)?.values ?? [];
  const [received, printed, ...reported] = values.map(({ string, long }) => string ?? long);
  if (received !== (printed ?? 0))
    throw new IoError(
      `--engine: ${session.shown} received ${String(received)} lines of ${String(printed)}: '${output.path}' is not complete`,
    );
  return reported;
}

/** Returns the error about a row or an option that a program reported; undefined for any other failure. */
function partError(error: unknown): EmbedError | undefined {
  const [, code, text = ""] = /embed (6[45]): (.*)/.exec(error instanceof Error ? error.message : "") ?? [];
  if (code === undefined) return undefined;
  const message = `on the executors: ${text}`;
  return code === "65" ? new DataError(message) : new UsageError(message);
}

/**
 * Returns the SQL projections that convert lines with one list each to rows of the output.
 *
 * @param shared names of the columns whose cells all rows of a list share
 * @param own names of the columns of the rows: rank, key and f32
 */
export function listProjections(
  shared: readonly string[],
  [rank, key, score]: readonly [string, string, string],
): string[][] {
  const cells = shared.map((_, c) => `c${c}`);
  const text = (column: string, name: string) => `${unescaped(column)} AS ${quotedColumn(name)}`;
  return [
    [
      ...cells.map((c) => `${unescaped(c)} AS ${c}`),
      `posexplode(split(c${shared.length}, char(2))) AS (place, row)`,
    ],
    [
      ...[...cells, "place", "substring_index(row, char(1), 1) AS key"],
      "CAST(substring_index(row, char(1), -1) AS BIGINT) AS bits",
    ],
    [
      ...cells.map((c, i) => `${c} AS ${quotedColumn(shared[i]!)}`),
      `CAST(place + 1 AS INT) AS ${quotedColumn(rank)}`,
      ...[text("key", key), `${floatOf("bits")} AS ${quotedColumn(score)}`],
    ],
  ];
}

/** Returns a SQL expression of the f32 whose bits are an integer column: sign, 8 bits of exponent, 23 of fraction. */
function floatOf(bits: string): string {
  const exponent = `(shiftright(${bits}, 23) & 255)`;
  const fraction = `((${bits} & 8388607) + IF(${exponent} = 0, 0, 8388608))`;
  return `CAST(IF(${bits} >= 2147483648, -1D, 1D) * ${fraction} * power(2D, greatest(${exponent}, 1) - 150) AS FLOAT)`;
}

/** The executors' shell script: it unpacks the program, and copies the files to a directory until it ends. */
function starter(id: string, script: string, paths: readonly string[]): string {
  return `
const fs = require("node:fs"), path = require("node:path"), { pathToFileURL } = require("node:url");
const fail = (text) => { process.stderr.write("embed: " + text + "\\n"); process.exit(1); };
if (Number(process.versions.node.split(".")[0]) < 20) fail("Node 20 or later is needed on the executors, found " + process.version);
const own = (ending) => path.join(__dirname, ${JSON.stringify(id)} + "." + ending);
const folder = fs.mkdtempSync(path.join(process.cwd(), "embed-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
const place = (name) => { const to = path.join(folder, name); fs.mkdirSync(path.dirname(to), { recursive: true }); return to; };
const packed = require("node:zlib").gunzipSync(fs.readFileSync(own("program")));
let at = 4 + packed.readUInt32LE(0);
for (const [name, size] of JSON.parse(packed.toString("utf8", 4, at))) fs.writeFileSync(place("program/" + name), packed.subarray(at, at += size));
${JSON.stringify(paths)}.forEach((name, i) => fs.linkSync(own(i), place(${JSON.stringify(`${JOB_FOLDER}/`)} + name)));
process.argv = [process.argv[0], path.join(folder, "program/dist/program", ${JSON.stringify(script)}), path.join(folder, ${JSON.stringify(JOB_FOLDER)})];
import(pathToFileURL(process.argv[1]).href).catch((error) => fail(error.stack));
`;
}

const built = new URL("../../", import.meta.url);
/** Module that base/io/apache-arrow.ts loads; it consists of one file and has no dependencies. */
const ARROW = "apache-arrow/Arrow.esnext.min";
/** Package that the modules of a script import; it has no dependencies of its own. */
const PARSER = "papaparse";
const { resolve } = createRequire(import.meta.url);

/**
 * Packs the program into one file for executors: the built modules, the kernels, and the packages that scripts load.
 *
 *   u32 length of the list ── list: [path, size] as JSON ── the files' bytes, one after another; compressed by gzip
 */
async function packedProgram(): Promise<Uint8Array> {
  const files: (readonly [path: string, bytes: Uint8Array])[] = [];
  for (const [folder, ending] of [
    ["program/", /js$/],
    ["kernels/", /\.wasm$/],
  ] as const)
    for (const name of (await readdir(new URL(folder, built))).filter((one) => ending.test(one)))
      files.push([`dist/${folder}${name}`, await readFile(new URL(folder + name, built))]);
  const exports = { [`.${ARROW.slice(ARROW.indexOf("/"))}`]: "./arrow.cjs" };
  const text = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));
  files.push(
    ["package.json", text({ name: "embed-tables", version, type: "module" })],
    ["node_modules/apache-arrow/package.json", text({ name: "apache-arrow", exports })],
    ["node_modules/apache-arrow/arrow.cjs", await readFile(resolve(ARROW))],
  );
  const [entry, folder] = [resolve(PARSER), join("node_modules", PARSER)];
  const own = entry.slice(0, entry.lastIndexOf(folder) + folder.length);
  for (const file of (await filesBelow(own)).filter((one) => /(?<!\.min)\.(?:c?js|json)$/.test(one)))
    files.push([`node_modules/${PARSER}/${file}`, await readFile(join(own, file))]);
  const list = text(files.map(([path, { length }]) => [path, length]));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(list.length);
  return gzipSync(Buffer.concat([length, list, ...files.map(([, bytes]) => bytes)]), { level: 6 });
}
