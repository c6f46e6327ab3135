// onnx of a network (train-net): columns in, scores out.
//
//   input  FIELD   string[N] a key, or with --onnx-input row int64[N] a row of the field; "" and the padding row are a missing cell
//   input  NUMBER  f32[N] the number as the log has it, NaN where it is missing; ranges (bins) are found by it, too
//   output score   f32[N] the probability, or for regression the value, within the range of the training part's labels
//
// x_0 is made field by field, Gather of a key's row, a number's row times its value, and dense layers follow (docs/algorithms/networks.md):
// one Gemm each. W is the length of an embedding: (w, v) of fnn, v of the others. Ranges are compared as f32, as the input is.

import type { Keys } from "../embedding/table.js";
import { UsageError, excerpt } from "../errors.js";
import { CROSS_OPSET, drawIn, shiftRight } from "./onnx-cross.js";
import { GraphBuilder, INNER } from "./onnx-graph.js";
import { keysToRows } from "./onnx-keys.js";
import { ELEMENT, intAttribute, modelChunks } from "./onnx-model.js";
import { reservedRows, type ReserveScheme } from "./reserve.js";
import type { OnnxInput } from "./selection.js";

/** A field of keys. Its features are the out-of-vocabulary one, then its keys in their order. */
export interface NetworkKeys {
  kind: "keys";
  name: string;
  /** an empty key is a hole */
  keys: Keys;
  /** a number finds its key: key b holds what is from edges[b - 1] on and below edges[b] */
  edges?: readonly number[];
  /** f32[1 + keys.size][W] */
  embeddings: Float32Array;
  /** f32[1 + keys.size]: weights of the wide part */
  wide?: Float32Array;
}

/** A number: its feature's value is (number - mean) / deviation. */
export interface NetworkNumber {
  kind: "number";
  name: string;
  /** of log(1 + number) instead */
  log1p: boolean;
  mean: number;
  deviation: number;
  /** f32[W] */
  embeddings: Float32Array;
  /** f32[1] */
  wide?: Float32Array;
}

/** Crosses of two fields: weights by the hash of two features, as onnx-cross.ts computes it. */
export interface NetworkCross {
  /** indices of fields of keys */
  fields: readonly [number, number];
  bits: number;
  /** u32 of each feature of the first field */
  first: Uint32Array;
  /** u32 of each feature of the second field */
  lo: Uint32Array;
  hi: Uint32Array;
  /** f32[2^bits] */
  weights: Float32Array;
}

export interface NetworkLayer {
  inputs: number;
  outputs: number;
  /** f32[outputs][inputs] */
  weight: Float32Array;
  /** f32[outputs] */
  bias: Float32Array;
  activation: "tanh" | "relu" | "none";
  /** whether the input of the layer before is added before the activation */
  residual: boolean;
}

/** A network as it scores. */
export interface Network {
  fields: readonly (NetworkKeys | NetworkNumber)[];
  /** W */
  width: number;
  /** whether x_0 has a ReLU */
  embeddingRelu: boolean;
  /** the last one's only output is the score */
  layers: readonly NetworkLayer[];
  crosses: readonly NetworkCross[];
  /** the score is log-odds, or a value that is clipped to a range */
  link: { kind: "logistic" } | { kind: "value"; range: readonly [low: number, high: number] };
}

/** What a row of a field is: its feature, or -1 of a missing cell. */
type RowFeatures = Int32Array;

const SCORE = "score";
const AXIS = "N";

/**
 * The bytes of the model.
 *
 * @param scheme which rows of a field are a missing cell and unknown keys
 * @throws {UsageError} a column has a name that the model needs
 * @throws {DataError} it would be larger than 2 GiB
 */
export function networkChunks(
  network: Network,
  { scheme, input }: { scheme: ReserveScheme; input: OnnxInput },
): Iterable<Uint8Array> {
  checkNames(network);
  const graph = new GraphBuilder();
  const rowsOf = network.fields.map((field) =>
    field.kind === "keys" ? rowFeatures(field.keys.size, scheme) : new Int32Array(),
  );
  const found = network.fields.map((field, f) =>
    field.kind === "keys"
      ? rowOfKey(graph, field, rowsOf[f]!, { scheme, input })
      : valueOfNumber(graph, field),
  );
  const parts = network.fields.map((field, f) =>
    embeddingOf(graph, network.width, field, found[f]!, rowsOf[f]!),
  );
  let x = graph.apply("Concat", parts, { attributes: [intAttribute("axis", 1)] });
  if (network.embeddingRelu) x = graph.apply("Relu", [x]);
  const deep = graph.apply("Reshape", [denseLayers(graph, network.layers, x), graph.int64([-1])]);
  const wide = network.fields.flatMap((field, f) =>
    field.wide ? [wideOf(graph, field, field.wide, found[f]!, rowsOf[f]!)] : [],
  );
  const crossed = network.crosses.map((cross) => crossOf(graph, cross, found, rowsOf));
  linked(graph, network.link, sum(graph, [deep, ...wide, ...crossed]));
  graph.output({ name: SCORE, element: "float", shape: [AXIS] });
  return modelChunks({ ...graph.graph, ...(crossed.length > 0 && { opset: CROSS_OPSET }) });
}

/** @throws {UsageError} a column is called as the output, or as an inner value may be */
function checkNames({ fields }: Network): void {
  for (const { name } of fields)
    if (name === SCORE || name.startsWith(INNER))
      throw new UsageError(`the model has a value ${excerpt(name)} besides that column: rename the column`);
}

/** By row of a field with reserved rows: 0 is the out-of-vocabulary feature, i + 1 key i. */
function rowFeatures(numKeys: number, scheme: ReserveScheme): RowFeatures {
  const { padding, unknown } = reservedOf(numKeys, scheme);
  const features = new Int32Array(numKeys + 2);
  let feature = 1;
  for (let row = 0; row < features.length; row++)
    features[row] = row === padding ? -1 : row === unknown ? 0 : feature++;
  return features;
}

function reservedOf(numKeys: number, scheme: ReserveScheme): { padding: number; unknown: number } {
  const { padding, outOfVocabulary } = reservedRows(scheme);
  return { padding, unknown: outOfVocabulary < 0 ? numKeys + 2 + outOfVocabulary : outOfVocabulary };
}

/** The row of each example, int64[N]. */
function rowOfKey(
  graph: GraphBuilder,
  { name, keys, edges }: NetworkKeys,
  rows: RowFeatures,
  { scheme, input }: { scheme: ReserveScheme; input: OnnxInput },
): string {
  const { padding, unknown } = reservedOf(keys.size, scheme);
  if (edges) return rowOfRange(graph, name, edges, { padding, first: rows.indexOf(1) });
  if (input === "row") return graph.input({ name, element: "int64", shape: [AXIS] });
  graph.input({ name, element: "string", shape: [AXIS] });
  const { bytes, offsets } = keys;
  const known = Array.from(rows.keys()).filter((row) => {
    const i = rows[row]! - 1;
    return i >= 0 && offsets[i + 1]! > offsets[i]!;
  });
  const output = graph.fresh();
  graph.graph.nodes.push(
    keysToRows(name, output, {
      size: known.length,
      key: (k) => bytes.subarray(offsets[rows[known[k]!]! - 1], offsets[rows[known[k]!]!]),
      row: (k) => known[k]!,
      padding,
      unknown,
    }),
  );
  return output;
}

/** The number of edges at or below a number, from the row of the first range on. */
function rowOfRange(
  graph: GraphBuilder,
  name: string,
  edges: readonly number[],
  { padding, first }: { padding: number; first: number },
): string {
  const number = graph.input({ name, element: "float", shape: [AXIS] });
  const column = graph.apply("Reshape", [number, graph.int64([-1, 1])]);
  const ends = graph.constant([1, edges.length], Float32Array.from(edges));
  const isAbove = graph.apply("GreaterOrEqual", [column, ends]);
  const count = graph.apply("ReduceSum", [cast(graph, isAbove, "int64"), graph.int64([1])], {
    attributes: [intAttribute("keepdims", 0)],
  });
  const row = graph.apply("Add", [count, graph.int64(first)]);
  return graph.apply("Where", [graph.apply("IsNaN", [number]), graph.int64(padding), row]);
}

/** The value of each example, f32[N]; 0 where the number is missing. */
function valueOfNumber(graph: GraphBuilder, { name, log1p, mean, deviation }: NetworkNumber): string {
  const number = graph.input({ name, element: "float", shape: [AXIS] });
  const double = (x: number): string => graph.constant([], Float64Array.of(x));
  // in f64, as training has it: a mean may be large beside the deviation
  let x = cast(graph, number, "double");
  if (log1p) x = graph.apply("Log", [graph.apply("Add", [x, double(1)])]);
  const centred = graph.apply("Sub", [x, double(mean)]);
  const value = cast(graph, graph.apply("Div", [centred, double(deviation)]), "float");
  return graph.apply("Where", [
    graph.apply("IsNaN", [number]),
    graph.constant([], Float32Array.of(0)),
    value,
  ]);
}

/** e_f, f32[N, W]. @param found the row of keys, the value of numbers */
function embeddingOf(
  graph: GraphBuilder,
  width: number,
  { kind, embeddings }: NetworkKeys | NetworkNumber,
  found: string,
  rows: RowFeatures,
): string {
  if (kind === "keys")
    return graph.apply("Gather", [
      graph.constant([rows.length, width], byRow(embeddings, rows, width)),
      found,
    ]);
  const column = graph.apply("Reshape", [found, graph.int64([-1, 1])]);
  return graph.apply("Mul", [column, graph.constant([1, width], embeddings)]);
}

/** A field's part of the wide sum, f32[N]. */
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

/** The output of the last layer, f32[N, 1]. */
function denseLayers(graph: GraphBuilder, layers: readonly NetworkLayer[], x: string): string {
  let [before, last] = [x, x];
  for (const { inputs, outputs, weight, bias, activation, residual } of layers) {
    const [W, b] = [graph.constant([outputs, inputs], weight), graph.constant([outputs], bias)];
    let z = graph.apply("Gemm", [last, W, b], { attributes: [intAttribute("transB", 1)] });
    if (residual) z = graph.apply("Add", [z, before]);
    before = last;
    last = activation === "none" ? z : graph.apply(activation === "tanh" ? "Tanh" : "Relu", [z]);
  }
  return last;
}

/** The weight of each example's cross, f32[N]; 0 where one of the two is missing. */
function crossOf(
  graph: GraphBuilder,
  { fields: [a, b], bits, first, lo, hi, weights }: NetworkCross,
  found: readonly string[],
  rowsOf: readonly RowFeatures[],
): string {
  const gathered = (f: number, hashes: Uint32Array): string => {
    const rows = rowsOf[f]!;
    const ofRows = graph.constant([rows.length], byRow(hashes, rows, 1));
    return cast(graph, graph.apply("Gather", [ofRows, found[f]!]), "int64");
  };
  const hash = drawIn(graph, drawIn(graph, gathered(a, first), gathered(b, lo)), gathered(b, hi));
  const place = shiftRight(graph, hash, 32 - bits);
  const weight = graph.apply("Gather", [graph.constant([weights.length], weights), place]);
  const isMissing = (f: number): string =>
    graph.apply("Equal", [found[f]!, graph.int64(rowsOf[f]!.indexOf(-1))]);
  const none = graph.constant([], Float32Array.of(0));
  return graph.apply("Where", [graph.apply("Or", [isMissing(a), isMissing(b)]), none, weight]);
}

/** The link's output, under the model's name for it. */
function linked(graph: GraphBuilder, link: Network["link"], score: string): void {
  if (link.kind === "logistic") graph.apply("Sigmoid", [score], { output: SCORE });
  else {
    const [low, high] = link.range.map((end) => graph.constant([], Float32Array.of(end)));
    graph.apply("Clip", [score, low!, high!], { output: SCORE });
  }
}

const sum = (graph: GraphBuilder, terms: readonly string[]): string =>
  terms.length === 1 ? terms[0]! : graph.apply("Sum", terms);

const cast = (graph: GraphBuilder, x: string, to: keyof typeof ELEMENT): string =>
  graph.apply("Cast", [x], { attributes: [intAttribute("to", ELEMENT[to])] });

/** Numbers of features in the order of rows, zeros for a missing cell. @param all [numFeatures][width] */
function byRow<T extends Float32Array | Uint32Array>(all: T, rows: RowFeatures, width: number): T {
  const out = new (all.constructor as new (length: number) => T)(rows.length * width);
  rows.forEach((feature, row) => {
    if (feature >= 0) out.set(all.subarray(feature * width, (feature + 1) * width), row * width);
  });
  return out;
}
