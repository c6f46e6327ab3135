// onnx of a network (train-net): columns in, scores out.
//
//   input  FIELD   string[N] a key, or with --onnx-input row int64[N] a row of the field; "" and the padding row are a missing cell
//   input  NUMBER  f32[N] the number as the log has it, NaN where it is missing; ranges (bins) are found by it, too
//   output score   f32[N] the probability, or for regression the value, within the range of the training part's labels
//
// x_0 is made field by field, Gather of a key's row, a number's row times its value, and dense layers follow (docs/algorithms/networks.md):
// one Gemm each. W is the length of an embedding: (w, v) of fnn, v of the others. Ranges are compared as f32, as the input is.

import { GraphBuilder, denseLayers, type NetworkLayer } from "../../export/onnx/graph.js";
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
import { modelChunks } from "../../export/onnx/model.js";

/** Crosses of two fields: weights by the hash of two features, as drawIn computes it. */
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
  /** whether the score of the factorization machine of x_0 is added, and its w0; of W numbers v begins at `firstDim` */
  machine?: { firstDim: number; w0: number };
  /** the score is log-odds, or a value that is clipped to a range */
  link: { kind: "logistic" } | { kind: "value"; range: readonly [low: number, high: number] };
}

const SCORE = "score";

/**
 * The bytes of the model.
 *
 * @throws {UsageError} a column has a name that the model needs
 * @throws {DataError} it would be larger than 2 GiB
 */
export function networkChunks(network: Network, by: FoundBy): Iterable<Uint8Array> {
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

/** What sums up to the score of the machine: half of (the sum's square less the sum of squares) of v, the sum of w, and w0. */
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

/** The link's output, under the model's name for it. */
function linked(graph: GraphBuilder, link: Network["link"], score: string): void {
  if (link.kind === "logistic") graph.apply("Sigmoid", [score], { output: SCORE });
  else {
    const [low, high] = link.range.map((end) => graph.constant([], Float32Array.of(end)));
    graph.apply("Clip", [score, low!, high!], { output: SCORE });
  }
}

// Crosses: the hash of two features, computed by the graph, and its weight.
//
//   first   u32, of a row of the first field: the hash of (pair, its feature)
//   lo, hi  u32, of a row of the second field: its feature's hash
//   place = draw(draw(first, lo), hi) / 2^(32 - bits)          draw: docs/algorithms/networks.md, numeric/random.ts
//
// ONNX has no arithmetic modulo 2^32. Numbers are int64 in [0, 2^32), and a product is taken in two parts that stay below 2^49, so
// that nothing overflows. BitwiseXor is of ai.onnx 18.

/** The version of ai.onnx that crosses need. */
const CROSS_OPSET = 18;
const TWO_16 = 2 ** 16;
const TWO_32 = 2 ** 32;

/** draw(key, counter) of int64 tensors. @returns its name */
function drawIn(graph: GraphBuilder, key: string, counter: string): string {
  let x = modulo(graph, graph.apply("Add", [key, times(graph, counter, 0x9e3779b9)]), TWO_32);
  x = shiftedXor(graph, x, 16);
  x = shiftedXor(graph, times(graph, x, 0x21f0aaad), 15);
  return shiftedXor(graph, times(graph, x, 0xd35a2d97), 15);
}

/** x / 2^bits, rounded down. */
function shiftRight(graph: GraphBuilder, x: string, bits: number): string {
  return graph.apply("Div", [x, graph.int64(2 ** bits)]);
}

const shiftedXor = (graph: GraphBuilder, x: string, bits: number): string =>
  graph.apply("BitwiseXor", [x, shiftRight(graph, x, bits)]);

const modulo = (graph: GraphBuilder, x: string, by: number): string =>
  graph.apply("Mod", [x, graph.int64(by)]);

/** x factor modulo 2^32, for factor = high 2^16 + low: (x low + (x high mod 2^16) 2^16) mod 2^32 */
function times(graph: GraphBuilder, x: string, factor: number): string {
  const low = graph.apply("Mul", [x, graph.int64(factor % TWO_16)]);
  const high = modulo(graph, graph.apply("Mul", [x, graph.int64(Math.floor(factor / TWO_16))]), TWO_16);
  return modulo(graph, graph.apply("Add", [low, graph.apply("Mul", [high, graph.int64(TWO_16)])]), TWO_32);
}
