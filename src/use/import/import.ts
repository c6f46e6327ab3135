import { TABLE_MODEL } from "../../table/manifest.js";
import { laterRows } from "../../table/rows.js";
import { ownRun } from "../../table/own-run.js";
import { writeRun } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { TableCollector } from "../../table/import/collector.js";
import { readers } from "../../table/import/formats.js";
import { checkOutput } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import type { ImportOptions } from "./options.js";
import { definedOf } from "../../options/table.js";

export interface ImportSummary {
  command: "import";
  version: string;
  out: string;
  seconds: number;
  rows: number;
  dim: number;
  fields: string[];
  options: Record<string, unknown>;
}

/**
 * Reads another tool's table and writes it as a run, completely or not at all.
 *
 * @throws {DataError} a key is repeated, vectors have different dimensions, or a number is not finite
 * @throws {UsageError} a role names a field that the table does not have
 */
export async function importTable(
  path: string,
  given: ImportOptions,
  signal?: AbortSignal,
): Promise<ImportSummary> {
  await checkOutput(given.out, given.force ?? false, "directory", ownRun);
  const rows = new TableCollector({ field: given.field, beside: given.out });
  try {
    return await importInto(rows, path, given, signal);
  } finally {
    rows.close();
  }
}

async function importInto(
  rows: TableCollector,
  path: string,
  { format, field, key, user, item, out, force = false }: ImportOptions,
  signal: AbortSignal | undefined,
): Promise<ImportSummary> {
  const start = performance.now();
  const inputs = await readers[format](path, rows, { keyColumn: key ?? "key", field });
  const { table, vectorsOf } = rows.finish(path);
  const roles = definedOf({ user, item });
  for (const [role, name] of Object.entries(roles))
    if (!table.fields.includes(name))
      throw new UsageError(
        `--${role} '${name}' is not a field of the table; its fields are ` + table.fields.join(", "),
      );
  const options = { file: path, format, ...definedOf({ field, key }) };
  await writeRun(
    out,
    force,
    {
      tables: { default: laterRows(table, vectorsOf) },
      manifest: {
        version,
        command: "import",
        model: TABLE_MODEL,
        options,
        seed: 0,
        inputs,
        roles,
        split: { by: "none", train: 0, valid: 0, test: 0 },
        rows: table.numRows,
        metrics: {},
        timings: {},
        warnings: [],
      },
      modelFiles: {},
      metricsLines: [],
    },
    signal && { signal },
  );
  return {
    command: "import",
    version,
    out,
    seconds: (performance.now() - start) / 1000,
    rows: table.numRows,
    dim: table.dim,
    fields: [...table.fields],
    options,
  };
}
