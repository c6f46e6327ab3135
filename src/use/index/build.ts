import { join } from "node:path";
import { tableRows } from "../../table/rows.js";
import { UsageError } from "../../base/errors.js";
import { idChunks } from "../../export/files/vector-indexes.js";
import { selectRows } from "../../export/selection.js";
import { checkOutput, writeDirectory } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import { writeChunks } from "../../base/io/write.js";
import { MOST_LINKS } from "../../compute/kernels/hnsw/binding.js";
import { buildHnsw, buildMixed, FEWEST_LINKS } from "../../table/retrieval/hnsw/build.js";
import { hnswChunks } from "../../table/retrieval/hnsw/file.js";
import { levelsOf } from "../../table/retrieval/hnsw/graph.js";
import { nearnessOf, SPACES, widthOf } from "../../table/retrieval/hnsw/space.js";
import { definedOf, resolved } from "../../options/table.js";
import { collectWarnings, type Watch } from "../../training/session/watch.js";
import { indexOptions, type IndexOptions } from "./options.js";
import { FACTS_FILE, factsText, HNSW_FILE, IDS_FILE, ownIndex, type IndexFacts } from "./directory.js";
import { indexSource, openIndexedField, rowsInIndex, type IndexSource } from "./source.js";

export interface IndexSummary {
  command: "index";
  version: string;
  out: string;
  seconds: number;
  /** number of indexed rows */
  rows: number;
  options: Record<string, unknown>;
  /** properties of the index that index.json also contains */
  index: Pick<IndexFacts, "field" | "metric" | "space" | "dim" | "biased" | "width" | "compose">;
  /** reason for the choice of the metric, as a clause of a sentence */
  because: string;
  warnings: string[];
}

/**
 * Builds an index of a field's rows and writes it, completely or not at all. The bytes do not depend on the number of
 * threads.
 *
 * @throws {UsageError} the field does not exist, the model does not rank by the metric, or the index would exceed 4 GiB
 */
export async function indexRun(path: string, asked: IndexOptions, given: Watch): Promise<IndexSummary> {
  const start = performance.now();
  const options = resolved(indexOptions, asked);
  const { out, force = false, table, threads, m, efConstruction, seed } = options;
  checkLinks(options);
  await checkOutput(out, force, "directory", ownIndex);
  const { watch, warnings, warn } = collectWarnings(given);
  const source = await indexSource(await openIndexedField(path, options), options);
  const { space, field, rows, keys, compose, fingerprint } = source;
  for (const text of leftOutWarnings(source)) warn(text);
  if (source.note) watch.observe({ stage: "note", text: source.note });
  const input = {
    ...levelsOf(keys, rows, m, seed),
    dim: widthOf(space),
    vectors: rowsInIndex(source),
    labels: rows,
  };
  const progress = tellProgress(rows.length, watch);
  const how = { m, efConstruction, threads, signal: watch.signal, progress };
  const graph =
    space.metric === "dot"
      ? await buildMixed(input, how)
      : await buildHnsw({ ...input, nearness: nearnessOf(space.metric) }, how);
  const facts = {
    version,
    field,
    ...definedOf({ table }),
    metric: space.metric,
    space: SPACES[space.metric],
    dim: space.dim,
    biased: space.biased,
    width: widthOf(space),
    compose,
    ...{ count: rows.length, rows: keys.size, m, efConstruction, seed, fingerprint },
  };
  const ids = await selectRows(tableRows(source.table), { field, withWeight: false, strict: false });
  const write = async (dir: string): Promise<void> => {
    const { signal } = watch;
    const files = {
      [HNSW_FILE]: await writeChunks(join(dir, HNSW_FILE), hnswChunks(graph), signal),
      [IDS_FILE]: await writeChunks(join(dir, IDS_FILE), idChunks(ids), signal),
    };
    await writeChunks(join(dir, FACTS_FILE), [Buffer.from(factsText({ ...facts, files }))], signal);
  };
  await writeDirectory(out, force, write, { signal: watch.signal, own: ownIndex });
  const { metric, space: called, dim, biased, width } = facts;
  return {
    command: "index",
    version,
    out,
    seconds: (performance.now() - start) / 1000,
    rows: rows.length,
    options: { run: path, ...definedOf({ field, table, metric, m, efConstruction, seed, compose }) },
    index: { field, metric, space: called, dim, biased, width, compose },
    because: source.because,
    warnings,
  };
}

function checkLinks({ m, efConstruction }: { m: number; efConstruction: number }): void {
  if (!(m >= FEWEST_LINKS && m <= MOST_LINKS))
    throw new UsageError(`--m must be between ${FEWEST_LINKS} and ${MOST_LINKS}, got ${m}`);
  if (efConstruction < m)
    throw new UsageError(`--ef-construction must be at least --m (${m}), got ${efConstruction}`);
}

function leftOutWarnings({ left: { zeros, holes }, field }: IndexSource): string[] {
  const warnings: string[] = [];
  if (zeros > 0)
    warnings.push(
      `${zeros} rows of '${field}' are zero vectors, whose cosine is undefined: they are not indexed`,
    );
  if (holes > 0)
    warnings.push(`${holes} rows of '${field}' are empty rows of --row-order: they are not indexed`);
  return warnings;
}

function tellProgress(numRows: number, watch: Watch): (numNodes: number) => void {
  let tenths = 0;
  return (numNodes) => {
    const now = Math.floor((10 * numNodes) / numRows);
    if (now === tenths || numRows < 100_000) return;
    tenths = now;
    watch.observe({
      stage: "note",
      text: `${numNodes.toLocaleString("en")} of ${numRows.toLocaleString("en")} rows indexed`,
    });
  };
}
