// Crosses of a network's wide part in ONNX: the hash of two features, computed by the graph, and its weight.
//
//   first   u32, of a row of the first field: the hash of (pair, its feature)
//   lo, hi  u32, of a row of the second field: its feature's hash
//   place = draw(draw(first, lo), hi) / 2^(32 - bits)          draw: docs/algorithms/networks.md, numeric/random.ts
//
// ONNX has no arithmetic modulo 2^32. Numbers are int64 in [0, 2^32), and a product is taken in two parts that stay below 2^49, so
// that nothing overflows. BitwiseXor is of ai.onnx 18.

import type { GraphBuilder } from "./graph.js";

/** The version of ai.onnx that crosses need. */
export const CROSS_OPSET = 18;
const TWO_16 = 2 ** 16;
const TWO_32 = 2 ** 32;

/** draw(key, counter) of int64 tensors. @returns its name */
export function drawIn(graph: GraphBuilder, key: string, counter: string): string {
  let x = modulo(graph, graph.apply("Add", [key, times(graph, counter, 0x9e3779b9)]), TWO_32);
  x = shiftedXor(graph, x, 16);
  x = shiftedXor(graph, times(graph, x, 0x21f0aaad), 15);
  return shiftedXor(graph, times(graph, x, 0xd35a2d97), 15);
}

/** x / 2^bits, rounded down. */
export function shiftRight(graph: GraphBuilder, x: string, bits: number): string {
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
