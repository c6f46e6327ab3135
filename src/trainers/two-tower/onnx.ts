// Writes a user tower or item tower (train-two-tower) as an ONNX model from histories, or an item's key, and columns to
// a vector.
//
//   input  HISTORY  string[N, L] keys of items or, with --onnx-input row, int64[N, L] rows of the field; "", the padding
//                   row, negative rows and unknown items are ignored wherever they stand
//   input  ITEM     string[N] keys, or int64[N] rows
//   input  FIELD    as in the export of networks (onnx-network.ts)
//   output vector   f32[N, dim]
//   output bias     f32[N], for items whose scores are inner products
//
// A history's slot is sum_i c_i v_i / sum_i c_i over its known items. In a list, c_i depends on how many items come
// later (--recency); in a set, repeated items count once, and c_i depends on how many items come before in the order by
// hash. c_i = 0 beyond the longest history of the training.

import {
  AXIS,
  byRow,
  checkColumns,
  embeddingOf,
  rowFeatures,
  rowOfKey,
  valueOfNumber,
  type FoundBy,
  type NetworkKeys,
  type NetworkNumber,
  type RowFeatures,
} from "../../export/onnx/columns.js";
import { GraphBuilder, denseLayers, type NetworkLayer } from "../../export/onnx/graph.js";
import { intAttribute, modelChunks } from "../../export/onnx/model.js";
import type { Keys } from "../../log/keys.js";

/** Properties of both towers. */
interface Tower {
  dim: number;
  /** columns besides the items, an input slot each */
  fields: readonly (NetworkKeys | NetworkNumber)[];
  /** layers from the slots to a vector; empty if the tower has none */
  layers: readonly NetworkLayer[];
  /** whether vectors are normalized */
  cosine: boolean;
}

/** The items that may occur in histories. */
export interface HistoryItems {
  /** an empty key is a hole */
  keys: Keys;
  /** f32[1 + keys.size][dim]; row 0, for unknown items, is never read */
  vectors: Float32Array;
  /**
   * f32[most]: weight of an item by the number of items taken before it; the first has weight 1, those beyond the last
   * 0
   */
  counts: Float32Array;
  /**
   * u32[keys.size]: each item's rank in the order by hash, in which a history that is a set is truncated; absent if
   * histories are lists, which are truncated to their end
   */
  places?: Uint32Array;
}

/** Computes a user's vector from histories and columns: the layers' output, or without layers the sum of the slots. */
export interface UserTower extends Tower {
  items: HistoryItems;
  /** an input per history: its name and description */
  histories: readonly { name: string; doc: string }[];
  /** f32[dim]: added to the sum; absent if 0 */
  bias?: Float32Array;
  /** whether the sum of the slots is added to the layers' output */
  skip: boolean;
}

/** Computes an item's vector: its row, plus the layers' output for its columns. */
export interface ItemTower extends Tower {
  name: string;
  /** an empty key is a hole */
  keys: Keys;
  /** f32[1 + keys.size][dim]; row 0 is for unknown items */
  vectors: Float32Array;
  /** f32[1 + keys.size]: added to the inner product; absent for cosines */
  biases?: Float32Array;
}

const VECTOR = "vector";
const BIAS = "bias";

/** Lower bound of a squared length in a normalization, as in the kernel. */
const SHORTEST = 1e-12;

/**
 * Returns the bytes of an ONNX model that encodes users.
 *
 * @throws {UsageError} a column's name is reserved
 * @throws {DataError} the model would be larger than 2 GiB
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

/** Returns the bytes of an ONNX model that encodes items. @throws as userTowerChunks */
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

/** Returns a function that builds the slot of a history, f32[N, dim]; the slots share their constants. */
function historyMeans(
  graph: GraphBuilder,
  { keys, vectors, counts, places }: HistoryItems,
  dim: number,
  by: FoundBy,
): (history: UserTower["histories"][number]) => string {
  const rows = rowFeatures(keys.size, by.scheme);
  const most = counts.length;
  // an item after `most` others has weight 0
  const countAt = graph.constant([most + 1], Float32Array.of(...counts, 0));
  const rowOf = ({ name, doc }: UserTower["histories"][number]) => {
    const axes = { shape: [AXIS, `${name} items`], doc };
    const found = rowOfKey(graph, { name, keys }, rows, by, axes);
    if (by.input === "key") return found;
    // many frameworks pad with -1, which Gather would interpret as the last row
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
    // if any item counts, the first has weight 1, so a sum below 1 means an empty history
    const total = graph.apply("Max", [
      sumOver(graph, weight, { keepdims: 1 }),
      graph.constant([], Float32Array.of(1)),
    ]);
    return graph.apply("Div", [sumOver(graph, weighted, { keepdims: 0 }), total]);
  };
}

/** The items at each position of histories. */
interface Ordered {
  /** the items of the rows of vectors */
  order: RowFeatures;
  /**
   * maps int64[N, L] rows of the field to rows of vectors, whether an item counts (int64), and the number of counting
   * items before it
   */
  of: (row: string) => { at: string; isOne: string; back: string };
}

/** Orders a history as a list, the newest item last. */
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

/** Orders a history as a set: items by rank, without repetitions. */
function inOrder(graph: GraphBuilder, rows: RowFeatures, places: Uint32Array, numItems: number): Ordered {
  const placeOf = graph.constant(
    [rows.length],
    BigInt64Array.from(rows, (feature) => BigInt(feature > 0 ? places[feature - 1]! : numItems)),
  );
  // items by rank; the last entry stands for anything that is not an item
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
      // shift by one position; -1 before the first
      const shifted = graph.apply("Pad", [at, graph.int64([0, 1, 0, 0]), graph.int64(-1)]);
      const before = graph.apply("Slice", [shifted, graph.int64([0]), graph.int64([-1]), graph.int64([1])]);
      const isItem = graph.apply("Less", [at, graph.int64(numItems)]);
      const isNew = graph.apply("Greater", [at, before]);
      const isOne = graph.cast(graph.apply("And", [isItem, isNew]), "int64");
      return { at, isOne, back: countBefore(graph, isOne, { reverse: 0 }) };
    },
  };
}

/** Returns for each position the sum of those before it, or after it if reversed. @param isOne int64[N, L] */
function countBefore(graph: GraphBuilder, isOne: string, { reverse }: { reverse: 0 | 1 }): string {
  return graph.apply("CumSum", [isOne, graph.int64(1)], {
    attributes: [intAttribute("exclusive", 1), intAttribute("reverse", reverse)],
  });
}

/** Sums over the second axis. */
function sumOver(graph: GraphBuilder, x: string, { keepdims }: { keepdims: 0 | 1 }): string {
  return graph.apply("ReduceSum", [x, graph.int64([1])], {
    attributes: [intAttribute("keepdims", keepdims)],
  });
}

/** Returns a column's slot, f32[N, dim]; zeros for a missing cell. */
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

/** Writes the output: the vector, normalized if scores are cosines. */
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
