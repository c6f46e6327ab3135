// `embed neighbors`: the rows nearest to a key's, within its field, exactly or by an index.

import { rowOf, vectorsAt } from "../embedding/table.js";
import { excerpt, UsageError } from "../errors.js";
import { NO_ITEM } from "../kernels/top-items/binding.js";
import { asNeighbors, neighbors, type Metric, type Neighbor } from "../retrieval/neighbors.js";
import { composeItems, type Compose } from "./compose.js";
import { DEFAULT_EF, openIndexOf, searchIndex } from "./hnsw/search.js";
import { openTable, type OpenTable } from "./tables.js";

export interface NeighborsOf {
  field: string;
  key: string;
  /** what they are near by */
  metric: Metric;
  neighbors: Neighbor[];
}

export interface NeighborsOptions {
  /** how many, at least 1 */
  top: number;
  /** cosine when absent, of an index its own */
  metric?: Metric;
  table?: string;
  compose?: Compose;
  /** a directory of embed index */
  index?: string;
  /** of an index: candidates that a search remembers */
  ef?: number;
  signal?: AbortSignal;
}

interface Query {
  field: string;
  key: string;
}

/**
 * The neighbours of each key.
 *
 * @param keys FIELD:KEY, split at the first colon
 * @param tell hears what an item's vector is, where it is not its row, and of an index that lists are approximate
 * @throws {UsageError} a key without a field, or one that the table has not; an index of another table
 */
export async function neighborsOf(
  path: string,
  keys: readonly string[],
  options: NeighborsOptions,
  tell: (note: string) => void = () => undefined,
): Promise<NeighborsOf[]> {
  const queries = keys.map((text) => {
    const colon = text.indexOf(":");
    if (colon < 1) throw new UsageError(`--key expects FIELD:KEY, such as item:85123A, got '${text}'`);
    return { field: text.slice(0, colon), key: text.slice(colon + 1) };
  });
  const { index, ef, metric = "cosine", top } = options;
  if (ef !== undefined && index === undefined)
    throw new UsageError("--ef is for --index: without one every row is compared");
  if (index !== undefined) return await byIndex(path, queries, { ...options, index }, tell);
  const opened = await openTable(path, options.table);
  const { fieldNamed } = opened;
  const composed = await composeItems(opened, options.compose);
  if (composed.note && queries.some(({ field }) => fieldNamed(field) === composed.item)) tell(composed.note);
  return queries.map(({ field: named, key }) => {
    const field = fieldNamed(named);
    return { field, key, metric, neighbors: neighbors(composed.table, field, key, { top, metric }) };
  });
}

/** The same by an index, whose rows and metric are its own. */
async function byIndex(
  path: string,
  queries: readonly Query[],
  { index: directory, ...options }: NeighborsOptions & { index: string },
  tell: (note: string) => void,
): Promise<NeighborsOf[]> {
  const { top, ef = DEFAULT_EF, signal } = options;
  const index = await openIndexOf(path, directory);
  const { opened, source, directory: opening } = index;
  checkAsked(opened, opening.facts, queries, options);
  const { table, range, space, field } = source;
  const { metric, dim } = space;
  const rows = Uint32Array.from(queries, ({ key }) => rowOf(table, field, key));
  const vectors = vectorsAt(table, rows);
  const found = await searchIndex(index, vectors, {
    ...{ top: Math.min(top, source.rows.length), ef, threads: 1, weighted: false },
    // a row is not its own neighbour
    masks: {
      indptr: Uint32Array.from({ length: rows.length + 1 }, (_, i) => i),
      items: rows.map((row) => row - range.first),
    },
    ...(signal && { signal }),
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

/** @throws {UsageError} another field, metric, table or composition is asked for than the index has */
function checkAsked(
  { fieldNamed }: OpenTable,
  facts: { field: string; metric: Metric; compose: Compose; table?: string },
  queries: readonly Query[],
  { metric, compose, table }: NeighborsOptions,
): void {
  const other = queries.map(({ field }) => fieldNamed(field)).find((field) => field !== facts.field);
  if (other !== undefined)
    throw new UsageError(
      `the index holds rows of field ${excerpt(facts.field)}, not of ${excerpt(other)}: leave out --index, or build one of it`,
    );
  const asked = { metric, compose, table };
  for (const [name, value] of Object.entries(asked)) {
    const held = facts[name as keyof typeof asked];
    if (value !== undefined && value !== held)
      throw new UsageError(
        `--${name} ${value} is not what the index was built by (${held ?? "the default one"}): leave out --${name}, or build one with it`,
      );
  }
}
