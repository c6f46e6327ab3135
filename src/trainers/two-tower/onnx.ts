// Writes a user tower or item tower (train-two-tower) as an ONNX model from histories, or an item's key, and columns to
// a vector.
//
//   input  HISTORY  string[N, L] keys of items or, with --onnx-input row, int64[N, L] rows of the field; "", the
//                   padding row, negative rows and unknown items are ignored wherever they stand
//   input  ITEM     string[N] keys, or int64[N] rows
//   input  FIELD    as in the export of networks (../net/onnx.ts)
//   output vector   f32[N, dim]
//   output bias     f32[N], for items whose scores are inner products
//
// A history's input vector is sum_i c_i v_i / sum_i c_i over its known items. In a list, c_i depends on how many items
// come later (--recency); in a set, repeated items count once, and c_i depends on how many items come before in the
// order by hash. c_i = 0 beyond the longest history of the training.

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

/** Properties that user towers and item towers share. */
interface Tower {
  dim: number;
  /** columns besides the items; the vector of each is an input of the tower */
  fields: readonly (NetworkKeys | NetworkNumber)[];
  /** layers from the inputs' vectors to the output vector; empty if there is no tower */
  layers: readonly NetworkLayer[];
  /** whether vectors are normalized */
  cosine: boolean;
}

/** Items that may occur in histories. */
export interface HistoryItems {
  /** keys of the items; an empty key is a row without an item */
  keys: Keys;
  /** f32[1 + keys.size][dim]: vectors of the items; row 0, for unknown items, is never read */
  vectors: Float32Array;
  /**
   * f32[most]: weight of an item in a history by the number of items that are counted before it; the first has weight
   * 1, items beyond the last 0
   */
  counts: Float32Array;
  /**
   * u32[keys.size]: each item's rank in the order by hash, in which a history that is a set is truncated; absent if
   * histories are lists, which are truncated to their end
   */
  places?: Uint32Array;
}

/**
 * A model that computes a user's vector from histories and columns: the output of the layers or, without layers, the
 * sum of the inputs' vectors.
 */
export interface UserTower extends Tower {
  items: HistoryItems;
  /** name and description of the input of each history */
  histories: readonly { name: string; doc: string }[];
  /** f32[dim]: bias of users, which is added to the sum of the inputs' vectors; absent if 0 */
  bias?: Float32Array;
  /** whether the sum of the inputs' vectors is added to the layers' output */
  skip: boolean;
}

/** A model that computes an item's vector: its row, plus the output of the layers for its columns. */
export interface ItemTower extends Tower {
  name: string;
  /** keys of the items; an empty key is a row without an item */
  keys: Keys;
  /** f32[1 + keys.size][dim]: vectors of the items; row 0 is that of unknown items */
  vectors: Float32Array;
  /** f32[1 + keys.size]: bias of each item, which is added to the inner product; absent for cosines */
  biases?: Float32Array;
}

const VECTOR = "vector";
const BIAS = "bias";

/** Minimum squared length by which a vector is divided, as in the kernel. */
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

/** Returns the bytes of an ONNX model that encodes items. @throws the errors of userTowerChunks */
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

/** Returns a function that computes a history's input vector, f32[N, dim]; histories share their constants. */
function historyMeans(
  graph: GraphBuilder,
  { keys, vectors, counts, places }: HistoryItems,
  dim: number,
  by: FoundBy,
): (history: UserTower["histories"][number]) => string {
  const rows = rowFeatures(keys.size, by.scheme);
  const most = counts.length;
  // an item after `most` counted items has weight 0
  const countAt = graph.constant([most + 1], Float32Array.of(...counts, 0));
  const rowOf = ({ name, doc }: UserTower["histories"][number]) => {
    const axes = { shape: [AXIS, `${name} items`], doc };
    const found = rowOfKey(graph, { name, keys }, rows, by, axes);
    if (by.input === "key") return found;
    // many frameworks pad with -1, which Gather would take as the last row; negative rows are replaced by that of
    // unknown items
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
    // if any item is counted, the first has weight 1; therefore a sum below 1 means an empty history
    const total = graph.apply("Max", [
      sumOver(graph, weight, { keepdims: 1 }),
      graph.constant([], Float32Array.of(1)),
    ]);
    return graph.apply("Div", [sumOver(graph, weighted, { keepdims: 0 }), total]);
  };
}

/** The items of a history, each with the number of items that are counted before it, which determines its weight. */
interface Ordered {
  /** feature of each row of the ONNX table of item vectors */
  order: RowFeatures;
  /**
   * maps rows of the item field, int64[N, L], to three int64[N, L]: `at`, rows of the ONNX table of vectors; `isOne`, 1
   * for counted items; and `back`, the number of items that are counted before
   */
  of: (row: string) => { at: string; isOne: string; back: string };
}

/** Reads a history as a list whose last item is the newest. */
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

/** Reads a history as a set: its items sorted by rank, without repetitions. */
function inOrder(graph: GraphBuilder, rows: RowFeatures, places: Uint32Array, numItems: number): Ordered {
  const placeOf = graph.constant(
    [rows.length],
    BigInt64Array.from(rows, (feature) => BigInt(feature > 0 ? places[feature - 1]! : numItems)),
  );
  // items by rank; the last element represents keys that are not items
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
      // shifts ranks by one position, with -1 before the first, to find repetitions
      const shifted = graph.apply("Pad", [at, graph.int64([0, 1, 0, 0]), graph.int64(-1)]);
      const before = graph.apply("Slice", [shifted, graph.int64([0]), graph.int64([-1]), graph.int64([1])]);
      const isItem = graph.apply("Less", [at, graph.int64(numItems)]);
      const isNew = graph.apply("Greater", [at, before]);
      const isOne = graph.cast(graph.apply("And", [isItem, isNew]), "int64");
      return { at, isOne, back: countBefore(graph, isOne, { reverse: 0 }) };
    },
  };
}

/**
 * Returns for each position the sum over earlier positions; if `reverse` is 1, over later positions.
 * @param isOne int64[N, L]: 1 for counted items, 0 for others
 */
function countBefore(graph: GraphBuilder, isOne: string, { reverse }: { reverse: 0 | 1 }): string {
  return graph.apply("CumSum", [isOne, graph.int64(1)], {
    attributes: [intAttribute("exclusive", 1), intAttribute("reverse", reverse)],
  });
}

/** Returns the sum over the second axis of a tensor. */
function sumOver(graph: GraphBuilder, x: string, { keepdims }: { keepdims: 0 | 1 }): string {
  return graph.apply("ReduceSum", [x, graph.int64([1])], {
    attributes: [intAttribute("keepdims", keepdims)],
  });
}

/** Returns a column's input vector, f32[N, dim]; zeros for a missing cell. */
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

/** Writes the output: the vector, which is normalized if scores are cosines. */
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
