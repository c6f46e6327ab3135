// `transform --content --append`: writes a copy of a run with new items.

import { ADDED_TABLE, addedTable, readAdded } from "../../embedding/added.js";
import { DEFAULT_TABLE, openRun, writeRun, type Run } from "../../embedding/run-directory.js";
import { ownRun } from "../../embedding/own-run.js";
import { UsageError } from "../../errors.js";
import { checkOutput } from "../../io/atomic.js";
import { version } from "../../io/package-version.js";
import { PRIOR_EVENTS } from "../../training/options/content-options.js";
import type { Summary } from "../../training/session/summary.js";
import type { TransformOptions } from "../../training/options/transform-options.js";
import { collectWarnings, type Watch } from "../../training/session/watch.js";
import { mapMetrics, newItemsOf } from "./content.js";

/**
 * Writes a copy of a run with new items, completely or not at all. The trained tables and files keep their bytes. The
 * new rows are in a separate table, which commands read together with the default table.
 *
 * @throws as newItemsOf; {UsageError} composed items of the run have another dimension than its table
 */
export async function appendItems(path: string, options: TransformOptions, outer: Watch): Promise<Summary> {
  const start = performance.now();
  const { watch, warnings } = collectWarnings(outer);
  const { out = "", force, content = [], on, foldIn, priorEvents = PRIOR_EVENTS } = options;
  await checkOutput(out, force, "directory", ownRun);
  const run = await openRun(path);
  const trained = await run.readTable(DEFAULT_TABLE);
  const { field, table, items, facts, inputs } = await newItemsOf(run, options, watch);
  if (table.dim !== trained.dim)
    throw new UsageError(
      `--append: an item of run '${path}' has ${table.dim} numbers as the model sees it, and a row of its table ${trained.dim}: leave out --append, and load what transform writes`,
    );
  const added = addedTable(trained, field, items, await readAdded(run));
  const blend = added.counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  const { files, schemaVersion: _, from: __, ...manifest } = run.manifest;
  const tables = await tablesOf(run);
  const modelFiles: Record<string, Uint8Array> = {};
  for (const file of Object.keys(files))
    if (file.startsWith("model/")) modelFiles[file.slice(6)] = await run.readModelFile(file.slice(6));
  await writeRun(
    out,
    force,
    {
      tables: { ...tables, [ADDED_TABLE]: added },
      manifest: {
        ...manifest,
        added: {
          run: path,
          field,
          content: added.numRows - blend,
          blend,
          by: { ...facts, priorEvents, content, ...(on.length > 0 && { on }), foldIn },
          inputs,
        },
        warnings: [...manifest.warnings, ...warnings],
      },
      modelFiles,
      metricsLines: await run.readMetricsLines(),
      trialLines: await run.readTrialLines(),
      givenIn: run.givenIn,
    },
    { signal: watch.signal },
  );
  return {
    command: "transform",
    version,
    out,
    seconds: (performance.now() - start) / 1000,
    rows: items.length,
    options: { run: path, on, content, foldIn, append: true, priorEvents },
    metrics: { content: mapMetrics(facts) },
    warnings,
  };
}

async function tablesOf(run: Run) {
  const names = run.tables.filter((name) => name !== ADDED_TABLE);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await run.readTable(name)] as const)),
  );
}
