import {
  exportDelta,
  exportDirectory,
  exportSaved,
  exportTable,
  exportToServer,
} from "../../export/export-table.js";
import type { ExportFormat } from "../../export/format.js";
import { exportFormats, formatNamed } from "../../export/formats.js";
import { exact } from "../../export/key-rules.js";
import type { ExportOptions } from "../../export/selection.js";
import type { UnknownVector } from "../../export/reserve.js";
import { serverUrl } from "../../export/servers/server.js";
import { decodedCodes, isCodeType, type CodeType, type SearchCodes } from "../../table/search-codes.js";
import { loadRows, rangeOf, rowsWithin, type TableRows } from "../../table/rows.js";
import { rowsOf } from "../../table/table.js";
import type { KMeansOptions } from "../../table/retrieval/k-means.js";
import { UsageError } from "../../base/errors.js";
import { writeFileOr } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import { definedOf, resolved } from "../../options/table.js";
import type { Chunks } from "../../base/io/write.js";
import {
  dtypeLoss,
  lossTexts,
  numberType,
  type DtypeLoss,
  type WrittenAs,
  heldOutLoss,
} from "./dtype-loss.js";
import type { CodesFacts } from "../codes/semantic-ids.js";
import { checkTogether } from "./check-options.js";
import { exportOptions, type ExportRunOptions, type GivenExport, type OnnxPart } from "./options.js";
import { exportFingerprint } from "./fingerprint.js";
import { modelFacts, preprocessOf, rowsToWrite, onlyField } from "./rows.js";
import { withOpenRows, type OpenRows } from "../tables.js";
import type { Run } from "../../table/run-directory.js";
import { knownModelOf, modelOf, refusal } from "../../trainers/index.js";
import type { WriteNetwork } from "../../training/capabilities/model.js";
import type { Observe } from "../../training/session/watch.js";

export const formatSummaries: [name: string, summary: string][] = [...exportFormats].map(
  ([name, { summary }]) => [name, summary],
);

/** Rules for keys that a format cannot represent exactly, and the names of the formats of each rule, for the help. */
export const keyRules: [formats: string[], summary: string][] = [
  ...new Set([...exportFormats.values()].map(({ keys }) => keys)),
]
  .filter((rule) => rule !== exact)
  .map((rule) => [
    [...exportFormats].filter(([, { keys }]) => keys === rule).map(([name]) => name),
    rule.summary,
  ]);

type Delta = Record<"added" | "changed" | "removed" | "same", number>;

export interface ExportSummary {
  command: "export";
  version: string;
  /** path of the output, `-` for standard output, or `$VARIABLE`, the variable with a server's address */
  out: string;
  seconds: number;
  rows: number;
  /** number of rows by kind of change since the earlier run; only for --delta */
  delta?: Delta;
  /** number of rows with a zero vector; absent if there are none */
  zeroVectors?: number;
  /** source of the vector for unknown keys, by field; only for --reserve */
  unknownKeys?: Record<string, UnknownVector>;
  /** measured cost of a smaller type for the vectors (--dtype) */
  dtypeLoss?: DtypeLoss;
  /** properties of the ids; only for --codes and --books */
  semanticIds?: CodesFacts;
  /** true if the server already had the same rows, so that none were written; only for servers */
  unchanged?: boolean;
  options: Record<string, unknown>;
}

/**
 * Exports a run's table to a file, directory or server, completely or not at all, or passes it to `write` in chunks.
 *
 * @param observe receives notes on composed items and on rows that may surprise a reader, and long steps
 * @param write receives the chunks if there is no path
 * @throws {UsageError} an unknown format or field, a format of several files without a path, or options that exclude
 *   each other
 */
export async function exportRun(
  path: string,
  given: GivenExport,
  write: (chunk: Uint8Array) => Promise<void>,
  signal: AbortSignal,
  observe: Observe = () => undefined,
): Promise<ExportSummary> {
  const start = performance.now();
  const options = resolved(exportOptions, given);
  const { format: name, out, force } = options;
  const format = formatNamed(name);
  const { urlEnv: variable } = options;
  const toStdout = variable === undefined && (out === undefined || out === "-");
  if (toStdout && format.needsDirectory) {
    throw new UsageError(`format ${name} writes several files: name a directory with -o DIR`);
  }
  if (toStdout && "save" in format) {
    throw new UsageError(`format ${name} cannot be written to a stream: name a file with -o FILE`);
  }
  checkTogether(format, given);
  // a format that looks up keys always has a row for unknown keys, at the position that Keras reserves
  const unknown = format.findsUnknown && options.onnxInput !== "row" ? "keras" : undefined;
  const asked = { ...options, ...definedOf({ reserve: options.reserve ?? unknown }) };
  const output: Output = {
    directory: out ?? "-",
    force,
    signal,
    ...(variable !== undefined && { server: { variable, url: serverUrl(name, variable) } }),
    write: (chunks) => writeFileOr(write, out, chunks, { force, signal }),
  };
  const { fields, ...written } = await withOpenRows(path, options.table, async (opened) => {
    const named = options.field && [...new Set(options.field.map(opened.fieldNamed))];
    const network = await wholeNetworkOf(opened.run, options);
    if (network) {
      const { chunks, rows, note } = await network(opened.run, options);
      if (note !== undefined) observe({ stage: "note", text: note });
      await output.write(chunks);
      return { fields: named, rows };
    }
    if (options.codes !== undefined || options.books !== undefined)
      return {
        fields: named,
        ...(await writeCodes(opened, format, { ...asked, field: named }, signal, observe)),
      };
    const write = options.delta === undefined ? writeRows : writeDelta;
    return {
      fields: named,
      ...(await write(opened, format, { ...asked, field: named }, output, observe)),
    };
  });
  return {
    command: "export",
    version,
    out: variable === undefined ? (out ?? "-") : `$${variable}`,
    seconds: (performance.now() - start) / 1000,
    ...written,
    options: { run: path, ...statedOptions({ ...asked, field: fields }) },
  };
}

interface Output {
  directory: string;
  force: boolean;
  signal: AbortSignal;
  server?: { variable: string; url: string };
  write: (chunks: Chunks) => Promise<void>;
}

/** Default name of the table that is created in PostgreSQL. */
const DEFAULT_INTO = "embeddings";

/** The options of an export, in which `field` contains names of columns instead of roles. */
type OfColumns = Omit<ExportRunOptions, "field"> & { field: string[] | undefined };

async function writeCodes(
  opened: OpenRows,
  format: ExportFormat,
  options: OfColumns,
  signal: AbortSignal,
  observe: Observe,
): Promise<Pick<ExportSummary, "rows" | "semanticIds">> {
  const tell = noteTo(observe);
  const field = onlyField(options.field);
  const { out = "-" } = options;
  if (field === undefined) throw new UsageError("--codes needs one field: name it once with --field");
  if (out === "-") throw new UsageError("--codes writes codebooks beside the ids: name a file with -o FILE");
  const { rows } = await rowsToWrite(opened, format, [field], options, tell);
  const { writeSemanticIds } = await import("../codes/semantic-ids.js");
  const how = { ...options, field, out, format: options.format as "csv" | "jsonl" | "parquet" };
  return await writeSemanticIds(rows, { ...how, signal, began: beganTo(observe) }, tell);
}

async function writeRows(
  opened: OpenRows,
  format: ExportFormat,
  options: OfColumns,
  { directory, force, signal, server, write }: Output,
  observe: Observe,
): Promise<Pick<ExportSummary, "rows" | "zeroVectors" | "unknownKeys" | "dtypeLoss" | "unchanged">> {
  const tell = noteTo(observe);
  const { dtype = "f32", field: fields, on, part, compose } = options;
  const { rows, unknownKeys } = await rowsToWrite(opened, format, fields, options, tell);
  const { written, codes } = isCodeType(dtype)
    ? await codesOfRows(rows, onlyField(fields)!, {
        ...options,
        kind: dtype,
        signal,
        began: beganTo(observe),
      })
    : { written: numberType(dtype) };
  const evaluated =
    on || part
      ? await heldOutLoss(
          opened.run,
          { fields, compose, ...written },
          { on, part },
          { observe: () => undefined, signal },
        )
      : undefined;
  const given = { ...(await givenOptions(opened, format, options)), ...definedOf({ unknownKeys, codes }) };
  if (server) {
    const stated = statedOptions(options);
    const fingerprint = await exportFingerprint(opened.run, { ...stated, table: options.table });
    const target = {
      format: options.format,
      ...server,
      into: options.into ?? DEFAULT_INTO,
      fingerprint,
      force,
      signal,
    };
    const sent = await exportToServer(rows, given, target);
    tellZeros(sent.numZero, tell);
    tell(sent.note);
    return { ...rowCounts(sent.rows, sent.numZero), unchanged: sent.isUnchanged };
  }
  const { rows: numRows, numZero } =
    "save" in format
      ? await exportSaved(rows, { ...given, format }, directory, force, { signal })
      : format.needsDirectory
        ? await exportDirectory(rows, given, directory, force, { signal })
        : await exportTable(rows, given, write);
  if (!format.isOfModel) tellZeros(numZero, tell);
  const counts = { ...rowCounts(numRows, numZero), ...definedOf({ unknownKeys }) };
  if (dtype === "f32") return counts;
  const loss = { ...(await dtypeLoss(rows, onlyField(fields), written)), ...evaluated };
  for (const text of lossTexts(loss)) tell(text);
  return { ...counts, dtypeLoss: loss };
}

async function codesOfRows(
  rows: TableRows,
  field: string,
  { kind, bytes = 8, ...how }: { kind: CodeType; bytes?: number } & Omit<KMeansOptions, "seed">,
): Promise<{ written: WrittenAs; codes: SearchCodes }> {
  const { fitSearchCodes, searchCodesOf } = await import("../codes/search-codes.js");
  const { checkDistinct } = await import("../codes/residual-codes.js");
  const { dim, vectors } = await loadRows(rowsWithin(rows, await rangeOf(rows, field)));
  checkDistinct(vectors, dim, field);
  const books = await fitSearchCodes(vectors, dim, { kind, bytes }, how);
  const codesOf = async (some: Float32Array) => await searchCodesOf(some, books, how);
  return {
    written: {
      dtype: kind,
      read: async (some) => decodedCodes(books, await codesOf(some)),
      isSearched: true,
    },
    codes: { ...books, codes: await codesOf(vectors) },
  };
}

function noteTo(observe: Observe): (text: string) => void {
  return (text) => observe({ stage: "note", text });
}

function beganTo(observe: Observe): (part: string) => void {
  return (part) => observe({ stage: "doing", text: `fitting codes: ${part}` });
}

function rowCounts(rows: number, numZero: number): Pick<ExportSummary, "rows" | "zeroVectors"> {
  return { rows, ...(numZero > 0 && { zeroVectors: numZero }) };
}

function tellZeros(numZero: number, tell: (note: string) => void): void {
  if (numZero > 0)
    tell(`${numZero} rows are zero vectors, whose cosine is undefined; they are written unchanged`);
}

async function writeDelta(
  opened: OpenRows,
  format: ExportFormat,
  options: OfColumns,
  { directory, force, signal, write }: Output,
  observe: Observe,
): Promise<{ rows: number; delta: Delta; unknownKeys?: Record<string, UnknownVector> }> {
  const tell = noteTo(observe);
  const { field: fields, delta: earlierPath } = options;
  const rowsOfRun = async (run: OpenRows, hear: (note: string) => void) => {
    const { rows, unknownKeys } = await rowsToWrite(run, format, fields, options, hear);
    return { table: await loadRows(rows), unknown: definedOf({ unknownKeys }) };
  };
  const { table, unknown } = await rowsOfRun(opened, tell);
  const { table: earlier } = await withOpenRows(
    earlierPath!,
    options.table,
    async (run) => await rowsOfRun(run, () => undefined),
  );
  const given = { ...(await givenOptions(opened, format, options)), ...unknown };
  const delta = await exportDelta({ earlier, table }, given, { write, target: directory, force }, { signal });
  const counts = Object.entries(delta).map(([what, n]) => `${n} ${what}`);
  tell(`since '${earlierPath}': ${counts.join(", ")}`);
  const { first, last } = rowsOf(table, onlyField(fields));
  return { rows: last - first, delta, ...unknown };
}

async function givenOptions(
  opened: OpenRows,
  format: ExportFormat,
  { format: name, withWeight, strict, field, reserve, wide, table, onnxInput, mips, dtype, into }: OfColumns,
): Promise<ExportOptions & { format: string }> {
  const model = format.isOfModel ? await modelFacts(opened) : undefined;
  const preprocess = await preprocessOf(opened);
  const texts = await (await modelOf(opened.run))?.rowTexts?.(opened.run, table);
  return {
    ...{ format: name, withWeight, strict },
    ...definedOf({ field: onlyField(field), reserve, wide, onnxInput, model, preprocess, texts }),
    ...(field && field.length > 1 && { isLayered: true }),
    ...(dtype && !isCodeType(dtype) && { dtype }),
    ...(mips && { isInnerProduct: true }),
    ...(format.needsPrefix && into !== undefined && { prefix: into }),
  };
}

/** Returns the options for the summary: a single field as a string, several fields as a list. */
function statedOptions({
  out: _,
  force: __,
  table: ___,
  threads: ____,
  urlEnv,
  into,
  field,
  ...stated
}: OfColumns): Record<string, unknown> {
  const place = urlEnv === undefined ? { into } : { urlEnv, into: into ?? DEFAULT_INTO };
  return definedOf({ ...stated, field: onlyField(field) ?? field, ...place });
}

/**
 * Returns the writer of the run's network, or of one of its towers; undefined if a table is exported: for other
 * formats, for runs without a network, or if a field or a table is requested.
 */
async function wholeNetworkOf(run: Run, options: ExportRunOptions): Promise<WriteNetwork | undefined> {
  const { format, field, table, onnxPart } = options;
  if (format !== "onnx" || onnxPart === "table") return undefined;
  if ((field !== undefined || table !== undefined) && !onnxPart) return undefined;
  const network = await networkPart(run, onnxPart);
  const { withWeight, compose, mips, topCount, keys, normalize } = options;
  const ofTable = Object.entries({
    "--field": field !== undefined,
    "--table": table !== undefined,
    "--with-weight": withWeight,
    "--compose": compose !== undefined && compose !== "none",
    "--mips": mips,
    "--top-count": topCount !== undefined,
    "--keys": keys !== undefined,
    "--normalize": normalize !== undefined,
  }).filter(([, isAsked]) => isAsked);
  if (!network || ofTable.length === 0) return network;
  throw new UsageError(
    `${ofTable.map(([flag]) => flag).join(", ")} cannot be used when exporting the network of run ` +
      `'${run.path}': omit it, or export the table (--onnx-part table)`,
  );
}

async function networkPart(
  run: Run,
  part: Exclude<OnnxPart, "table"> | undefined,
): Promise<WriteNetwork | undefined> {
  const { networks = {} } = (await modelOf(run)) ?? {};
  if (part === undefined) return networks.user ?? networks.network;
  const found = networks[part];
  if (found) return found;
  const what = part === "network" ? "a network" : "towers";
  const { lacks } = await knownModelOf(run);
  const cannot = `cannot be exported as ${what} (--onnx-part ${part})`;
  throw await refusal(run, cannot, (model) => model.networks?.[part] !== undefined, { why: lacks?.networks });
}
