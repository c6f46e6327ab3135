// Runs a script of this program on the executors of a Spark server. The work is divided into numbered parts, each of
// which is a Spark task that prints rows, and Spark writes these rows as Parquet.
//
//   program, files of a job ──► artifacts, which every executor fetches
//   numbers of parts ──► a task each: TRANSFORM starts Node, which prints rows ──► Spark's writer ──► files
//                                                               and a report ──► an observation, which comes back here
//
// A task that fails, or whose executor is lost, is run again by Spark. Without Python: TRANSFORM is part of Spark's
// SQL. Source: Spark's SQL reference, TRANSFORM; its programs run in the directory of the session's files.

import { randomBytes } from "node:crypto";
import { IoError, NoInputError, OutputError, UsageError } from "../errors.js";
import { arrow } from "../io/apache-arrow.js";
import type { ArtifactFile } from "./artifacts.js";
import { batchesIn } from "./batches.js";
import { unescaped } from "./escaped-cells.js";
import { literal } from "./files.js";
import { ERROR_IF_EXISTS, OVERWRITE } from "./messages.js";
import { packedProgram } from "./program-files.js";
import { filesOf, filtered, limited, observed, projected, quotedColumn, queryOf } from "./plans.js";
import type { EngineSession } from "./session.js";

/** The oldest version of Spark whose servers return the observed metrics of a command. */
const FIRST_MAJOR = 4;
/** The name under which the server returns observed metrics. */
const REPORTS = "reports";

/** A column that the script prints, and its type in the output. */
export interface OutputColumn {
  name: string;
  type: "STRING" | "INT" | "FLOAT" | "DOUBLE";
}

/** Name of the directory that holds the job's files, relative to the working directory of the script. */
export const JOB_FOLDER = "job";

export interface ExecutorJob {
  /** file name of the script in dist/program */
  script: string;
  /** contents of the files, by path within the job's directory */
  files: ReadonlyMap<string, ArtifactFile["content"]>;
  numParts: number;
  columns: readonly OutputColumn[];
  output: FreeOutput;
}

/**
 * A location that contains no files yet, at which Spark writes the output: a path or URI on the server, and the mode of
 * writing.
 */
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
 * @returns the report of each part
 * @throws {OutputError} the output exists or cannot be written
 * @throws {IoError} a part failed as often as Spark allows, or rows or a report are missing
 */
export async function runOnExecutors(
  session: EngineSession,
  { script, files, numParts, columns, output }: ExecutorJob,
): Promise<string[]> {
  // the artifacts of all sessions of a local server are in one directory, so each job needs a name of its own
  const id = `embed-${randomBytes(8).toString("hex")}`;
  const paths = [...files.keys()];
  const artifacts: ArtifactFile[] = [
    { name: `${id}.program`, content: await packedProgram() },
    { name: `${id}.cjs`, content: Buffer.from(starter(id, script, paths)) },
    ...paths.map((path, i) => ({ name: `${id}.${i}`, content: files.get(path)! })),
  ];
  await session.addFiles(artifacts, "the run and the program");
  const printed = [
    ...columns.map(({ type }, c) => `c${c} ${type}`),
    "part INT",
    "report STRING",
    "numRows BIGINT",
  ];
  const command = `exec node "$(find . -name ${id}.cjs | head -n 1)"`;
  const delimited = "ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t'";
  const rows = queryOf(
    `SELECT TRANSFORM(id) ${delimited} USING '${command}' AS (${printed.join(", ")}) ${delimited} ` +
      `FROM range(0, ${numParts}, 1, ${numParts})`,
  );
  const metrics = Array.from(
    { length: numParts },
    (_, part) => `max(CASE WHEN part = ${part} THEN report END)`,
  );
  const watched = observed(rows, REPORTS, ["count_if(report IS NULL)", "sum(numRows)", ...metrics]);
  const input = projected(
    filtered(watched, "report IS NULL"),
    columns.map(
      ({ name, type }, c) => `${type === "STRING" ? unescaped(`c${c}`) : `c${c}`} AS ${quotedColumn(name)}`,
    ),
  );
  const writeOperation = { input, source: "parquet", ...output };
  const { observedMetrics = [] } = await session.execute({ writeOperation }, "work on the executors");
  const values = observedMetrics.find(({ name }) => name === REPORTS)?.values ?? [];
  const [written, printedRows, ...reports] = values.map(({ string, long }) => string ?? long);
  if (reports.length !== numParts || !reports.every((report) => typeof report === "string"))
    throw new IoError(
      `--engine: ${session.shown} returned no report of some parts: '${output.path}' is not complete`,
    );
  if (written !== printedRows)
    throw new IoError(
      `--engine: ${session.shown} received ${String(written)} rows of ${String(printedRows)}: '${output.path}' is not complete`,
    );
  return reports;
}

/**
 * The shell script that executors start: it unpacks the program, and copies the files to a directory that exists until
 * the script ends.
 */
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
