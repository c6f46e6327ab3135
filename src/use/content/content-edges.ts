// Edges between the items of a catalogue, and smoothing of content over these edges, by which an item gets its
// neighbors' content, too.
//
//   A    adjacency matrix of the undirected graph; a repeated edge has a higher weight       D  diag(A 1) + I
//   S    D^-1/2 (A + I) D^-1/2
//   X'   S^K X, rows of content smoothed over K hops; an item without edges keeps its row
//
// Source: Wu et al. 2019 (arXiv:1902.07153), equations 3 and 8 (SGC): a graph network without nonlinearities between
// hops. Here a regression of vectors on X' replaces the classifier.

import { encodeKeys, keyAt, type Keys } from "../../log/keys.js";
import { graphOf, type Graph } from "../../dataset/graph/graph.js";
import { excerpt, UsageError } from "../../base/errors.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import type { BlockRows } from "../../compute/kernels/ridge/binding.js";
import type { Watch } from "../../training/session/watch.js";
import { edgesBetween, readEdgeFile, type EdgeFile, type EdgeReading } from "./edge-files.js";

/** Maximum number of (row, column) pairs with a value in the smoothed rows; a pair takes 12 bytes. */
const MOST_PAIRS = 200_000_000;

/** The graph of a catalogue's items. The number of a node is the row number of its item in the catalogue. */
interface ContentEdges {
  graph: Graph;
  inputs: InputFingerprint[];
  notes: string[];
  warnings: string[];
}

export async function readContentEdges(
  files: readonly string[],
  items: Keys,
  asTrained: (key: string) => string,
  { reading }: Pick<EdgeReading, "reading">,
  watch: Watch,
): Promise<ContentEdges> {
  const read = await readEdgeFile("--content-edges", files, undefined, { reading }, watch);
  const [source, target] = [read.source, read.target].map((column) => ({
    ...column,
    dictionary: encodeKeys(
      Array.from({ length: column.dictionary.size }, (_, code) => asTrained(keyAt(column.dictionary, code))),
    ),
  }));
  const edges = { ...read, source: source!, target: target! };
  const { graph, counts } = graphOf(items.size, edgesBetween(items, edges), { directed: false });
  const named = files.join(", ");
  if (counts.edges === 0 && counts.loops > 0 && counts.missing === 0)
    throw new UsageError(
      `${named} has no edge between two items: all ${counts.loops} are from an item to itself`,
    );
  if (counts.edges === 0) throw noEdges(edges, items, named);
  let isolated = 0;
  for (let item = 0; item < items.size; item++)
    if (graph.offsets[item] === graph.offsets[item + 1]) isolated++;
  const less = [
    ...(read.others.length > 0
      ? [
          `ignored ${read.others.map((name) => `'${name}'`).join(", ")} of ${named}: repeat an edge to weigh it more`,
        ]
      : []),
    ...(counts.repeated > 0 ? [`${counts.repeated} repeated edges add to the weight of the first`] : []),
    ...(counts.loops > 0 ? [`skipped ${counts.loops} edges from an item to itself`] : []),
  ];
  return {
    graph,
    inputs: read.dataset.inputs,
    notes: [
      `${counts.edges} edges between items; ${isolated} of ${items.size} items have none and keep their content`,
      ...less,
    ],
    warnings:
      counts.missing > 0
        ? [
            `skipped ${counts.missing} of ${read.dataset.numRows} edges of ${named} with an end that is not in ` +
              "the catalogue",
          ]
        : [],
  };
}

function noEdges({ source, target }: EdgeFile, items: Keys, named: string): UsageError {
  const example = (keys: Keys) => (keys.size > 0 ? `, such as ${excerpt(keyAt(keys, 0))},` : "");
  return new UsageError(
    `${named} has no edge between two items of the catalogue: its ends${example(source.dictionary)} are in ` +
      `the columns '${source.name}' and '${target.name}', and the catalogue's keys${example(items)} must be ` +
      "written the same way",
  );
}

/** Returns the rows of content after one hop of smoothing over the edges; the column numbers of each row ascend. */
export function smoothedRows<R extends BlockRows>(rows: R, { offsets, neighbors, weights }: Graph): R {
  const { numRows } = rows;
  const scale = Float64Array.from({ length: numRows }, (_, item) => {
    let degree = 1;
    for (let at = offsets[item]!; at < offsets[item + 1]!; at++) degree += weights?.[at] ?? 1;
    return 1 / Math.sqrt(degree);
  });
  const sums = new Float64Array(rows.blocks.at(-1)!);
  const has = new Uint8Array(sums.length);
  const indptr = new Uint32Array(numRows + 1);
  let [columns, values] = [
    new Uint32Array(2 * rows.columns.length),
    new Float64Array(2 * rows.columns.length),
  ];
  for (let item = 0; item < numRows; item++) {
    const touched: number[] = [];
    const add = (from: number, by: number) => {
      for (let pair = rows.indptr[from]!; pair < rows.indptr[from + 1]!; pair++) {
        const column = rows.columns[pair]!;
        if (has[column] === 0) touched.push(column);
        has[column] = 1;
        sums[column]! += by * rows.values[pair]!;
      }
    };
    add(item, scale[item]! * scale[item]!);
    for (let at = offsets[item]!; at < offsets[item + 1]!; at++)
      add(neighbors[at]!, scale[item]! * (weights?.[at] ?? 1) * scale[neighbors[at]!]!);
    const end = indptr[item]! + touched.length;
    if (end > MOST_PAIRS)
      throw new UsageError(
        "content smoothed over --content-edges has more than 200 million values: use --content-hops 1, fewer " +
          "edges or fewer columns",
      );
    if (end > columns.length) {
      columns = grown(columns, new Uint32Array(2 * end));
      values = grown(values, new Float64Array(2 * end));
    }
    touched.sort((a, b) => a - b);
    touched.forEach((column, i) => {
      columns[indptr[item]! + i] = column;
      values[indptr[item]! + i] = sums[column]!;
      sums[column] = has[column] = 0;
    });
    indptr[item + 1] = end;
  }
  const size = indptr[numRows]!;
  return { ...rows, indptr, columns: columns.slice(0, size), values: values.slice(0, size) };
}

function grown<A extends Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
