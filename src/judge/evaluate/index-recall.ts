// `embed evaluate --index`: the recall of an approximate index relative to exact search, and the duration of both
// searches.
//
// Queries are the rows of users if the table has users and the index has items, else indexed rows, which are left out
// of their own lists. Durations are for one search of all queries on the given number of threads, without setup.

import { rowsOf, type EmbeddingTable, vectorsAt } from "../../table/table.js";
import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import type { Compared } from "../../metrics/comparison.js";
import { NO_ITEM, type ItemLists } from "../../compute/kernels/top-items/binding.js";
import { streamOf, shuffle } from "../../base/numeric/hash.js";
import { indexedQueries } from "../../table/retrieval/hnsw/space.js";
import { ItemSearch } from "../../table/retrieval/top-items.js";
import type { Watch } from "../../training/session/watch.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import { openIndexOf, searchIndex, type IndexOfRun } from "../../use/index/search.js";
import { rowsInIndex } from "../../use/index/source.js";
import type { Evaluating } from "./options.js";

/** Maximum number of queries; more queries change only the third digit of the recall. */
const MOST_QUERIES = 2000;
const DEFAULT_K = [10];
const DEFAULT_EF = [32, 64, 128];

/** The queries of a recall evaluation. */
export interface IndexQueries {
  field: string;
  /** number of queries, and number of rows from which they were sampled */
  count: number;
  of: number;
  /** number of indexed rows */
  rows: number;
  metric: string;
}

export async function evaluateIndex(
  runs: readonly { run: Run; path: string }[],
  { index: path, k = DEFAULT_K, ef = DEFAULT_EF, seed = 1, reading }: Evaluating,
  { signal, observe }: Watch,
) {
  if (runs.length > 1)
    throw new UsageError(
      `--index needs exactly one run, got ${runs.length}: name the run that the index was built from`,
    );
  const widest = Math.max(...ef);
  const narrow = k.find((length) => length > widest);
  if (narrow !== undefined)
    throw new UsageError(
      `--ef must include a value of at least ${narrow} for --k ${narrow}, got ${ef.join(",")}`,
    );
  const { threads } = reading;
  const index = await openIndexOf(runs[0]!.path, path!);
  const count = index.source.rows.length;
  const lengths = k.map((length) => Math.min(length, count));
  const longest = Math.max(...lengths);
  const { queries, vectors, masks, weighted } = queriesOf(index, seed);

  observe({
    stage: "note",
    text: `running ${queries.count} queries against all ${count} rows and against the index`,
  });
  const exact = await exactLists(index, vectors, { masks, weighted, top: longest, threads, signal });
  const compared: Compared[] = [];
  for (const width of ef) {
    const evaluated = lengths.filter((length) => length <= width);
    const top = Math.max(...evaluated, 1);
    const options = { top, ef: width, masks, weighted, threads, signal };
    // warm-up: the engine compiles the kernel during the first searches
    await searchIndex(index, vectors, options);
    const found = await searchIndex(index, vectors, options);
    const recalls = evaluated.map((length) => [
      `indexRecallAt${length}`,
      recallOf(found.items, exact.items, { top, longest, length }),
    ]);
    compared.push(
      contender(`ef ${width}`, {
        ...(Object.fromEntries(recalls) as Record<string, number>),
        distancesPerQuery: found.numDistances / queries.count,
        queriesPerSecond: queries.count / found.seconds,
      }),
    );
  }
  compared.push(
    contender("exact", { distancesPerQuery: count, queriesPerSecond: queries.count / exact.seconds }),
  );
  const given = { index: path, k: lengths, ef };
  return { compared, warnings: [], rows: queries.count, index: queries, given };
}

function contender(name: string, metrics: Record<string, number>): Compared {
  return { name, kind: "run", metrics, intervals: {}, toBest: {}, toFirst: {}, bestIn: [] };
}

interface Queries {
  queries: IndexQueries;
  /** query vectors, f32[count * dim] */
  vectors: Float32Array;
  /** for each query that is an indexed row, its own row, which its list must not contain */
  masks: ItemLists;
  weighted: boolean;
}

function queriesOf({ opened, source }: IndexOfRun, seed: number): Queries {
  const { table, field, space, range, rows } = source;
  const { user, item } = opened.run.manifest.roles as { user?: string; item?: string };
  const isForUsers = user !== undefined && field === item && table.fields.includes(user);
  const asked = isForUsers ? nonZeroRows(table, user) : rows.map((row) => range.first + row);
  const drawn = sampledRows(asked, seed);
  return {
    queries: {
      field: isForUsers ? user : field,
      ...{ count: drawn.length, of: asked.length, rows: rows.length, metric: space.metric },
    },
    vectors: vectorsAt(table, drawn),
    masks: {
      indptr: Uint32Array.from({ length: drawn.length + 1 }, (_, q) => (isForUsers ? 0 : q)),
      items: isForUsers ? new Uint32Array() : drawn.map((row) => row - range.first),
    },
    weighted: isForUsers,
  };
}

/** Returns u32: row numbers of nonzero vectors; a zero vector is no query, as all rows are equally near to it. */
function nonZeroRows(table: EmbeddingTable, field: string): Uint32Array {
  const { first, last } = rowsOf(table, field);
  const { dim, vectors } = table;
  return Uint32Array.from({ length: last - first }, (_, i) => first + i).filter((row) =>
    vectors.subarray(row * dim, (row + 1) * dim).some((x) => x !== 0),
  );
}

/** Returns u32, ascending: at most MOST_QUERIES of the given rows, sampled with the seed. */
function sampledRows(rows: Uint32Array, seed: number): Uint32Array {
  if (rows.length <= MOST_QUERIES) return rows;
  const shuffled = rows.slice();
  shuffle(shuffled, streamOf(seed));
  return shuffled.subarray(0, MOST_QUERIES).toSorted();
}

async function exactLists(
  { source }: IndexOfRun,
  vectors: Float32Array,
  {
    masks,
    weighted,
    top,
    threads,
    signal,
  }: { masks: ItemLists; weighted: boolean; top: number; threads: number; signal: AbortSignal },
): Promise<{ items: Uint32Array; seconds: number }> {
  const { space, rows } = source;
  const items = rowsInIndex(source);
  const dim = items.length / rows.length;
  // the order of ascending |x - q|^2 is that of descending q x - |x|^2 / 2
  const halves = () =>
    Float32Array.from(rows, (_, i) => {
      let squares = 0;
      for (let d = 0; d < dim; d++) squares += items[i * dim + d]! ** 2;
      return -squares / 2;
    });
  // the position of each row of the field in the list of indexed rows
  const places = new Uint32Array(source.keys.size);
  rows.forEach((row, place) => (places[row] = place));
  const search = await ItemSearch.start(
    dim,
    [{ items, ...(space.metric === "l2" && { weights: halves() }) }],
    threads,
  );
  return await withMachine(search, signal, async () => {
    const start = performance.now();
    const { items: found } = await search.best(0, {
      queries: indexedQueries(space, vectors, weighted),
      masks: { indptr: masks.indptr, items: masks.items.map((row) => places[row]!) },
      top,
    });
    const seconds = (performance.now() - start) / 1000;
    return { items: found.map((place) => (place === NO_ITEM ? NO_ITEM : rows[place]!)), seconds };
  });
}

/** Returns the share of the nearest `length` rows by exact search that the index finds among its first `length`. */
function recallOf(
  found: Uint32Array,
  exact: Uint32Array,
  { top, longest, length }: { top: number; longest: number; length: number },
): number {
  let [hits, all] = [0, 0];
  for (let q = 0; q < exact.length / longest; q++) {
    const list = new Set(found.subarray(q * top, q * top + length));
    for (const row of exact.subarray(q * longest, q * longest + length)) {
      if (row === NO_ITEM) continue;
      all++;
      if (list.has(row)) hits++;
    }
  }
  return all > 0 ? hits / all : 1;
}
