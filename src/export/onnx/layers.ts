// Dense layers in ONNX, one Gemm each, and one LayerNormalization where a layer has it.

import type { GraphBuilder } from "./graph.js";
import { intAttribute } from "./model.js";
import type { NetworkLayer } from "../network.js";

/** The output of the last layer, f32[N, outputs]; x itself without layers. */
export function denseLayers(graph: GraphBuilder, layers: readonly NetworkLayer[], x: string): string {
  let [before, last] = [x, x];
  for (const { inputs, outputs, weight, bias, activation, residual, norm } of layers) {
    const [W, b] = [graph.constant([outputs, inputs], weight), graph.constant([outputs], bias)];
    let z = graph.apply("Gemm", [last, W, b], { attributes: [intAttribute("transB", 1)] });
    if (residual) z = graph.apply("Add", [z, before]);
    if (norm) {
      const [scale, shift] = [graph.constant([outputs], norm.scale), graph.constant([outputs], norm.shift)];
      // over the last axis, with 1e-5 added to the variance
      z = graph.apply("LayerNormalization", [z, scale, shift]);
    }
    before = last;
    last = activation === "none" ? z : graph.apply(activation === "tanh" ? "Tanh" : "Relu", [z]);
  }
  return last;
}
