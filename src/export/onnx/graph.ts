// Builds a graph operation by operation: intermediate values are numbered, and constants are stored once.

import {
  ELEMENT,
  intAttribute,
  node,
  tensor,
  type OnnxGraph,
  type Port,
  type TensorValues,
  type MessagePiece,
} from "./model.js";

/** Prefix of the names of intermediate values of the graph; the names of its inputs and outputs do not have it. */
export const INNER = "embed/";

export class GraphBuilder {
  readonly graph: OnnxGraph = { nodes: [], initializers: [], inputs: [], outputs: [] };
  private numValues = 0;
  private readonly integers = new Map<string, string>();

  fresh(): string {
    return `${INNER}${this.numValues++}`;
  }

  /** @returns name of the output: `output` if given, otherwise a new name */
  apply(
    opType: string,
    inputs: readonly string[],
    {
      output = this.fresh(),
      attributes = [],
    }: { output?: string; attributes?: readonly MessagePiece[] } = {},
  ): string {
    this.node(opType, inputs, [output], attributes);
    return output;
  }

  node(
    opType: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: readonly MessagePiece[],
  ): void {
    this.graph.nodes.push(node(opType, inputs, outputs, attributes));
  }

  /** Adds a sum of values that have the same shape. @returns the name of the sum */
  sum(terms: readonly string[]): string {
    return terms.length === 1 ? terms[0]! : this.apply("Sum", terms);
  }

  beside(values: readonly string[]): string {
    return this.apply("Concat", values, { attributes: [intAttribute("axis", 1)] });
  }

  cast(x: string, to: keyof typeof ELEMENT): string {
    return this.apply("Cast", [x], { attributes: [intAttribute("to", ELEMENT[to])] });
  }

  constant(shape: readonly number[], values: TensorValues): string {
    const name = this.fresh();
    this.graph.initializers.push(tensor(name, shape, values));
    return name;
  }

  /** Adds an int64 constant: a scalar, or an array if `shape` is given. @returns name of the constant */
  int64(values: number | readonly number[]): string {
    const key = JSON.stringify(values);
    const known = this.integers.get(key);
    if (known !== undefined) return known;
    const all = typeof values === "number" ? [values] : values;
    const name = this.constant(
      typeof values === "number" ? [] : [all.length],
      BigInt64Array.from(all, BigInt),
    );
    this.integers.set(key, name);
    return name;
  }

  input(port: Port): string {
    this.graph.inputs.push(port);
    return port.name;
  }

  output(port: Port): void {
    this.graph.outputs.push(port);
  }
}

export interface NetworkLayer {
  inputs: number;
  outputs: number;
  /** weights of the layer, f32[outputs][inputs] */
  weight: Float32Array;
  /** biases of the layer, f32[outputs] */
  bias: Float32Array;
  activation: "tanh" | "relu" | "none";
  /** true if the layer is a residual layer: the input of the previous layer is added before the activation */
  residual: boolean;
  /** parameters of the layer normalization before the activation, f32[outputs] each */
  norm?: { scale: Float32Array; shift: Float32Array };
}

/** @returns the output of the last layer, f32[N, outputs]; x itself if there are no layers */
export function denseLayers(graph: GraphBuilder, layers: readonly NetworkLayer[], x: string): string {
  let [before, last] = [x, x];
  for (const { inputs, outputs, weight, bias, activation, residual, norm } of layers) {
    const [W, b] = [graph.constant([outputs, inputs], weight), graph.constant([outputs], bias)];
    let z = graph.apply("Gemm", [last, W, b], { attributes: [intAttribute("transB", 1)] });
    if (residual) z = graph.apply("Add", [z, before]);
    if (norm) {
      const [scale, shift] = [graph.constant([outputs], norm.scale), graph.constant([outputs], norm.shift)];
      // layer normalization over the last axis, with 1e-5 added to the variance
      z = graph.apply("LayerNormalization", [z, scale, shift]);
    }
    before = last;
    last = activation === "none" ? z : graph.apply(activation === "tanh" ? "Tanh" : "Relu", [z]);
  }
  return last;
}
