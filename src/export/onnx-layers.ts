// Dense layers in ONNX, one Gemm each.

import type { GraphBuilder } from "./onnx-graph.js";
import { intAttribute } from "./onnx-model.js";
import type { NetworkLayer } from "./network.js";

/** The output of the last layer, f32[N, outputs]; x itself without layers. */
export function denseLayers(graph: GraphBuilder, layers: readonly NetworkLayer[], x: string): string {
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
