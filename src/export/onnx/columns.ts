// A column of a log in an ONNX model: its input, and the conversion of a cell to a row (of a key) or to a value (of a
// number).

import { UsageError, excerpt } from "../../base/errors.js";
import { INNER, type GraphBuilder } from "./graph.js";
import { intAttribute, keysToRows, type Axis } from "./model.js";
import type { Keys } from "../../log/keys.js";
import { reservedAmong, type ReserveScheme } from "../reserve.js";
import type { OnnxInput } from "../selection.js";

/** A field of keys. Its first feature is the out-of-vocabulary one; the features of its keys follow in order. */
export interface NetworkKeys {
  kind: "keys";
  name: string;
  /** keys in the order of their features; an empty key marks a row without a key */
  keys: Keys;
  /** bounds of bins, if the keys are bins: bin b contains numbers x with edges[b - 1] <= x < edges[b] */
  edges?: readonly number[];
  /** vector of each feature, f32[1 + keys.size][W] with W the dimension of the vectors */
  embeddings: Float32Array;
  /** weight of each feature in the linear (wide) part, f32[1 + keys.size] */
  wide?: Float32Array;
}

/** A numeric field. The value of its feature is (number - mean) / deviation. */
export interface NetworkNumber {
  kind: "number";
  name: string;
  /** true if the number is replaced by log(1 + number) */
  log1p: boolean;
  mean: number;
  deviation: number;
  /** vector of the feature, f32[W] with W the dimension of the vectors */
  embeddings: Float32Array;
  /** weight of the feature in the linear (wide) part, f32[1] */
  wide?: Float32Array;
}

/** Name of the axis that indexes examples. */
export const AXIS = "N";

/**
 * For each row of a field, the index of its feature: 0 for out-of-vocabulary, i + 1 for key i; -1 for the row of
 * missing cells.
 */
export type RowFeatures = Int32Array;

/** Returns the index of the feature of each row in a field with a padding row and an out-of-vocabulary row. */
export function rowFeatures(numKeys: number, scheme: ReserveScheme): RowFeatures {
  const { padding, unknown } = reservedAmong(numKeys + 2, scheme);
  const features = new Int32Array(numKeys + 2);
  let feature = 1;
  for (let row = 0; row < features.length; row++)
    features[row] = row === padding ? -1 : row === unknown ? 0 : feature++;
  return features;
}

/** How keys are given to a model, and where its rows for missing cells and unknown keys are. */
export interface FoundBy {
  scheme: ReserveScheme;
  input: OnnxInput;
}

/** Returns int64[N], or of the given shape. @param given.doc description of the input for users of the model */
export function rowOfKey(
  graph: GraphBuilder,
  { name, keys, edges }: Pick<NetworkKeys, "name" | "keys" | "edges">,
  rows: RowFeatures,
  { scheme, input }: FoundBy,
  { shape, doc }: { shape: readonly Axis[]; doc?: string } = { shape: [AXIS] },
): string {
  const { padding, unknown } = reservedAmong(keys.size + 2, scheme);
  if (edges) return rowOfRange(graph, name, edges, { padding, first: rows.indexOf(1) });
  graph.input({ name, element: input === "row" ? "int64" : "string", shape, doc });
  if (input === "row") return name;
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
  const count = graph.apply("ReduceSum", [graph.cast(isAbove, "int64"), graph.int64([1])], {
    attributes: [intAttribute("keepdims", 0)],
  });
  const row = graph.apply("Add", [count, graph.int64(first)]);
  return graph.apply("Where", [graph.apply("IsNaN", [number]), graph.int64(padding), row]);
}

/** Returns the value of each example, f32[N]; 0 if the number is missing. */
export function valueOfNumber(graph: GraphBuilder, { name, log1p, mean, deviation }: NetworkNumber): string {
  const number = graph.input({ name, element: "float", shape: [AXIS] });
  const double = (x: number): string => graph.constant([], Float64Array.of(x));
  // the difference is computed in f64, as in training, because the mean may be large relative to the deviation
  let x = graph.cast(number, "double");
  if (log1p) x = graph.apply("Log", [graph.apply("Add", [x, double(1)])]);
  const centred = graph.apply("Sub", [x, double(mean)]);
  const value = graph.cast(graph.apply("Div", [centred, double(deviation)]), "float");
  return graph.apply("Where", [
    graph.apply("IsNaN", [number]),
    graph.constant([], Float32Array.of(0)),
    value,
  ]);
}

/** The row of missing cells is zero. @param all numbers of all features, [numFeatures][width] */
export function byRow<T extends Float32Array | Uint32Array>(all: T, rows: RowFeatures, width: number): T {
  const out = new (all.constructor as new (length: number) => T)(rows.length * width);
  rows.forEach((feature, row) => {
    if (feature >= 0) out.set(all.subarray(feature * width, (feature + 1) * width), row * width);
  });
  return out;
}

/** Returns f32[N, W] with W = width. @param found rows of the keys, or values of the numbers */
export function embeddingOf(
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

/** @throws {UsageError} a column has one of the names in `taken`, or begins with the prefix of inner values */
export function checkColumns(columns: readonly { name: string }[], taken: readonly string[]): void {
  for (const { name } of columns)
    if (taken.includes(name) || name.startsWith(INNER))
      throw new UsageError(
        `column name ${excerpt(name)} conflicts with a value of the model: rename the column`,
      );
}
