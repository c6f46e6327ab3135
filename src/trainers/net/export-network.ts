// Exports a network to ONNX: its parameters by field, with w0 folded into the first layer's biases.

import type { Run } from "../../embedding/run-directory.js";
import type { NetworkKeys, NetworkNumber } from "../../export/onnx/columns.js";
import { checkFields, networkField } from "../../training/capabilities/network-fields.js";
import type { NetworkLayer } from "../../export/onnx/graph.js";
import { networkChunks, type Network, type NetworkCross } from "./onnx.js";
import { denseLayersOf, embeddingWidth } from "../../kernels/net/shape.js";
import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { readSpace, type RunSpace } from "../../training/capabilities/run-space.js";
import type { NetworkAsked, NetworkFile } from "../../training/capabilities/model.js";
import { floatsOf } from "../../training/epochs/named-arrays.js";
import { crossStart } from "./crosses.js";
import { readNetParameters, type NetParameters } from "./model.js";

/**
 * Exports the network of a run.
 *
 * @returns also the number of rows of its table
 * @throws {UsageError} a field is multi-valued or hashed, which ONNX does not support
 * @throws {DataError} a key cannot be represented
 */
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

/**
 * Describes a field as an input of the exported network.
 * @param range first feature of the field, and the feature after its last
 */
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

/**
 * Removes w0, which is the first element of FNN's input vector x_0, from the inputs of the first layer, and adds its
 * contribution to the layer's biases.
 */
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
      first: ofFeatures(a!, (feature) => crossStart(p, hashes, feature)),
      lo: ofFeatures(b!, (feature) => hashes[2 * feature]!),
      hi: ofFeatures(b!, (feature) => hashes[2 * feature + 1]!),
      weights: weights.subarray(p * 2 ** bits, (p + 1) * 2 ** bits),
    };
  });
}
