// Exports a run's user tower or item tower as an ONNX model from histories, or an item's key, and columns to a vector.

import { ascending } from "../../base/numeric/indices.js";
import { featureSpace, type FeatureSpace, type Field } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../table/run-directory.js";
import { rowsOf, type EmbeddingTable } from "../../table/table.js";
import { UsageError } from "../../base/errors.js";
import { type NetworkLayer, GraphBuilder, denseLayers } from "../../export/onnx/graph.js";
import {
  type FoundBy,
  AXIS,
  byRow,
  checkColumns,
  embeddingOf,
  rowFeatures,
  rowOfKey,
  valueOfNumber,
  type NetworkKeys,
  type NetworkNumber,
  type RowFeatures,
} from "../../export/onnx/columns.js";
import { checkFields, networkField } from "../../training/capabilities/network-fields.js";
import type { DenseLayer } from "../../compute/kernels/shared/dense.js";
import { rowsByFeature } from "../../training/examples/feature-table.js";
import type { NetworkAsked, NetworkFile } from "../../training/capabilities/model.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { readSpace } from "../../training/capabilities/run-space.js";
import { inHashOrder, recencyOf } from "./histories.js";
import { readTowers, slotsOf, type StoredTowers } from "./model.js";
import { networkOf } from "./network.js";
import { itemHashes } from "./rows.js";
import { intAttribute, modelChunks } from "../../export/onnx/model.js";
import type { Keys } from "../../log/keys.js";

interface Parts {
  space: FeatureSpace;
  table: EmbeddingTable;
  towers: StoredTowers;
  item: Field & { kind: "key" };
}

export async function towerFile(
  tower: "user" | "item",
  run: Run,
  { reserve: scheme = "keras", onnxInput: input = "key" }: NetworkAsked,
): Promise<NetworkFile> {
  const { space, table, preprocess } = await readSpace(run);
  const name = preprocess.roles.item!;
  const towers = await readTowers(run, space, table, name);
  const { similarity, itemTower, userFields, sideFields } = towers.form;
  if (tower === "item" && itemTower.length === 0)
    throw new UsageError(
      `run '${run.path}' has no item tower, so an item's vector is its table row: export the table ` +
        `(--onnx-part table${similarity === "dot" ? " --with-weight for the item biases" : ""}), or train with ` +
        "--item-tower",
    );
  const item = space.fields.find((field) => field.name === name);
  if (item?.kind !== "key") throw new RangeError(`'${name}' is not a field of keys`);
  const columns = (tower === "user" ? userFields : sideFields).map((one) =>
    space.fields.find((field) => field.name === one)!,
  );
  await checkFields(run, table, [item, ...columns], input);
  const parts = { space, table, towers, item: item as Parts["item"] };
  const sizes = [item, ...columns].map((field) => (field.kind === "number" ? 1 : field.keys.size));
  const made =
    tower === "user"
      ? userFile(parts, columns, { scheme, input })
      : itemFile(parts, columns, { scheme, input });
  return { ...made, rows: sizes.reduce((total, size) => total + size, 0) };
}

function userFile(
  parts: Parts,
  columns: readonly Field[],
  by: FoundBy,
): Pick<NetworkFile, "chunks" | "note"> {
  const { towers, item } = parts;
  const { form, layers, userBias } = towers;
  const { dim, similarity, exampleAge, history, historyOf } = form;
  const { userLayers } = networkOf({ ...form, dropout: 0 }, slotsOf(form));
  const what =
    history.of === "others"
      ? `items of '${item.name}' in any order`
      : `items of '${item.name}' in the order of their events, the newest last`;
  const histories =
    historyOf.length === 0
      ? [{ name: "history", doc: what }]
      : historyOf.map((source, h) => ({ name: `history_${h + 1}`, doc: `${what}: events with ${source}` }));
  const tower: UserTower = {
    dim,
    cosine: similarity === "cosine",
    items: historyItems(parts),
    histories,
    fields: fieldsOf(parts, columns),
    layers: withoutLast(layersOf(userLayers, layers), exampleAge ? dim : 0),
    skip: form.skipConnection,
    bias: userBias,
  };
  const inputs = [
    ...histories.map(({ name, doc }) => `${name} (${doc})`),
    ...columns.map(({ name }) => name),
  ];
  const note = `the user tower, from ${inputs.join(", ")} to vector`;
  return { chunks: userTowerChunks(tower, by), note };
}

function itemFile(
  parts: Parts,
  columns: readonly Field[],
  by: FoundBy,
): Pick<NetworkFile, "chunks" | "note"> {
  const { table, towers, item } = parts;
  const { form, layers, items } = towers;
  const { dim, similarity } = form;
  const { itemLayers } = networkOf({ ...form, dropout: 0 }, slotsOf(form));
  const { first, last } = rowsOf(table, item.name);
  const isCosine = similarity === "cosine";
  const { weights = new Float32Array(table.numRows) } = table;
  const tower: ItemTower = {
    dim,
    cosine: isCosine,
    name: item.name,
    keys: item.keys,
    vectors: items,
    ...(!isCosine && {
      biases: rowsByFeature(featureSpace([item]), weights.subarray(first, last), 1),
    }),
    fields: fieldsOf(parts, columns),
    layers: layersOf(itemLayers, layers),
  };
  const inputs = [item, ...columns].map(({ name }) => name);
  const note = `the item tower, from ${inputs.join(", ")} to vector${isCosine ? "" : " and bias"}`;
  return { chunks: itemTowerChunks(tower, by), note };
}

function historyItems({ space, towers: { form, histories }, item }: Parts): HistoryItems {
  const { history, recency } = form;
  const numItems = item.keys.size;
  const made = {
    keys: item.keys,
    vectors: histories,
    counts: recencyOf(recency, history) ?? new Float32Array(history.most).fill(1),
  };
  if (history.of === "before") return made;
  // each item's rank in the order by hash, from which the items of a long history are sampled; found by sorting the
  // items as those of one user
  const first = space.offsets[space.fields.indexOf(item)]! + 1;
  const all = {
    indptr: Uint32Array.of(0, numItems),
    items: ascending(numItems),
  };
  const order = inHashOrder(
    all,
    itemHashes(
      space,
      all.items.map((i) => first + i),
    ),
  );
  const places = new Uint32Array(numItems);
  order.forEach((i, place) => (places[i] = place));
  return { ...made, places };
}

function fieldsOf(
  { space, towers: { form, features } }: Parts,
  columns: readonly Field[],
): UserTower["fields"] {
  return columns.map((field) => {
    const f = space.fields.indexOf(field);
    const [from, to] = [space.offsets[f]!, space.offsets[f + 1]!];
    return networkField(field, { embeddings: features.subarray(from * form.dim, to * form.dim) });
  });
}

function layersOf(shapes: readonly DenseLayer[], parameters: NamedArrays): NetworkLayer[] {
  return shapes.map(({ name, inputs, outputs, activation, residual }) => ({
    ...{ inputs, outputs, activation: activation as NetworkLayer["activation"], residual },
    weight: floatsOf(parameters, `${name}.weight`),
    bias: floatsOf(parameters, `${name}.bias`),
  }));
}

/** Without the last `numLess` inputs of the first layer, which are always zero. */
function withoutLast([first, ...rest]: NetworkLayer[], numLess: number): NetworkLayer[] {
  if (!first) return [];
  const { outputs, weight } = first;
  const inputs = first.inputs - numLess;
  const kept = new Float32Array(outputs * inputs);
  for (let o = 0; o < outputs; o++)
    kept.set(weight.subarray(o * first.inputs, o * first.inputs + inputs), o * inputs);
  return [{ ...first, inputs, weight: kept }, ...rest];
}

//   input  HISTORY  string[N, L] keys of items or, with --onnx-input row, int64[N, L] rows of the field; "", the
//                   padding row, negative rows and unknown items are ignored wherever they stand
//   input  ITEM     string[N] keys, or int64[N] rows
//   input  FIELD    as in the export of networks (../net/export-network.ts)
//   output vector   f32[N, dim]
//   output bias     f32[N], for items whose scores are inner products
//
// A history's input vector is sum_i c_i v_i / sum_i c_i over its known items. In a list, c_i depends on how many items
// come later (--recency); in a set, repeated items count once, and c_i depends on how many items come before in the
// order by hash. c_i = 0 beyond the longest history of the training.

interface Tower {
  dim: number;
  /** columns besides the items; the vector of each is an input of the tower */
  fields: readonly (NetworkKeys | NetworkNumber)[];
  /** layers from the inputs' vectors to the output vector; empty if there is no tower */
  layers: readonly NetworkLayer[];
  cosine: boolean;
}

/** Items that may occur in histories. */
interface HistoryItems {
  /** keys of the items; an empty key is a row without an item */
  keys: Keys;
  /** f32[1 + keys.size][dim]: vectors of the items; row 0, for unknown items, is never read */
  vectors: Float32Array;
  /** f32[most]: weight by the number of items counted before; the first has weight 1, items beyond the last 0 */
  counts: Float32Array;
  /** u32[keys.size]: rank in the order by hash, for histories that are sets; absent for lists, truncated to their end */
  places?: Uint32Array;
}

/** The user's vector is the output of the layers or, without layers, the sum of the inputs' vectors. */
interface UserTower extends Tower {
  items: HistoryItems;
  /** name and description of the input of each history */
  histories: readonly { name: string; doc: string }[];
  /** f32[dim]: bias of users, which is added to the sum of the inputs' vectors; absent if 0 */
  bias?: Float32Array;
  /** whether the sum of the inputs' vectors is added to the layers' output */
  skip: boolean;
}

/** The item's vector is its row, plus the output of the layers for its columns. */
interface ItemTower extends Tower {
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

function userTowerChunks(tower: UserTower, by: FoundBy): Iterable<Uint8Array> {
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

function itemTowerChunks(tower: ItemTower, by: FoundBy): Iterable<Uint8Array> {
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

/** Computes a history's input vector, f32[N, dim]; histories share their constants. */
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
  /** int64[N, L] each: rows of the table of vectors; 1 for counted items; number of items counted before */
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

/** Sums earlier positions or, with `reverse`, later ones. @param isOne int64[N, L]: 1 for counted items */
function countBefore(graph: GraphBuilder, isOne: string, { reverse }: { reverse: 0 | 1 }): string {
  return graph.apply("CumSum", [isOne, graph.int64(1)], {
    attributes: [intAttribute("exclusive", 1), intAttribute("reverse", reverse)],
  });
}

function sumOver(graph: GraphBuilder, x: string, { keepdims }: { keepdims: 0 | 1 }): string {
  return graph.apply("ReduceSum", [x, graph.int64([1])], {
    attributes: [intAttribute("keepdims", keepdims)],
  });
}

/** A column's input vector, f32[N, dim]; zeros for a missing cell. */
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
