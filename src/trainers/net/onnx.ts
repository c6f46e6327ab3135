// onnx of a network (train-net): columns in, scores out.
//
//   input  FIELD   string[N] a key, or with --onnx-input row int64[N] a row of the field; "" and the padding row are a missing cell
//   input  NUMBER  f32[N] the number as the log has it, NaN where it is missing; ranges (bins) are found by it, too
//   output score   f32[N] the probability, or for regression the value, within the range of the training part's labels
//
// x_0 is made field by field, Gather of a key's row, a number's row times its value, and dense layers follow (docs/algorithms/networks.md):
// one Gemm each. W is the length of an embedding: (w, v) of fnn, v of the others. Ranges are compared as f32, as the input is.

import { CROSS_OPSET, drawIn, shiftRight } from "../../export/onnx/cross.js";
import { GraphBuilder, denseLayers } from "../../export/onnx/graph.js";
import {
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
import { modelChunks } from "../../export/onnx/model.js";
import type { Network, NetworkCross, NetworkKeys, NetworkNumber } from "../../export/network.js";

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
  linked(graph, network.link, graph.sum([deep, ...wide, ...crossed]));
  graph.output({ name: SCORE, element: "float", shape: [AXIS] });
  return modelChunks({ ...graph.graph, ...(crossed.length > 0 && { opset: CROSS_OPSET }) });
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
