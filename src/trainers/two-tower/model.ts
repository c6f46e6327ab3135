// The files of a two-tower model in a run directory.
//
//   embeddings.arrow            vectors of users at their newest event, of items as scored (with biases), and of the
//                               keys that the user tower reads from context fields and the item tower from side fields
//   history.arrow               vectors of items as inputs of histories
//   items.arrow                 items' own vectors, before the item tower's term and before normalization; only if they
//                               differ from those of history.arrow
//   model/towers.json           the architecture (StoredForm)
//   model/towers.safetensors    user.L.weight, user.L.bias, item.L....; userBias, age f32[dim]; unknown
//                               f32[numFields][dim]: vectors of out-of-vocabulary keys, by field

import { featureSpace, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { DEFAULT_TABLE, type Run } from "../../table/run-directory.js";
import { safetensorsChunks, TensorFile, type Tensor } from "../../table/safetensors.js";
import type { EmbeddingTable } from "../../table/table.js";
import { ArtifactError, UsageError } from "../../base/errors.js";
import { meansForUnknown, withoutUntrained, type OutOfVocabulary } from "../../export/reserve.js";
import type { StoredVectors } from "../shared/factor-model/stored-vectors.js";
import type { UnknownKeysOf } from "../../training/capabilities/model.js";
import { flag, list, object, parseJson, text, where, whole, word } from "../../base/io/json-shape.js";
import { featureTable, rowsByFeature } from "../../training/examples/feature-table.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import type { Towers } from "./examples.js";
import { AGE, FORM_FILE, HISTORY_TABLE, ITEM_TABLE, PARAMETERS_FILE, USER_BIAS } from "./names.js";
import { networkOf, type NetworkOptions } from "./network.js";
import type { TwoTowerOptions } from "./options.js";
import { ascending } from "../../base/numeric/indices.js";
import { floatsIn, rowsIn, rotating, type RotateTensors } from "../shared/factor-model/rotation.js";
import { wholeRows, type Rotation } from "../../training/capabilities/rotation.js";

export type StoredForm = NetworkOptions &
  Pick<TwoTowerOptions, "historyOf" | "historyVectors" | "userBias" | "exampleAge"> & {
    /** columns that the user tower reads, and the item tower, in the order of the feature space's fields */
    userFields: readonly string[];
    sideFields: readonly string[];
  };

const sizes = list(whole(1, 2 ** 13));
const storedForm = object(
  {
    dim: whole(1, 1024),
    similarity: word("cosine", "dot"),
    history: object({ of: word("before", "others"), most: whole(1, 10_000) }),
    historyOf: list(text),
    userBias: flag,
    exampleAge: flag,
    userTower: sizes,
    skipConnection: flag,
    itemTower: sizes,
    userFields: list(text),
    sideFields: list(text),
  },
  // absent in runs of earlier versions
  {
    historyVectors: word("own", "scored"),
    recency: where("a number above 0", (x) => Number.isFinite(x) && Number(x) >= 1e-3),
  },
);

function namesOf({ fields }: FeatureSpace, indexes: readonly number[]): string[] {
  return indexes.map((f) => fields[f]!.name);
}

export function modelFiles(
  space: FeatureSpace,
  { rows }: Towers,
  options: TwoTowerOptions,
  parameters: NamedArrays,
  vectorOf: StoredVectors["vectorOf"],
): Record<string, readonly Uint8Array[] | string> {
  const { dim, similarity, history, historyOf, userBias, exampleAge, recency } = options;
  const { userTower, skipConnection, itemTower } = options;
  const form: StoredForm = {
    ...{ dim, similarity, history, recency: recency || undefined, historyOf },
    ...{ userBias, exampleAge },
    ...{ userTower, skipConnection, itemTower, historyVectors: options.historyVectors },
    userFields: namesOf(space, rows.context.fields),
    sideFields: namesOf(space, rows.side.fields),
  };
  const shape = networkOf({ ...form, dropout: 0 }, slotsOf(form));
  const tensors = new Map<string, Tensor>();
  for (const { name, inputs, outputs } of [...shape.userLayers, ...shape.itemLayers]) {
    tensors.set(`${name}.weight`, { shape: [outputs, inputs], data: floatsOf(parameters, `${name}.weight`) });
    tensors.set(`${name}.bias`, { shape: [outputs], data: floatsOf(parameters, `${name}.bias`) });
  }
  const vectors = floatsOf(parameters, "vectors");
  const beside = { [USER_BIAS]: rows.biasRow, [AGE]: rows.ageRow };
  for (const [name, row] of Object.entries(beside))
    if (row !== undefined)
      tensors.set(name, { shape: [dim], data: vectors.slice(row * dim, (row + 1) * dim) });
  const unknown = new Float32Array(space.fields.length * dim);
  space.fields.forEach(({ kind }, f) => {
    if (kind !== "number") unknown.set(vectorOf(space.offsets[f]!), f * dim);
  });
  tensors.set("unknown", { shape: [space.fields.length, dim], data: unknown });
  return {
    [FORM_FILE]: `${JSON.stringify(form, undefined, 2)}\n`,
    [PARAMETERS_FILE]: [...safetensorsChunks(tensors)],
  };
}

/** Vectors that each tower gets as inputs, one per history, column, user bias and age. */
export function slotsOf({ historyOf, userFields, userBias, exampleAge, sideFields }: StoredForm): {
  user: number;
  item: number;
} {
  return {
    user: Math.max(1, historyOf.length) + userFields.length + (userBias ? 1 : 0) + (exampleAge ? 1 : 0),
    item: sideFields.length,
  };
}

/** The tables of items. @param start vectors of items that this log lacks are kept */
export function towerTables(
  space: FeatureSpace,
  { rows }: Towers,
  { dim }: Pick<TwoTowerOptions, "dim">,
  parameters: NamedArrays,
  start?: { known: Uint8Array; items: Float32Array; histories: Float32Array },
): Record<string, EmbeddingTable> {
  const { numItems, itemFeatures, firstHistoryRow } = rows;
  const vectors = floatsOf(parameters, "vectors");
  // the tables have a feature space of their own, with only the field of items
  const f = space.fields.findIndex((_, i) => itemFeatures[0]! < space.offsets[i + 1]!);
  const own = featureSpace([space.fields[f]!]);
  const tableOf = (first: number, had: Float32Array | undefined): EmbeddingTable => {
    const byFeature = new Float32Array(own.numFeatures * dim);
    for (let id = 1; id < own.numFeatures; id++) {
      const feature = space.offsets[f]! + id;
      if (had && start?.known[feature])
        byFeature.set(had.subarray(feature * dim, (feature + 1) * dim), id * dim);
    }
    for (let item = 0; item < numItems; item++) {
      const feature = itemFeatures[item]! - space.offsets[f]!;
      byFeature.set(vectors.subarray((first + item) * dim, (first + item + 1) * dim), feature * dim);
    }
    return featureTable(own, { dim, vectors: byFeature });
  };
  return {
    [HISTORY_TABLE]: tableOf(firstHistoryRow, start?.histories),
    ...(firstHistoryRow > 0 && { [ITEM_TABLE]: tableOf(0, start?.items) }),
  };
}

export interface StoredTowers {
  form: StoredForm;
  /** f32[numItemFeatures * dim] each: items in histories; items before the item tower's term */
  histories: Float32Array;
  items: Float32Array;
  /** f32[numFeatures * dim]: features of context and side fields, including out-of-vocabulary keys */
  features: Float32Array;
  /** f32[dim] each; absent if the model has none */
  userBias?: Float32Array;
  age?: Float32Array;
  layers: NamedArrays;
}

async function readForm(run: Run): Promise<StoredForm> {
  const file = `${run.path}/model/${FORM_FILE}`;
  const form = parseJson(await run.readModelFile(FORM_FILE), storedForm, file) as unknown as StoredForm;
  const isEarlier = form.userTower.length === 0 || form.skipConnection;
  return { ...form, historyVectors: form.historyVectors ?? (isEarlier ? "scored" : "own") };
}

/** Trained vectors of rare keys for columns that a tower reads; the mean for users and items, which have none. */
export async function unknownKeysOfTowers(
  run: Run,
  { table, name }: UnknownKeysOf,
): Promise<OutOfVocabulary> {
  const means = meansForUnknown(table);
  // tables other than the default have only items, whose unknown keys get the mean
  if (name !== undefined && name !== DEFAULT_TABLE) return means;
  const { userFields, sideFields, dim } = await readForm(run);
  const tensors = await TensorFile.of(run, PARAMETERS_FILE);
  const trained = tensors.f32("unknown", [table.fields.length, dim]);
  const [weights, vectors] = [means.weights.slice(), means.vectors.slice()];
  const is = table.fields.map((field, f) => {
    if (![...userFields, ...sideFields].includes(field)) return means.is[f];
    weights[f] = 0;
    vectors.set(trained.subarray(f * dim, (f + 1) * dim), f * dim);
    return means.is[f] && "trained";
  });
  return withoutUntrained({ weights, vectors, is });
}

export async function readTowers(
  run: Run,
  space: FeatureSpace,
  table: EmbeddingTable,
  item: string,
): Promise<StoredTowers> {
  const form = await readForm(run);
  const tensors = await TensorFile.of(run, PARAMETERS_FILE);
  const { dim } = form;
  if (dim !== table.dim) tensors.fail(`vectors of ${dim} numbers, the table has ${table.dim}`);
  for (const name of [...form.userFields, ...form.sideFields])
    if (!space.fields.some((field) => field.name === name))
      tensors.fail(`'${name}' is not a field of the run`);
  const shape = networkOf({ ...form, dropout: 0 }, slotsOf(form));
  const layers: Record<string, Float32Array> = {};
  for (const { name, inputs, outputs } of [...shape.userLayers, ...shape.itemLayers]) {
    layers[`${name}.weight`] = tensors.f32(`${name}.weight`, [outputs, inputs]);
    layers[`${name}.bias`] = tensors.f32(`${name}.bias`, [outputs]);
  }
  const features = rowsByFeature(space, table.vectors, dim);
  const unknown = tensors.f32("unknown", [space.fields.length, dim]);
  space.fields.forEach(({ kind }, f) => {
    if (kind !== "number") features.set(unknown.subarray(f * dim, (f + 1) * dim), space.offsets[f]! * dim);
  });
  const f = space.fields.findIndex(({ name }) => name === item);
  if (f < 0) tensors.fail(`the item column '${item}' is not a field of the run`);
  const own = featureSpace([space.fields[f]!]);
  const rowsOfTable = async (name: string) => {
    const found = await run.readTable(name);
    if (found.dim !== dim || found.numRows !== own.numFeatures - 1)
      throw new ArtifactError(
        `table '${name}' of run '${run.path}' is ${found.numRows} x ${found.dim}, expected ` +
          `${own.numFeatures - 1} x ${dim}: train the run again`,
      );
    return rowsByFeature(own, found.vectors, dim);
  };
  const histories = await rowsOfTable(HISTORY_TABLE);
  return {
    ...{ form, histories, features, layers },
    items: form.historyVectors === "own" ? await rowsOfTable(ITEM_TABLE) : histories,
    ...(form.userBias && { userBias: tensors.f32(USER_BIAS, [dim]) }),
    ...(form.exampleAge && { age: tensors.f32(AGE, [dim]) }),
  };
}

/** Without layers, users are sums of vectors, so one rotation applies to all vectors. */
export async function towersRotation(run: Run, table: EmbeddingTable): Promise<Rotation> {
  const { userTower, itemTower } = await readForm(run);
  if (userTower.length > 0 || itemTower.length > 0)
    throw new UsageError(
      `run '${run.path}' cannot be rotated because it has a tower ` +
        `(--${userTower.length > 0 ? "user" : "item"}-tower). Warm-start every week with --init instead, or ` +
        "train without towers",
    );
  return {
    groups: wholeRows(table),
    tables: run.tables.flatMap((name) => (name === DEFAULT_TABLE ? [] : [{ name, offset: 0 }])),
    files: rotating(run, { [PARAMETERS_FILE]: rotateTensors }),
  };
}

const rotateTensors: RotateTensors = (tensors, rotate) => {
  const unknown = rowsIn(tensors, "unknown");
  const rotated = new Map<string, Tensor>();
  const fieldOf = ascending(unknown.shape[0]!);
  rotated.set("unknown", { shape: unknown.shape, data: rotate(unknown.data, fieldOf) });
  for (const name of [USER_BIAS, AGE].filter((one) => tensors.has(one))) {
    const { shape, data } = floatsIn(tensors, name);
    rotated.set(name, { shape, data: rotate(data, [0]) });
  }
  return rotated;
};
