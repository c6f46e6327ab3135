// `embed neighbors`: finds the rows nearest to a key's row within its field, by exact search or by an index.
//
// Modules for files of keys and for indexes are imported on demand: importing takes longer than a search for one key.

import { ascending } from "../../base/numeric/indices.js";
import { keyAt } from "../../log/keys.js";
import type { CellReading } from "../../log/log.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { loadRows, tableRows } from "../../table/rows.js";
import { keysOfRows, rowOf, rowsOf, vectorsAt } from "../../table/table.js";
import { excerpt, UsageError } from "../../base/errors.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { asNeighbors, neighborsInRows, type Metric, type Neighbor } from "../../table/retrieval/neighbors.js";
import { compositionOf, composeItems, type Compose } from "../compose.js";
import { checkOutput } from "../../base/io/atomic.js";
import { resolved, type Resolved } from "../../options/table.js";
import { keyCaseOf } from "../../training/capabilities/run-space.js";
import type { Watch } from "../../training/session/watch.js";
import { mayHaveNames } from "./may-have-names.js";
import { neighborsOptions, type NeighborsOptions } from "../options.js";
import type { IndexOfRun } from "../index/search.js";
import { withOpenRows, type OpenTable } from "../tables.js";

export interface NeighborsOf {
  field: string;
  key: string;
  /** name of the key in the file of --names */
  name?: string;
  /** metric by which the neighbors were found */
  metric: Metric;
  neighbors: NamedNeighbor[];
}

export interface NamedNeighbor extends Neighbor {
  /** name of the neighbor in the file of --names */
  name?: string;
}

type Sought = Resolved<typeof neighborsOptions> & { signal: AbortSignal };

interface Query {
  field: string;
  key: string;
}

type Tell = (note: string) => void;

/**
 * Returns the neighbors of each key: of the keys in `given.key`, followed by those in the files of `given.keys`.
 *
 * @param given `key` is FIELD:KEY, split at the first colon
 * @param watch receives notes on composed items, approximate search, keys of files that the table lacks, and keys
 *   without a name
 * @throws {UsageError} no key is given, the table lacks a key or its field, or the index was built from another table
 */
export async function neighborsOf(
  path: string,
  given: NeighborsOptions,
  { signal, observe }: Watch,
): Promise<NeighborsOf[]> {
  const options = { ...resolved(neighborsOptions, given), signal };
  const { key = [], index, out, force = false, names } = options;
  const tell: Tell = (text) => observe({ stage: "note", text });
  const named = key.map((text) => {
    const colon = text.indexOf(":");
    if (colon < 1) throw new UsageError(`--key expects FIELD:KEY, such as item:85123A, got '${text}'`);
    return { field: text.slice(0, colon), key: text.slice(colon + 1) };
  });
  if (named.length === 0 && options.keys === undefined)
    throw new UsageError("no key given: use --key FIELD:KEY, or a file of keys with --keys FILE:FIELD");
  if (out !== undefined && out !== "-") await checkOutput(out, force, "file");
  const search = async ({ opened, find }: Finder) => {
    const inCase = keyCaseOf(opened.run);
    const asked = named.map(({ field, key }) => ({ field, key: inCase(key) }));
    const queries = [...asked, ...(await keysOfFile(opened, options.keys, tell))];
    return await withNames(opened, await find(queries), names, tell);
  };
  return index === undefined
    ? await withExactFinder(path, options, tell, search)
    : await search(await indexFinder(path, { ...options, index }, tell));
}

interface Finder {
  opened: OpenTable;
  find: (queries: readonly Query[]) => Promise<NeighborsOf[]>;
}

/** Calls `use` with an exact search. Reads vectors from the file as needed; if it composes items, reads all at once. */
async function withExactFinder<T>(
  path: string,
  { table: name, compose, top, metric = "cosine", signal }: Sought,
  tell: Tell,
  use: (finder: Finder) => Promise<T>,
): Promise<T> {
  return await withOpenRows(path, name, async ({ run, rows: stored, fieldNamed }) => {
    const isComposed = (await compositionOf(run, stored.fields, compose)) !== undefined;
    const table = await loadRows(stored, { vectors: isComposed });
    const opened = { run, table, fieldNamed };
    const find = async (queries: readonly Query[]) => {
      const composed = isComposed ? await composeItems(opened, compose) : { table };
      if (composed.note && queries.some(({ field }) => fieldNamed(field) === composed.item))
        tell(composed.note);
      const rows = isComposed ? tableRows(composed.table) : stored;
      const wanted = queries.map(({ field, key }) => ({ field: fieldNamed(field), key }));
      const found = await neighborsInRows(rows, composed.table, wanted, { top, metric }, signal);
      return wanted.map((query, i) => ({ ...query, metric, neighbors: found[i]! }));
    };
    return await use({ opened, find });
  });
}

/** Returns the keys of a file that have a row in the table. @throws {UsageError} no key has */
async function keysOfFile(
  { run, table, fieldNamed }: OpenTable,
  file: string | undefined,
  tell: Tell,
): Promise<Query[]> {
  if (file === undefined) return [];
  const { parseSide, readSide } = await import("../../dataset/side.js");
  const { openLog } = await import("../../log/open.js");
  const { listedKeys } = await import("../../training/capabilities/folded-keys.js");
  const { defaultSideReading } = await import("../../training/reading/read-dataset.js");
  const { keyCase } = (run.manifest.options["reading"] ?? {}) as CellReading;
  const { path, key: named, sideKey } = parseSide(file, "--keys");
  const field = fieldNamed(named);
  const range = rowsOf(table, field);
  const log = await openLog([path], { ...defaultSideReading, threads: 1, ...(keyCase && { keyCase }) });
  // if the file has no column named `item`, this name denotes the run's item column, such as item_id
  const column = sideKey === named && !log.columns.includes(named) ? field : sideKey;
  const { keys } = await readSide(log, path, field, column, "--keys", "a file of keys");
  const rows = new KeyIndex(keysOfRows(table, range));
  const codes = Array.from({ length: keys.size }, (_, code) => code);
  const unknown = codes.filter((code) => rows.find(keys, code) < 0).map((code) => keyAt(keys, code));
  if (unknown.length === keys.size)
    throw new UsageError(
      `--keys '${path}': none of its ${keys.size} keys is in field ${excerpt(field)} of the run: ` +
        listedKeys(unknown),
    );
  if (unknown.length > 0)
    tell(
      `skipped ${unknown.length} of ${keys.size} keys of '${path}' without a row in the run: ` +
        listedKeys(unknown),
    );
  return codes
    .filter((code) => rows.find(keys, code) >= 0)
    .map((code) => ({ field, key: keyAt(keys, code) }));
}

async function withNames(
  opened: OpenTable,
  lists: NeighborsOf[],
  names: string | undefined,
  tell: Tell,
): Promise<NeighborsOf[]> {
  if (names === undefined && !(await mayHaveNames(opened.run))) return lists;
  const { readNames } = await import("../key-names.js");
  const known = await readNames(opened, {
    names: names === undefined ? [] : [names],
    reading: { threads: 1 },
  });
  const all = lists.map((list) => {
    const called = known.ofField(opened, list.field);
    return { ...called(list), neighbors: list.neighbors.map(called) };
  });
  for (const note of known.notes()) tell(note);
  return all;
}

/** Returns a function that finds neighbors by an index, which determines the rows that can be found and the metric. */
async function indexFinder(path: string, options: Sought & { index: string }, tell: Tell): Promise<Finder> {
  const { openIndexOf } = await import("../index/search.js");
  const index = await openIndexOf(path, options.index);
  return {
    opened: index.opened,
    find: async (queries) => await neighborsByIndex(index, queries, options, tell),
  };
}

async function neighborsByIndex(
  index: IndexOfRun,
  queries: readonly Query[],
  { index: directory, ...options }: Sought & { index: string },
  tell: Tell,
): Promise<NeighborsOf[]> {
  const { DEFAULT_EF, searchIndex } = await import("../index/search.js");
  const { top, ef = DEFAULT_EF, signal } = options;
  const { opened, source, directory: opening } = index;
  checkAsked(opened, opening.facts, queries, options);
  const { table, range, space, field } = source;
  const { metric, dim } = space;
  const rows = Uint32Array.from(queries, ({ key }) => rowOf(table, field, key));
  const vectors = vectorsAt(table, rows);
  const found = await searchIndex(index, vectors, {
    ...{ top: Math.min(top, source.rows.length), ef, threads: 1, weighted: false },
    masks: {
      indptr: ascending(rows.length + 1),
      items: rows.map((row) => row - range.first),
    },
    signal,
  });
  if (source.note) tell(source.note);
  tell(
    `approximate: '${directory}' was searched with --ef ${Math.max(ef, top)}; without --index every row is compared`,
  );
  const wide = found.items.length / rows.length;
  return queries.map(({ key }, i) => {
    const isZero = metric === "cosine" && vectors.subarray(i * dim, (i + 1) * dim).every((x) => x === 0);
    const list = isZero ? new Uint32Array() : found.items.subarray(i * wide, (i + 1) * wide);
    const near = list.filter((row) => row !== NO_ITEM).map((row) => range.first + row);
    return { field, key, metric, neighbors: asNeighbors(table, rows[i]!, near, metric) };
  });
}

function checkAsked(
  { fieldNamed }: OpenTable,
  facts: { field: string; metric: Metric; compose: Compose; table?: string },
  queries: readonly Query[],
  { metric, compose, table }: NeighborsOptions,
): void {
  const other = queries.map(({ field }) => fieldNamed(field)).find((field) => field !== facts.field);
  if (other !== undefined)
    throw new UsageError(
      `the index is for field ${excerpt(facts.field)}, not ${excerpt(other)}: omit --index, or build an ` +
        "index of that field",
    );
  const asked = { metric, compose, table };
  for (const [name, value] of Object.entries(asked)) {
    const held = facts[name as keyof typeof asked];
    if (value !== undefined && value !== held)
      throw new UsageError(
        `--${name} ${value} does not match the index (${held ?? "the default one"}): omit --${name}, or ` +
          "build an index with it",
      );
  }
}
