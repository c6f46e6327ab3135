// `embed inspect EDGES --source a --target b`: reports on the graph of an edge list.

import { isEncodedDataset, readEncoded } from "../../dataset/encoded/read.js";
import { MemoryColumns } from "../../dataset/columns.js";
import { columnNamed, type Dataset, type KeyColumn } from "../../dataset/dataset.js";
import { endsOf } from "../../dataset/graph/edge-list.js";
import { graphOf } from "../../dataset/graph/graph.js";
import { graphFacts, spreadOf, type GraphFacts, type Spread } from "../../dataset/graph/graph-facts.js";
import { requireColumn } from "../../dataset/roles.js";
import { DataError, excerpt, UsageError } from "../../base/errors.js";
import { openLogWith, badRowHandling } from "../../training/reading/read-dataset.js";
import type { Watch } from "../../training/session/watch.js";
import { firstReadingOf } from "../../training/shared-options/reading.js";
import { badRowsOf } from "../../training/reading/bad-row-report.js";
import type { InspectEdgesOptions } from "./options.js";

/** Properties of an edge list. */
export interface EdgeInspection extends GraphFacts {
  rows: number;
  directed: boolean;
  /** number of distinct keys in both columns of ends */
  nodes: number;
  /** number of distinct edges between two nodes; an undirected edge counts once */
  edges: number;
  /** number of rows that repeat an edge; if undirected, `b a` repeats `a b` */
  repeated: number;
  /** number of rows whose ends are the same node */
  selfLoops: number;
  /** number of rows in which the key of an end is missing */
  missing: number;
  /** distribution of the edge weights that are not missing */
  weights?: Spread;
  warnings: string[];
}

/** Inspects an edge list, or an encoded dataset of one. */
export async function inspectEdges(
  paths: readonly string[],
  options: InspectEdgesOptions,
  watch: Watch,
): Promise<EdgeInspection> {
  const { source, target, directed = false } = options;
  if (source === target) throw new UsageError(`--source and --target both name '${source}'`);
  const { dataset, weights, warnings } = await readEdges(paths, options, watch);
  const { codes, dictionary } = columnNamed(endsOf(dataset, { source, target }), "node") as KeyColumn;
  const { numRows } = dataset;
  const { graph, counts } = graphOf(
    dictionary.size,
    { sources: codes.subarray(0, numRows), targets: codes.subarray(numRows) },
    { directed },
  );
  const given = weights?.filter((weight) => !Number.isNaN(weight));
  return {
    rows: numRows,
    directed,
    nodes: dictionary.size,
    edges: counts.edges,
    repeated: counts.repeated,
    selfLoops: counts.loops,
    missing: counts.missing,
    ...graphFacts(graph),
    ...(given && { weights: spreadOf(given) }),
    warnings: [...warnings, ...weightWarnings(options.weight, weights)],
  };
}

function weightWarnings(name: string | undefined, weights: Float64Array | undefined): string[] {
  if (!weights) return [];
  const count = (is: (weight: number) => boolean) => weights.reduce((sum, w) => sum + (is(w) ? 1 : 0), 0);
  const [low, empty] = [count((weight) => weight <= 0), count(Number.isNaN)];
  return [
    ...(low > 0 ? [`${low} of ${weights.length} weights in '${name}' are not positive`] : []),
    ...(empty > 0 ? [`${empty} of ${weights.length} rows have no number in '${name}'`] : []),
  ];
}

async function readEdges(
  paths: readonly string[],
  given: InspectEdgesOptions,
  { observe, signal }: Watch,
): Promise<{ dataset: Dataset; weights?: Float64Array; warnings: string[] }> {
  const { source, target, weight } = given;
  const reading = firstReadingOf(given);
  const { badRows, ...bad } = badRowsOf(given);
  if (paths.length === 1 && (await isEncodedDataset(paths[0]!))) return await encodedEdges(paths[0]!, weight);
  await badRows?.check(paths);
  const { onSkipped, onRead } = badRowHandling(paths, { badRows, ...bad }, signal);
  const log = await openLogWith(
    paths,
    { ...reading, keepBadRows: badRows !== undefined },
    { observe, signal },
  );
  try {
    const named = { "--source": source, "--target": target, "--weight": weight };
    for (const [flag, name] of Object.entries(named))
      if (name !== undefined) requireColumn(flag, name, log.columns);
    const requests = [
      { name: source, as: "key" as const },
      { name: target, as: "key" as const },
      ...(weight === undefined ? [] : [{ name: weight, as: "number" as const }]),
    ];
    const cells = new MemoryColumns(requests.map(({ name, as }) => ({ name, kind: as })));
    const read = await log.read(
      requests,
      (batch) => {
        signal.throwIfAborted();
        for (const row of batch.faultyRows) onSkipped?.(row);
        const [cell] = batch.badCells;
        if (cell && reading.onBadRow === "error")
          throw new DataError(`a weight is a number, got ${excerpt(cell.text)}`, {
            file: cell.file,
            line: cell.line,
            column: weight!,
          });
        cells.append(batch.columns, batch.numRows);
      },
      (progress) => observe({ stage: "reading", ...progress }),
    );
    const faulty = Object.values(read.skipped).reduce((sum, count) => sum + count, 0);
    await onRead(read.skipped, read.numRows + faulty);
    const columns = [source, target].map((name, c): KeyColumn => ({
      kind: "key",
      name,
      codes: cells.take(c) as Uint32Array,
      dictionary: read.dictionaries[c]!,
    }));
    return {
      dataset: {
        numRows: read.numRows,
        columns,
        roles: { fields: [source, target], numeric: [], multi: {} },
        inputs: read.inputs,
      },
      ...(weight !== undefined && { weights: cells.take(2) as Float64Array }),
      warnings: Object.entries(read.skipped).map(
        ([reason, count]) => `skipped ${count} bad rows (${reason})`,
      ),
    };
  } finally {
    await log.close();
  }
}

async function encodedEdges(path: string, weight: string | undefined) {
  const { dataset } = await readEncoded(path);
  if (weight === undefined) return { dataset, warnings: [] };
  const column = columnNamed(dataset, weight);
  if (column.kind !== "number") throw new UsageError(`--weight ${weight}: the column is not numeric`);
  return { dataset, weights: column.values, warnings: [] };
}
