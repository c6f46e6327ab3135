// `transform --content CATALOGUE`: computes the vectors of new items from their content in a catalogue and from events.
//
//   table + catalogue ──► content map
//   items, or all of the catalogue ──► those not in the table ──► content, blended with events (--fold-in) ──► rows
//                                                                           └─ --append: a copy of the run with them

import { MISSING, keyAt } from "../../log/keys.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { columnNamed } from "../../dataset/dataset.js";
import type { Cells, KeyOf, Purpose } from "../../dataset/collect.js";
import type { Metrics } from "../../table/manifest.js";
import { type Run, DEFAULT_TABLE, openRun, writeRun } from "../../table/run-directory.js";
import { keysOfRows, rowsOf, type EmbeddingTable } from "../../table/table.js";
import { DataError, UsageError } from "../../base/errors.js";
import { once, vectorEncoding } from "../../export/encoded-rows.js";
import { fingerprintOf, type InputFingerprint } from "../../base/io/fingerprint.js";
import { capable } from "../../trainers/index.js";
import { openAsTrained } from "../../training/reading/open-as-trained.js";
import { PRIOR_EVENTS } from "../../training/shared-options/content-options.js";
import { listedKeys } from "../../training/capabilities/folded-keys.js";
import { silently } from "../../training/reading/split-parts.js";
import type { Transformed, TransformOptions } from "../../training/shared-options/transform-options.js";
import { collectWarnings, type Watch } from "../../training/session/watch.js";
import { composeItems } from "../compose.js";
import { blended, foldedItems, type ItemVector } from "../content/fold-in-items.js";
import { mapCatalogue, type ContentMap, type MapFacts } from "../content/map.js";
import { itemFieldOf, keyAsTrained } from "../item-keys.js";
import { readItemTable } from "./read-places.js";
import { ADDED_TABLE, addedTable, readAdded } from "../../table/added.js";
import { ownRun } from "../../table/own-run.js";
import { checkOutput } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import type { Summary } from "../../training/session/summary.js";

const CANNOT_FOLD = "cannot compute vectors of new items from their events (--fold-in)";

interface NewItem extends ItemVector {
  key: string;
  count: number;
}

interface NewItems {
  field: string;
  /** the run's table; the vectors of its items are sums over columns if the run has side columns of items */
  table: EmbeddingTable;
  items: NewItem[];
  facts: MapFacts;
  inputs: InputFingerprint[];
}

export function checkContent({
  content,
  append = false,
  field,
  out,
  foldIn,
  key,
  on,
}: TransformOptions): void {
  if (content === undefined) return;
  if (field === "user") throw new UsageError("--content computes vectors of items: omit --field user");
  if (key !== undefined && on.length === 0)
    throw new UsageError(
      "--key needs a table of items; for the key column of the catalogue use --content-key",
    );
  if (foldIn?.includes("-"))
    throw new UsageError("--fold-in is read twice with --content and cannot be standard input: name a file");
  if (append && out === "-")
    throw new UsageError(
      "--append writes a copy of the run with the new items: name its directory with -o RUN",
    );
}

/** Returns the R² of a content map, of each column alone (`r2:COLUMN`), and of predicted weights. */
function mapMetrics({ r2, fields, weights }: MapFacts): Metrics {
  return {
    r2,
    ...Object.fromEntries(Object.entries(fields).map(([name, own]) => [`r2:${name}`, own])),
    ...(weights && { weightsR2: weights.r2 }),
  };
}

export async function vectorsOfContent(
  run: Run,
  options: TransformOptions,
  outer: Watch,
): Promise<Transformed> {
  const { watch, warnings } = collectWarnings(outer);
  const { field, table, items, facts } = await newItemsOf(run, options, watch);
  const { dim, weights } = table;
  const values = new Float32Array(items.length * dim);
  items.forEach(({ vector }, i) => values.set(vector, i * dim));
  const names = items.map(({ key }) => Buffer.from(key, "utf8"));
  return {
    encoding: {
      ...vectorEncoding(options.key ?? field, dim, items.length),
      ...(!weights && { unbiased: true as const }),
    },
    rows: once({
      numRows: items.length,
      values,
      ...(weights && { biases: Float32Array.from(items, ({ weight }) => weight) }),
      keyOf: (row) => names[row]!,
      labels: new Float32Array(items.length),
    }),
    warnings,
    metrics: { content: mapMetrics(facts) },
  };
}

/** Returns the items that a run's table lacks with computed vectors, in the order of the input. */
async function newItemsOf(run: Run, options: TransformOptions, watch: Watch): Promise<NewItems> {
  const note = (text: string) => watch.observe({ stage: "note", text });
  const warn = (text: string) => watch.observe({ stage: "warning", text });
  const { content = [], priorEvents = PRIOR_EVENTS, foldIn, on } = options;
  // rejects a run that cannot fold in items before the content map is fitted, which is slow
  if (foldIn) await capable(run, "foldIn", CANNOT_FOLD);
  const trained = await run.readTable();
  const field = await itemFieldOf(run, trained, options.field, "--content");
  const asTrained = await keyAsTrained(run, field, options);
  const composed = await composeItems({ run, table: trained, fieldNamed: (name) => name }, undefined);
  if (composed.note && composed.item === field) note(composed.note);
  const { table } = composed;
  const range = rowsOf(table, field);
  const named = content.join(", ");
  const items = { run, field, table, range };
  const { catalogue, map, inputs, warnings } = await mapCatalogue(items, asTrained, options, watch);
  for (const text of warnings) warn(text);

  const known = new KeyIndex(keysOfRows(table, range));
  const counts = foldIn
    ? await eventsByItem(run, { ...options, on: foldIn }, table, field, watch)
    : new Map<string, number>();
  const asked =
    on.length > 0
      ? (await readKeys(options, field, watch)).map(asTrained)
      : [
          ...new Set([
            ...Array.from({ length: catalogue.keys.size }, (_, i) => keyAt(catalogue.keys, i)),
            ...counts.keys(),
          ]),
        ];
  const fresh = [...new Set(asked)].filter((key) => known.findText(key) < 0);
  const source = on.length > 0 ? on.join(", ") : named;
  const numKnown = new Set(asked).size - fresh.length;
  if (on.length > 0 && numKnown > 0 && fresh.length > 0)
    note(`skipped ${numKnown} of the items of ${source}, which the run has already`);
  let ignored = 0;
  for (const [key, count] of counts) if (known.findText(key) >= 0) ignored += count;
  if (ignored > 0) note(`ignored ${ignored} events of items that the run has already`);
  if (fresh.length === 0)
    throw new UsageError(
      `no new items: the run has a row for each of the ${asked.length} items of ${source}`,
    );
  const folded = foldIn
    ? await foldedItems(run, { ...options, on: foldIn }, table.dim, CANNOT_FOLD, silently(watch), options)
    : { items: new Map<string, ItemVector>(), warnings: [] };
  for (const text of folded.warnings) warn(text);
  const given = { counts, folded: folded.items, priorEvents, named, source, warn };
  const made = blendedItems(fresh, map, catalogue.keys, given);
  const blends = made.filter(({ count }) => count > 0).length;
  note(
    `${made.length} new items of '${field}': ${made.length - blends} from content only` +
      (foldIn
        ? `, ${blends} from content and ${made.reduce((sum, { count }) => sum + count, 0)} events`
        : ""),
  );
  for (const path of [...on, ...(foldIn ?? [])]) if (path !== "-") inputs.push(await fingerprintOf(path));
  return { field, table, items: made, facts: map.facts, inputs };
}

function blendedItems(
  fresh: readonly string[],
  { vectors, weights, mean, smoothed: rows }: ContentMap,
  keys: Parameters<typeof keyAt>[0],
  {
    counts,
    folded,
    priorEvents,
    named,
    source,
    warn,
  }: {
    counts: ReadonlyMap<string, number>;
    folded: ReadonlyMap<string, ItemVector>;
    priorEvents: number;
    named: string;
    source: string;
    warn: (text: string) => void;
  },
): NewItem[] {
  const index = new KeyIndex(keys);
  const dim = vectors.length / Math.max(1, keys.size);
  const absent: string[] = [];
  const empty: string[] = [];
  const items = fresh.flatMap((key): NewItem[] => {
    const item = index.findText(key);
    const own = folded.get(key);
    const count = own ? (counts.get(key) ?? 0) : 0;
    if (item < 0) absent.push(key);
    else if (rows.indptr[item] === rows.indptr[item + 1]) empty.push(key);
    if (item < 0 && count === 0) return [];
    const content =
      item < 0
        ? mean
        : { vector: vectors.subarray(item * dim, (item + 1) * dim), weight: weights?.[item] ?? 0 };
    return [{ key, count, ...blended(content, own, count, priorEvents)! }];
  });
  if (items.length === 0)
    throw new DataError(
      `none of ${fresh.length} new items, such as ${listedKeys(fresh)}, is in ${named}: the catalogue must ` +
        "have a row for each item, including new ones (repeat --content to read several files)",
      { file: source },
    );
  if (absent.length > 0)
    warn(
      `${absent.length} of ${fresh.length} new items are not in ${named}: ${listedKeys(absent)}; items ` +
        "without events are skipped, others use the mean as their content",
    );
  if (empty.length > 0)
    warn(
      `${empty.length} of ${fresh.length} new items share no value with a known item and use the mean as ` +
        `their content: ${listedKeys(empty)}`,
    );
  return items;
}

/** Returns the number of events of each item; if the table has users, of events of these users only. */
async function eventsByItem(
  run: Run,
  log: TransformOptions,
  table: EmbeddingTable,
  field: string,
  watch: Watch,
): Promise<Map<string, number>> {
  const preprocess = await (await capable(run, "preprocess", CANNOT_FOLD))(run);
  const { user } = preprocess.roles;
  const hasUsers = user !== undefined && table.fields.includes(user);
  const dataset = (await openAsTrained(preprocess, log, silently(watch), { roles: hasUsers ? ["user"] : [] }))
    .dataset;
  const items = columnNamed(dataset, field);
  const users = hasUsers ? columnNamed(dataset, user) : undefined;
  if (items.kind !== "key") throw new RangeError("items are keys");
  const index = users && new KeyIndex(keysOfRows(table, rowsOf(table, user)));
  const isKnown =
    users?.kind === "key"
      ? Uint8Array.from({ length: users.dictionary.size }, (_, code) =>
          index!.find(users.dictionary, code) >= 0 ? 1 : 0,
        )
      : undefined;
  const counts = new Uint32Array(items.dictionary.size);
  items.codes.forEach((code, row) => {
    if (code === MISSING) return;
    if (isKnown && users?.kind === "key") {
      const by = users.codes[row]!;
      if (by === MISSING || isKnown[by] === 0) return;
    }
    counts[code]!++;
  });
  return new Map(Array.from(counts, (count, code) => [keyAt(items.dictionary, code), count]));
}

/** Reads the distinct keys of a table of items. @throws {UsageError} no key column @throws {DataError} an empty key */
async function readKeys(options: TransformOptions, field: string, watch: Watch): Promise<string[]> {
  const { on, key: given } = options;
  const key = given ?? field;
  const checkColumns = (columns: readonly string[]): void => {
    if (!columns.includes(key))
      throw new UsageError(
        given === undefined
          ? `${on.join(", ")} has no column '${key}', the item column of the run: name its key column with ` +
              `--key; the columns are ${columns.join(", ")}`
          : `--key names column '${key}', which no input has: the columns are ${columns.join(", ")}`,
      );
  };
  const keys = new Set<string>();
  const sink = {
    append([codes]: Cells[], numRows: number, keyOf: KeyOf): void {
      for (let row = 0; row < numRows; row++) keys.add(keyOf(0, codes![row]!));
    },
  };
  const purpose: Purpose = { name: key, as: "key", role: "key", required: true };
  await readItemTable(options, [purpose], sink, checkColumns, watch);
  return [...keys];
}

/**
 * Writes a copy of a run with new items, completely or not at all. The trained tables and files keep their bytes. The
 * new rows are in a separate table, which commands read together with the default table.
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
