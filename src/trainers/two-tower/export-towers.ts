// Exports a run's user tower or item tower to ONNX. The inputs do not include the example's age, since users are
// encoded with an age of 0.

import { ascending } from "../../numeric/indices.js";
import { featureSpace, type FeatureSpace, type Field } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import { rowsOf, type EmbeddingTable } from "../../embedding/table.js";
import { UsageError } from "../../errors.js";
import type { NetworkLayer } from "../../export/onnx/graph.js";
import type { FoundBy } from "../../export/onnx/columns.js";
import { checkFields, networkField } from "../../training/capabilities/network-fields.js";
import {
  itemTowerChunks,
  userTowerChunks,
  type HistoryItems,
  type ItemTower,
  type UserTower,
} from "./onnx.js";
import type { DenseLayer } from "../../kernels/shared/dense.js";
import { rowsByFeature } from "../../training/examples/feature-table.js";
import type { NetworkAsked, NetworkFile } from "../../training/capabilities/model.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { readSpace } from "../../training/capabilities/run-space.js";
import { inHashOrder, recencyOf } from "./histories.js";
import { readTowers, slotsOf, type StoredTowers } from "./model.js";
import { networkOf } from "./network.js";
import { itemHashes } from "./rows.js";

/** Contents of a run from which a tower is exported. */
interface Parts {
  space: FeatureSpace;
  table: EmbeddingTable;
  towers: StoredTowers;
  item: Field & { kind: "key" };
}

/**
 * Exports a tower of a run; also returns a note on its inputs.
 *
 * @throws {UsageError} the run has no item tower; a column is multi-valued or hashed, which ONNX does not support
 * @throws {DataError} a key cannot be represented
 */
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

/** Returns the layers, without the last `numLess` inputs of the first layer, which are always zero. */
function withoutLast([first, ...rest]: NetworkLayer[], numLess: number): NetworkLayer[] {
  if (!first) return [];
  const { outputs, weight } = first;
  const inputs = first.inputs - numLess;
  const kept = new Float32Array(outputs * inputs);
  for (let o = 0; o < outputs; o++)
    kept.set(weight.subarray(o * first.inputs, o * first.inputs + inputs), o * inputs);
  return [{ ...first, inputs, weight: kept }, ...rest];
}
