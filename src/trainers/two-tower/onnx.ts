// onnx of a run's user tower or item tower (train-two-tower): a history or an item's key and columns in, a vector out.
//
//   input  HISTORY  string[N, L] keys of items, or with --onnx-input row int64[N, L] rows of the field; "", the padding row and
//                   negative rows count for nothing, wherever they stand, and so do unknown items
//   input  ITEM     string[N] its key, or int64[N] its row
//   input  FIELD    as a network has it (onnx-network.ts)
//   output vector   f32[N, dim]
//   output bias     f32[N], of an item whose scores are inner products
//
// A history's slot is sum_i c_i v_i / sum_i c_i over the known items, in a list c_i by how many of them come later (--recency), in a set
// by how many come before in the order of hashes, repeated items once. c_i = 0 beyond the longest history of the training.

import type { HistoryItems, ItemTower, UserTower, NetworkKeys, NetworkNumber } from "../../export/network.js";
import {
  AXIS,
  byRow,
  checkColumns,
  embeddingOf,
  rowFeatures,
  rowOfKey,
  valueOfNumber,
  type FoundBy,
  type RowFeatures,
} from "../../export/onnx/columns.js";
import { GraphBuilder, denseLayers } from "../../export/onnx/graph.js";
import { intAttribute, modelChunks } from "../../export/onnx/model.js";

const VECTOR = "vector";
const BIAS = "bias";

/** The least squared length that a vector is divided by, as in the kernel. */
const SHORTEST = 1e-12;

/**
 * The bytes of a model that makes vectors of users.
 *
 * @throws {UsageError} a column has a name that the model needs
 * @throws {DataError} it would be larger than 2 GiB
 */
export function userTowerChunks(tower: UserTower, by: FoundBy): Iterable<Uint8Array> {
  const { dim, items, histories, fields, layers, bias, skip, cosine } = tower;
  checkColumns(fields, [VECTOR, ...histories.map(({ name }) => name)]);
  const graph = new GraphBuilder();
  const meanOf = historyMeans(graph, items, dim, by);
  const slots = [
    ...histories.map((history) => meanOf(history)),
    ...fields.map((field) => fieldSlot(graph, field, dim, by)),
  ];
  const beside = bias ? [graph.constant([1, dim], bias)] : [];
  const made = layers.length > 0 ? [denseLayers(graph, layers, graph.beside(slots))] : [];
  const user = graph.sum(skip || layers.length === 0 ? [...made, ...slots, ...beside] : made);
  writeVector(graph, user, { dim, cosine });
  return modelChunks(graph.graph);
}

/** The same of items. @throws as userTowerChunks */
export function itemTowerChunks(tower: ItemTower, by: FoundBy): Iterable<Uint8Array> {
  const { dim, name, keys, vectors, biases, fields, layers, cosine } = tower;
  checkColumns([tower, ...fields], [VECTOR, BIAS]);
  const graph = new GraphBuilder();
  const rows = rowFeatures(keys.size, by.scheme);
  const row = rowOfKey(graph, { name, keys }, rows, by);
  const own = graph.apply("Gather", [graph.constant([rows.length, dim], byRow(vectors, rows, dim)), row]);
  const slots = fields.map((field) => fieldSlot(graph, field, dim, by));
  const added = denseLayers(graph, layers, graph.beside(slots));
  writeVector(graph, graph.apply("Add", [own, added]), { dim, cosine });
  if (biases) {
    graph.apply("Gather", [graph.constant([rows.length], byRow(biases, rows, 1)), row], { output: BIAS });
    graph.output({ name: BIAS, element: "float", shape: [AXIS] });
  }
  return modelChunks(graph.graph);
}

/** Slots of histories, f32[N, dim] each, which share their constants. */
function historyMeans(
  graph: GraphBuilder,
  { keys, vectors, counts, places }: HistoryItems,
  dim: number,
  by: FoundBy,
): (history: UserTower["histories"][number]) => string {
  const rows = rowFeatures(keys.size, by.scheme);
  const most = counts.length;
  // an item that `most` others precede counts 0
  const countAt = graph.constant([most + 1], Float32Array.of(...counts, 0));
  const rowOf = ({ name, doc }: UserTower["histories"][number]) => {
    const axes = { shape: [AXIS, `${name} items`], doc };
    const found = rowOfKey(graph, { name, keys }, rows, by, axes);
    if (by.input === "key") return found;
    // -1 is what many pad by, and Gather would take the last row for it
    const isBelow = graph.apply("Less", [found, graph.int64(0)]);
    return graph.apply("Where", [isBelow, graph.int64(rows.indexOf(-1)), found]);
  };
  const ordered = places ? inOrder(graph, rows, places, keys.size) : inList(graph, rows);
  const table = graph.constant([ordered.order.length, dim], byRow(vectors, ordered.order, dim));
  return (history) => {
    const { at, isOne, back } = ordered.of(rowOf(history));
    const place = graph.apply("Min", [back, graph.int64(most)]);
    const weight = graph.apply("Mul", [graph.apply("Gather", [countAt, place]), graph.cast(isOne, "float")]);
    const column = graph.apply("Unsqueeze", [weight, graph.int64([2])]);
    const weighted = graph.apply("Mul", [graph.apply("Gather", [table, at]), column]);
    // of the items that count one counts 1, so that a sum below 1 is that of none
    const total = graph.apply("Max", [
      sumOver(graph, weight, { keepdims: 1 }),
      graph.constant([], Float32Array.of(1)),
    ]);
    return graph.apply("Div", [sumOver(graph, weighted, { keepdims: 0 }), total]);
  };
}

/** What stands at each place of histories. */
interface Ordered {
  /** the items of the rows of vectors */
  order: RowFeatures;
  /** of int64[N, L] rows of the field: rows of vectors, whether an item counts (int64), and how many that count precede it */
  of: (row: string) => { at: string; isOne: string; back: string };
}

/** A list, the newest item last. */
function inList(graph: GraphBuilder, rows: RowFeatures): Ordered {
  const isKnown = graph.constant(
    [rows.length],
    BigInt64Array.from(rows, (feature) => (feature > 0 ? 1n : 0n)),
  );
  return {
    order: rows,
    of: (row) => {
      const isOne = graph.apply("Gather", [isKnown, row]);
      return { at: row, isOne, back: countBefore(graph, isOne, { reverse: 1 }) };
    },
  };
}

/** A set: items by their places, those that repeat the one before left out. */
function inOrder(graph: GraphBuilder, rows: RowFeatures, places: Uint32Array, numItems: number): Ordered {
  const placeOf = graph.constant(
    [rows.length],
    BigInt64Array.from(rows, (feature) => BigInt(feature > 0 ? places[feature - 1]! : numItems)),
  );
  // by place; the last one is of what is no item
  const order = new Int32Array(numItems + 1).fill(-1);
  places.forEach((place, i) => (order[place] = i + 1));
  return {
    order,
    of: (row) => {
      const found = graph.apply("Gather", [placeOf, row]);
      const length = graph.apply("Gather", [graph.apply("Shape", [row]), graph.int64([1])]);
      const [at, unused] = [graph.fresh(), graph.fresh()];
      graph.node(
        "TopK",
        [found, length],
        [at, unused],
        [intAttribute("axis", 1), intAttribute("largest", 0), intAttribute("sorted", 1)],
      );
      // the one before each; -1 before the first
      const shifted = graph.apply("Pad", [at, graph.int64([0, 1, 0, 0]), graph.int64(-1)]);
      const before = graph.apply("Slice", [shifted, graph.int64([0]), graph.int64([-1]), graph.int64([1])]);
      const isItem = graph.apply("Less", [at, graph.int64(numItems)]);
      const isNew = graph.apply("Greater", [at, before]);
      const isOne = graph.cast(graph.apply("And", [isItem, isNew]), "int64");
      return { at, isOne, back: countBefore(graph, isOne, { reverse: 0 }) };
    },
  };
}

/** Of each place the sum of those before it, or from the end. @param isOne int64[N, L] */
function countBefore(graph: GraphBuilder, isOne: string, { reverse }: { reverse: 0 | 1 }): string {
  return graph.apply("CumSum", [isOne, graph.int64(1)], {
    attributes: [intAttribute("exclusive", 1), intAttribute("reverse", reverse)],
  });
}

/** The sum over the second axis. */
function sumOver(graph: GraphBuilder, x: string, { keepdims }: { keepdims: 0 | 1 }): string {
  return graph.apply("ReduceSum", [x, graph.int64([1])], {
    attributes: [intAttribute("keepdims", keepdims)],
  });
}

/** What a column adds, f32[N, dim]; zeros for a missing cell. */
function fieldSlot(
  graph: GraphBuilder,
  field: NetworkKeys | NetworkNumber,
  dim: number,
  by: FoundBy,
): string {
  const rows = field.kind === "keys" ? rowFeatures(field.keys.size, by.scheme) : new Int32Array();
  const found = field.kind === "keys" ? rowOfKey(graph, field, rows, by) : valueOfNumber(graph, field);
  return embeddingOf(graph, dim, field, found, rows);
}

/** The model's output: the vector, divided by its length where scores are cosines. */
function writeVector(
  graph: GraphBuilder,
  x: string,
  { dim, cosine }: { dim: number; cosine: boolean },
): void {
  if (cosine) {
    const squares = sumOver(graph, graph.apply("Mul", [x, x]), { keepdims: 1 });
    const least = graph.constant([], Float32Array.of(SHORTEST));
    const length = graph.apply("Sqrt", [graph.apply("Max", [squares, least])]);
    graph.apply("Div", [x, length], { output: VECTOR });
  } else graph.apply("Identity", [x], { output: VECTOR });
  graph.output({ name: VECTOR, element: "float", shape: [AXIS, dim] });
}
