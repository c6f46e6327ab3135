// Exports a network (train-net) as an ONNX model from columns to scores, with w0 folded into the first layer's biases.

import type { Run } from "../../table/run-directory.js";
import {
  type NetworkKeys,
  type NetworkNumber,
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
import { checkFields, networkField } from "../../training/capabilities/network-fields.js";
import { type NetworkLayer, GraphBuilder, denseLayers } from "../../export/onnx/graph.js";
import { denseLayersOf, embeddingWidth } from "../../compute/kernels/net/shape.js";
import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { readSpace, type RunSpace } from "../../training/capabilities/run-space.js";
import type { NetworkAsked, NetworkFile } from "../../training/capabilities/model.js";
import { floatsOf } from "../../training/epochs/named-arrays.js";
import { featureKey } from "../../base/numeric/initial.js";
import { readNetParameters, type NetParameters } from "./model.js";
import { modelChunks } from "../../export/onnx/model.js";

export async function wholeNetwork(
  run: Run,
  { reserve = "keras", onnxInput = "key" }: NetworkAsked,
): Promise<NetworkFile> {
  const found = await readSpace(run);
  await checkFields(run, found.table, found.space.fields, onnxInput);
  const network = networkOf(found, await readNetParameters(run, found.space, found.table));
  return { chunks: networkChunks(network, { scheme: reserve, input: onnxInput }), rows: found.table.numRows };
}

function networkOf({ space, preprocess }: RunSpace, network: NetParameters): Network {
  const { shape, parameters } = network;
  const width = embeddingWidth(shape);
  return {
    fields: space.fields.map((field, f) => fieldOf(field, space.offsets.slice(f, f + 2), network)),
    width,
    embeddingRelu: shape.embeddingRelu,
    layers: withoutW0(
      denseLayersOf(shape).map((layer) => ({
        ...layer,
        weight: floatsOf(parameters, `${layer.name}.weight`),
        bias: floatsOf(parameters, `${layer.name}.bias`),
        ...(layer.normalized && {
          norm: {
            scale: floatsOf(parameters, `${layer.name}.scale`),
            shift: floatsOf(parameters, `${layer.name}.shift`),
          },
        }),
      })),
      shape.arch === "fnn" ? floatsOf(parameters, "w0")[0] : undefined,
    ),
    crosses: crossesOf(space, network),
    ...(shape.machine && {
      machine: {
        firstDim: width - shape.dim,
        w0: shape.arch === "fnn" ? floatsOf(parameters, "w0")[0]! : 0,
      },
    }),
    link: shape.loss === "logistic" ? { kind: "logistic" } : { kind: "value", range: preprocess.labelRange },
  };
}

/** @param range first feature of the field, and the feature after its last */
function fieldOf(
  field: FeatureSpace["fields"][number],
  [from, to]: readonly number[],
  { shape, parameters }: NetParameters,
): NetworkKeys | NetworkNumber {
  const width = embeddingWidth(shape);
  return networkField(field, {
    embeddings: floatsOf(parameters, "embeddings").subarray(from! * width, to! * width),
    ...(shape.arch === "wide-deep" && { wide: floatsOf(parameters, "wide").subarray(from, to) }),
  });
}

/** Adds the contribution of w0, which is the first element of FNN's x_0, to the first layer's biases. */
function withoutW0(layers: NetworkLayer[], w0: number | undefined): NetworkLayer[] {
  const [first, ...rest] = layers;
  if (w0 === undefined || !first) return layers;
  const { inputs, outputs, weight, bias } = first;
  const kept = new Float32Array(outputs * (inputs - 1));
  for (let o = 0; o < outputs; o++)
    kept.set(weight.subarray(o * inputs + 1, (o + 1) * inputs), o * (inputs - 1));
  const shifted = bias.map((b, o) => b + weight[o * inputs]! * w0);
  return [{ ...first, inputs: inputs - 1, weight: kept, bias: shifted }, ...rest];
}

function crossesOf(space: FeatureSpace, { shape, crosses, parameters }: NetParameters): NetworkCross[] {
  const { fields: pairs, bits } = crosses;
  if (shape.arch !== "wide-deep" || pairs.length === 0) return [];
  const hashes = featureHashes(space);
  const weights = floatsOf(parameters, "wide").subarray(space.numFeatures);
  return pairs.map((pair, p) => {
    const [a, b] = pair.map((name) => space.fields.findIndex((field) => field.name === name));
    const ofFeatures = (f: number, hash: (feature: number) => number): Uint32Array =>
      Uint32Array.from({ length: space.offsets[f + 1]! - space.offsets[f]! }, (_, i) =>
        hash(space.offsets[f]! + i),
      );
    return {
      fields: [a!, b!],
      bits,
      first: ofFeatures(a!, (feature) => featureKey(p, hashes, feature)),
      lo: ofFeatures(b!, (feature) => hashes[2 * feature]!),
      hi: ofFeatures(b!, (feature) => hashes[2 * feature + 1]!),
      weights: weights.subarray(p * 2 ** bits, (p + 1) * 2 ** bits),
    };
  });
}

//   input  FIELD   string[N] keys or, with --onnx-input row, int64[N] rows; "" and the padding row are missing
//   input  NUMBER  f32[N] numbers as in the log, NaN if missing; also for fields that are binned
//   output score   f32[N] probabilities or, for regression, values clipped to the range of the training labels
//
// The embedding layer x_0 is built field by field: Gather of a key's row, or a number times its row. Each dense layer
// is one Gemm (docs/algorithms/networks.md). W is the length of an embedding: (w, v) in fnn, v otherwise. Numbers are
// compared with the edges of bins in f32, the type of the input.

/** The feature cross of two fields; the weight of a pair of features is looked up by a hash of both (`drawIn`). */
interface NetworkCross {
  /** indexes of the two categorical fields */
  fields: readonly [number, number];
  bits: number;
  /** u32: for each feature of the first field, a hash of the feature and of the pair of fields */
  first: Uint32Array;
  /** u32 each: low and high word of the hash of each feature of the second field */
  lo: Uint32Array;
  hi: Uint32Array;
  /** weight of each hash value, f32[2^bits] */
  weights: Float32Array;
}

interface Network {
  fields: readonly (NetworkKeys | NetworkNumber)[];
  /** W: number of elements of an embedding, including its weight */
  width: number;
  embeddingRelu: boolean;
  /** dense layers; the only output of the last layer is the score */
  layers: readonly NetworkLayer[];
  crosses: readonly NetworkCross[];
  /**
   * if present, the score of a factorization machine of the embeddings is added, with bias w0; its vectors v start at
   * element `firstDim` of an embedding
   */
  machine?: { firstDim: number; w0: number };
  /** meaning of the score: log-odds, or a value that is clipped to a range */
  link: { kind: "logistic" } | { kind: "value"; range: readonly [low: number, high: number] };
}

const SCORE = "score";

function networkChunks(network: Network, by: FoundBy): Iterable<Uint8Array> {
  checkColumns(network.fields, [SCORE]);
  const graph = new GraphBuilder();
  const rowsOf = network.fields.map((field) =>
    field.kind === "keys" ? rowFeatures(field.keys.size, by.scheme) : new Int32Array(),
  );
  const found = network.fields.map((field, f) =>
    field.kind === "keys" ? rowOfKey(graph, field, rowsOf[f]!, by) : valueOfNumber(graph, field),
  );
  const parts = network.fields.map((field, f) =>
    embeddingOf(graph, network.width, field, found[f]!, rowsOf[f]!),
  );
  let x = graph.beside(parts);
  if (network.embeddingRelu) x = graph.apply("Relu", [x]);
  const deep = graph.apply("Reshape", [denseLayers(graph, network.layers, x), graph.int64([-1])]);
  const wide = network.fields.flatMap((field, f) =>
    field.wide ? [wideOf(graph, field, field.wide, found[f]!, rowsOf[f]!)] : [],
  );
  const crossed = network.crosses.map((cross) => crossOf(graph, cross, found, rowsOf));
  const machine = network.machine ? machineTerms(graph, network.width, network.machine, parts) : [];
  linked(graph, network.link, graph.sum([deep, ...wide, ...crossed, ...machine]));
  graph.output({ name: SCORE, element: "float", shape: [AXIS] });
  return modelChunks({ ...graph.graph, ...(crossed.length > 0 && { opset: CROSS_OPSET }) });
}

/** The terms of the factorization machine: half of (square of the sum - sum of squares) of v, the sum of w, and w0. */
function machineTerms(
  graph: GraphBuilder,
  width: number,
  { firstDim, w0 }: { firstDim: number; w0: number },
  parts: readonly string[],
): string[] {
  const weighed = (x: string, weight: (k: number) => number): string => {
    const column = graph.constant(
      [width, 1],
      Float32Array.from({ length: width }, (_, k) => weight(k)),
    );
    return graph.apply("Reshape", [graph.apply("MatMul", [x, column]), graph.int64([-1])]);
  };
  const sum = graph.sum(parts);
  const squares = graph.sum(parts.map((part) => graph.apply("Mul", [part, part])));
  const pairs = graph.apply("Sub", [graph.apply("Mul", [sum, sum]), squares]);
  const terms = [weighed(pairs, (k) => (k < firstDim ? 0 : 0.5))];
  if (firstDim === 0) return terms;
  return [...terms, weighed(sum, (k) => (k < firstDim ? 1 : 0)), graph.constant([], Float32Array.of(w0))];
}

function wideOf(
  graph: GraphBuilder,
  { kind }: NetworkKeys | NetworkNumber,
  wide: Float32Array,
  found: string,
  rows: RowFeatures,
): string {
  return kind === "keys"
    ? graph.apply("Gather", [graph.constant([rows.length], byRow(wide, rows, 1)), found])
    : graph.apply("Mul", [found, graph.constant([1], wide)]);
}

/** The weight of each row's cross, f32[N]; 0 if one of the two keys is missing. */
function crossOf(
  graph: GraphBuilder,
  { fields: [a, b], bits, first, lo, hi, weights }: NetworkCross,
  found: readonly string[],
  rowsOf: readonly RowFeatures[],
): string {
  const gathered = (f: number, hashes: Uint32Array): string => {
    const rows = rowsOf[f]!;
    const ofRows = graph.constant([rows.length], byRow(hashes, rows, 1));
    return graph.cast(graph.apply("Gather", [ofRows, found[f]!]), "int64");
  };
  const hash = drawIn(graph, drawIn(graph, gathered(a, first), gathered(b, lo)), gathered(b, hi));
  const place = shiftRight(graph, hash, 32 - bits);
  const weight = graph.apply("Gather", [graph.constant([weights.length], weights), place]);
  const isMissing = (f: number): string =>
    graph.apply("Equal", [found[f]!, graph.int64(rowsOf[f]!.indexOf(-1))]);
  const none = graph.constant([], Float32Array.of(0));
  return graph.apply("Where", [graph.apply("Or", [isMissing(a), isMissing(b)]), none, weight]);
}

function linked(graph: GraphBuilder, link: Network["link"], score: string): void {
  if (link.kind === "logistic") graph.apply("Sigmoid", [score], { output: SCORE });
  else {
    const [low, high] = link.range.map((end) => graph.constant([], Float32Array.of(end)));
    graph.apply("Clip", [score, low!, high!], { output: SCORE });
  }
}

// Crosses: the ONNX graph computes the hash of two features, and looks up the weight by it.
//
//   first   u32, per row of the first field: the hash of (pair, feature)
//   lo, hi  u32, per row of the second field: the feature's hash
//   place = draw(draw(first, lo), hi) / 2^(32 - bits)          draw: docs/algorithms/networks.md, base/numeric/random.ts
//
// ONNX has no arithmetic modulo 2^32. Numbers are int64 in [0, 2^32), and a product is computed in two parts below
// 2^49, which do not overflow. BitwiseXor needs ai.onnx 18.

/** Version of ai.onnx that BitwiseXor requires. */
const CROSS_OPSET = 18;
const TWO_16 = 2 ** 16;
const TWO_32 = 2 ** 32;

/** draw(key, counter) of int64 tensors. */
function drawIn(graph: GraphBuilder, key: string, counter: string): string {
  let x = modulo(graph, graph.apply("Add", [key, times(graph, counter, 0x9e3779b9)]), TWO_32);
  x = shiftedXor(graph, x, 16);
  x = shiftedXor(graph, times(graph, x, 0x21f0aaad), 15);
  return shiftedXor(graph, times(graph, x, 0xd35a2d97), 15);
}

/** floor(x / 2^bits) */
function shiftRight(graph: GraphBuilder, x: string, bits: number): string {
  return graph.apply("Div", [x, graph.int64(2 ** bits)]);
}

const shiftedXor = (graph: GraphBuilder, x: string, bits: number): string =>
  graph.apply("BitwiseXor", [x, shiftRight(graph, x, bits)]);

const modulo = (graph: GraphBuilder, x: string, by: number): string =>
  graph.apply("Mod", [x, graph.int64(by)]);

/** (x factor) mod 2^32, for factor = high 2^16 + low, as (x low + (x high mod 2^16) 2^16) mod 2^32. */
function times(graph: GraphBuilder, x: string, factor: number): string {
  const low = graph.apply("Mul", [x, graph.int64(factor % TWO_16)]);
  const high = modulo(graph, graph.apply("Mul", [x, graph.int64(Math.floor(factor / TWO_16))]), TWO_16);
  return modulo(graph, graph.apply("Add", [low, graph.apply("Mul", [high, graph.int64(TWO_16)])]), TWO_32);
}
