// A trained network: its scores, and its files in a run directory.
//
//   embeddings.arrow        the embedding layer: for each key of each field its vector and, for fnn and wide-deep, its
//                           weight w, which is an input of the network in fnn and belongs to the wide part in wide-deep
//   model/net.json          the network's shape (StoredShape)
//   model/net.safetensors   the other parameters, named as in parameterShapes. oovEmbeddings f32[numFields][W] and
//                           oovWide f32[numFields]: out-of-vocabulary features (0 for a numeric field, which has
//                           none); crosses f32[numCrosses]

import { unknownKeysOf, featureTable, tableFeatures } from "../../training/examples/feature-table.js";
import type { FeatureRows } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../table/run-directory.js";
import { safetensorsChunks, TensorFile, type Tensor } from "../../table/safetensors.js";
import { flag, list, object, parseJson, text, whole, word } from "../../base/io/json-shape.js";
import type { EmbeddingTable } from "../../table/table.js";
import {
  embeddingWidth,
  parameterShapes,
  type NetInputs,
  type NetShape,
} from "../../compute/kernels/net/shape.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import type { Scorer } from "../../training/session/feature-training.js";
import { crosserOf, numCrossesOf, type CrossPlan } from "./crosses.js";
import { startNet } from "./machine.js";
import type { NetMachine, NetDesign } from "./plan.js";
import { netRowsOf } from "./rows.js";
import type { OutOfVocabulary } from "../../export/reserve.js";
import type { KeyVectors } from "../../training/capabilities/key-vectors.js";
import { readSpace } from "../../training/capabilities/run-space.js";

export const NET_MODEL = "net";
const SHAPE_FILE = "net.json";
const PARAMETERS_FILE = "net.safetensors";

export interface NetParameters {
  shape: NetShape;
  crosses: CrossPlan;
  /** parameters with the names and shapes of parameterShapes */
  parameters: NamedArrays;
}

export interface NetModel extends NetParameters {
  epochs: EpochEvent[];
  /** number of the epoch whose parameters these are, from 1 */
  bestEpoch: number;
  interrupted?: boolean;
}

/** Content of net.json: the shape of a network; the fields' ranges of features are computed from the table. */
type StoredShape = Omit<NetShape, "offsets" | "numCrosses" | "numNumeric" | "dropout" | "layerNorm"> & {
  crosses: CrossPlan;
  /** whether hidden layers are normalized; absent means false */
  layerNorm?: boolean;
};

const storedShape = object(
  {
    arch: word("fnn", "wide-deep", "deep-crossing"),
    dim: whole(1, 2 ** 16),
    hidden: list(whole(1, 2 ** 20)),
    activation: word("tanh", "relu"),
    embeddingRelu: flag,
    loss: word("logistic", "squared"),
    crosses: object({ fields: list(list(text, 2)), bits: whole(1, 30) }),
  },
  { layerNorm: flag, machine: flag },
);

function checkCrosses(space: FeatureSpace, crosses: CrossPlan, tensors: TensorFile): void {
  const keyed = new Set(space.fields.filter(({ kind }) => kind !== "number").map(({ name }) => name));
  const other = crosses.fields.flat().find((name) => !keyed.has(name));
  if (other !== undefined) tensors.fail(`'${other}' is crossed but is not a categorical field`);
  const numWeights = tensors.has("crosses") ? tensors.shapeOf("crosses")[0] : 0;
  if (numCrossesOf(crosses) !== numWeights)
    tensors.fail(`${numCrossesOf(crosses)} crosses, but ${numWeights} weights for them`);
}

const still = {
  learningRate: 0,
  l2: 0,
  embeddingLearningRate: 0,
  embeddingL2: 0,
  clipNorm: 0,
  learningRateDecay: 1,
  wideLearningRate: 0,
  wideL1: 0,
  wideL2: 0,
  seed: 0,
  batch: 1,
};

/** Scores before any link function, f32[numRows]. The bytes do not depend on the number of threads. */
export async function scoreRows(
  space: FeatureSpace,
  network: NetParameters,
  rows: FeatureRows,
  { threads }: { threads: number },
): Promise<Float32Array> {
  const { machine, toNetRows } = await startScoring(space, network, threads);
  try {
    return await machine.score(toNetRows(rows));
  } finally {
    await machine.terminate();
  }
}

/** Starts a network that scores and encodes. The caller must terminate the machine. */
export async function startScoring(
  space: FeatureSpace,
  { shape, crosses, parameters }: NetParameters,
  threads: number,
): Promise<{
  machine: Pick<NetMachine, "score" | "encode" | "terminate">;
  toNetRows: (rows: FeatureRows) => NetInputs;
}> {
  const plan: NetDesign = { ...shape, ...still };
  const form = { crosses: crosserOf(space, crosses), labelScale: 1 };
  const machine = await startNet(plan, parameters, { threads, trains: false });
  return { machine, toNetRows: (rows) => netRowsOf(rows, form) };
}

/** Has weights if the architecture has them. */
function embeddingsOf(
  { shape, parameters }: NetParameters,
  numFeatures: number,
): { dim: number; w?: Float32Array; vectors: Float32Array } {
  const { dim, arch } = shape;
  const width = embeddingWidth(shape);
  const rows = floatsOf(parameters, "embeddings");
  const vectors = new Float32Array(numFeatures * dim);
  const w = new Float32Array(numFeatures);
  for (let feature = 0; feature < numFeatures; feature++) {
    const end = (feature + 1) * width;
    vectors.set(rows.subarray(end - dim, end), feature * dim);
    w[feature] = arch === "fnn" ? rows[end - width]! : 0;
  }
  if (arch === "wide-deep") w.set(floatsOf(parameters, "wide").subarray(0, numFeatures));
  return { dim, vectors, ...(arch !== "deep-crossing" && { w }) };
}

export function netTable(space: FeatureSpace, model: NetParameters): EmbeddingTable {
  return featureTable(space, embeddingsOf(model, space.numFeatures));
}

export function netModelFiles(
  space: FeatureSpace,
  { shape, crosses, parameters }: NetParameters,
): Record<string, readonly Uint8Array[] | string> {
  const { arch, dim, hidden, activation, embeddingRelu, loss, layerNorm, machine } = shape;
  const form = { arch, dim, hidden, activation, embeddingRelu, loss };
  const more = { ...(layerNorm && { layerNorm }), ...(machine && { machine }) };
  const stored: StoredShape = { ...form, ...more, crosses };
  const width = embeddingWidth(shape);
  const { embeddings, wide, ...others } = parameters;
  const tensors = new Map<string, Tensor>(
    [...parameterShapes(shape)].flatMap(([name, dims]) =>
      Object.hasOwn(others, name) ? [[name, { shape: dims, data: others[name]! }] as const] : [],
    ),
  );
  const oovRows = outOfVocabulary(space, embeddings as Float32Array, width);
  tensors.set("oovEmbeddings", { shape: [space.fields.length, width], data: oovRows });
  if (wide) {
    const weights = wide as Float32Array;
    tensors.set("oovWide", { shape: [space.fields.length], data: outOfVocabulary(space, weights, 1) });
    tensors.set("crosses", { shape: [shape.numCrosses], data: weights.slice(space.numFeatures) });
  }
  return {
    [SHAPE_FILE]: `${JSON.stringify(stored, undefined, 2)}\n`,
    [PARAMETERS_FILE]: [...safetensorsChunks(tensors)],
  };
}

/** Rows of 0 for numeric fields. */
function outOfVocabulary({ fields, offsets }: FeatureSpace, all: Float32Array, width: number): Float32Array {
  const rows = new Float32Array(fields.length * width);
  fields.forEach(({ kind }, f) => {
    if (kind !== "number") rows.set(all.subarray(offsets[f]! * width, (offsets[f]! + 1) * width), f * width);
  });
  return rows;
}

export async function readNet(run: Run, space: FeatureSpace, table: EmbeddingTable): Promise<Scorer> {
  const network = await readNetParameters(run, space, table);
  return {
    score: (rows, options) => scoreRows(space, network, rows, options),
    async start({ threads }) {
      const { machine, toNetRows } = await startScoring(space, network, threads);
      return { score: (rows) => machine.score(toNetRows(rows)), end: () => machine.terminate() };
    },
  };
}

/** @throws {ArtifactError} a tensor is missing or has another shape */
export async function readNetParameters(
  run: Run,
  space: FeatureSpace,
  table: EmbeddingTable,
): Promise<NetParameters> {
  const { crosses, ...stored } = parseJson(
    await run.readModelFile(SHAPE_FILE),
    storedShape,
    `${run.path}/model/${SHAPE_FILE}`,
  ) as StoredShape;
  const tensors = await TensorFile.of(run, PARAMETERS_FILE);
  checkCrosses(space, crosses, tensors);
  if (stored.dim !== table.dim)
    tensors.fail(`vectors of length ${stored.dim}, but the table has ${table.dim}`);
  const needsWeights = stored.arch !== "deep-crossing";
  if (needsWeights && !table.weights) tensors.fail("the table has no weights");
  const shape: NetShape = {
    ...stored,
    offsets: space.offsets,
    numCrosses: numCrossesOf(crosses),
    numNumeric: 0,
    dropout: 0,
    layerNorm: stored.layerNorm ?? false,
  };
  const parameters: Record<string, Float32Array> = {};
  for (const [name, dims] of parameterShapes(shape)) {
    const length = dims.reduce((product, n) => product * n, 1);
    if (name === "embeddings" || name === "wide") parameters[name] = new Float32Array(length);
    else parameters[name] = tensors.f32(name, dims);
  }
  putTable(space, table, shape, parameters);
  const width = embeddingWidth(shape);
  const numFields = space.fields.length;
  putOutOfVocabulary(
    space,
    parameters["embeddings"]!,
    tensors.f32("oovEmbeddings", [numFields, width]),
    width,
  );
  if (parameters["wide"]) {
    putOutOfVocabulary(space, parameters["wide"], tensors.f32("oovWide", [numFields]), 1);
    parameters["wide"].set(tensors.f32("crosses", [shape.numCrosses]), space.numFeatures);
  }
  return { shape, crosses, parameters };
}

function putTable(
  space: FeatureSpace,
  { dim, vectors, weights }: EmbeddingTable,
  shape: NetShape,
  { embeddings, wide }: Record<string, Float32Array>,
): void {
  const width = embeddingWidth(shape);
  tableFeatures(space).forEach((feature, row) => {
    const end = (feature + 1) * width;
    embeddings!.set(vectors.subarray(row * dim, (row + 1) * dim), end - dim);
    if (shape.arch === "fnn") embeddings![end - width] = weights![row]!;
    if (wide) wide[feature] = weights![row]!;
  });
}

function putOutOfVocabulary(
  { fields, offsets }: FeatureSpace,
  all: Float32Array,
  rows: Float32Array,
  width: number,
): void {
  fields.forEach(({ kind }, f) => {
    if (kind !== "number") all.set(rows.subarray(f * width, (f + 1) * width), offsets[f]! * width);
  });
}

/** Has weights if the architecture has them. */
export async function networkVectors(run: Run): Promise<KeyVectors> {
  const { space, preprocess, table } = await readSpace(run);
  const network = await readNetParameters(run, space, table);
  const { dim, vectors, w } = embeddingsOf(network, space.numFeatures);
  return { dim, space, vectors, hasUnknown: true, ...(w && { weights: { w, task: preprocess.task } }) };
}

export async function networkUnknownKeys(run: Run): Promise<OutOfVocabulary> {
  const { dim, space, vectors, weights } = await networkVectors(run);
  return unknownKeysOf(space, { dim, vectors, w: weights?.w ?? new Float32Array(space.numFeatures) });
}
