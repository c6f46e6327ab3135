// What a factorization machine has learned, read and written between two runs of its threads: the norm of V, what a method
// keeps beside each parameter, and all of it as bytes for a checkpoint.
//
//   factors  f32[n][J][S][K]   v and its state, gathered from the tables; J: of a field-aware machine the quads of all fields
//   linear   f32[n][L]         w and its state
//   bias     f32[2]            w0 and its accumulator, the same on every thread
//
// S and L are the method's (METHODS of binding.ts); K, J: binding.ts.

import { METHODS, readBias, writeBias, type FmLayout } from "./binding.js";
import { Plan, Thread } from "./layout.js";
import { ftrlZ } from "../../numeric/ftrl.js";
import type { Arena } from "../shared/memory.js";
import { getField, setField } from "../shared/struct.js";
import type { Tables } from "../shared/tables.js";

/** An accumulator so large that no step moves its parameter by a bit that an f32 holds. */
const FROZEN = 1e38;

/** Parameters and state; the same at any number of threads. */
export interface FmState {
  factors: Float32Array;
  linear: Float32Array;
  bias: Float32Array;
}

/** What a method keeps beside the parameters, by feature; empty for a method that keeps nothing. */
export interface OptimizerState {
  /** f32[n][J][S - 1][K], unused dimensions among them */
  vectors: Float32Array;
  /** f32[n][L - 1] */
  w: Float32Array;
  /** w0's accumulator */
  w0: number;
}

/** Where the parameters lie. */
class Parameters {
  readonly n: number;
  readonly J: number;
  readonly K: number;
  readonly S: number;
  readonly L: number;
  /** all of the memory */
  readonly numbers: Float32Array;
  readonly linear: Float32Array;
  readonly #tables: Tables;

  constructor(arena: Arena, { plan, slices }: FmLayout) {
    const field = (name: keyof typeof Plan.fields) => getField(arena, Plan, plan, name);
    [this.n, this.K] = [field("numFeatures"), field("sliceWidth")];
    const method = field("method");
    this.S = Object.values(METHODS).find(({ code }) => code === method)!.states;
    this.L = 2 ** (field("linearShift") - 2);
    this.J = slices.offsets.length;
    this.numbers = new Float32Array(arena.memory.buffer);
    this.linear = new Float32Array(arena.memory.buffer, field("linear"), this.n * this.L);
    this.#tables = slices;
  }

  /** Index into numbers of the first v of a slice of a feature; the state follows K further. */
  at(feature: number, j: number): number {
    return (this.#tables.offsets[j]! + feature * this.#tables.featureStride) / 4;
  }
}

/** The Frobenius norm of V: the root of the sum of all squares, added in the order of features and dimensions. */
export function vectorNorm(arena: Arena, layout: FmLayout): number {
  const parameters = new Parameters(arena, layout);
  const { n, J, K, numbers } = parameters;
  let sum = 0;
  for (let feature = 0; feature < n; feature++) {
    for (let j = 0; j < J; j++) {
      // dimensions beyond dim are 0
      const at = parameters.at(feature, j);
      for (let i = at; i < at + K; i++) sum += numbers[i]! * numbers[i]!;
    }
  }
  return Math.sqrt(sum);
}

/** Lets no further step move w0. */
export function freezeBias(arena: Arena, layout: FmLayout): void {
  setAccumulators(arena, layout, FROZEN);
}

/** Copies out what the method keeps. */
export function readOptimizer(arena: Arena, layout: FmLayout): OptimizerState {
  const parameters = new Parameters(arena, layout);
  const { n, J, K, S, L, numbers, linear } = parameters;
  const width = (S - 1) * K;
  const vectors = new Float32Array(n * J * width);
  const w = new Float32Array(n * (L - 1));
  for (let feature = 0; feature < n; feature++) {
    for (let j = 0; j < J; j++) {
      const from = parameters.at(feature, j) + K;
      vectors.set(numbers.subarray(from, from + width), (feature * J + j) * width);
    }
    w.set(linear.subarray(feature * L + 1, (feature + 1) * L), feature * (L - 1));
  }
  return { vectors, w, w0: getField(arena, Thread, layout.threads[0]!, "biasAccumulator") };
}

/**
 * Copies in what the method kept of the flagged features, and of w0.
 *
 * @param known u8[n]
 * @param knownBlocks u8: which equal parts of each vector
 */
export function writeOptimizer(
  arena: Arena,
  layout: FmLayout,
  { vectors, w, w0 }: OptimizerState,
  known: Uint8Array,
  knownBlocks: Uint8Array,
): void {
  const parameters = new Parameters(arena, layout);
  const { n, J, K, S, L, numbers, linear } = parameters;
  const width = (S - 1) * K;
  const slicesOfBlock = J / knownBlocks.length;
  if (vectors.length !== n * J * width || w.length !== n * (L - 1))
    throw new RangeError("the state of a machine of another shape");
  for (let feature = 0; feature < n; feature++) {
    if (!known[feature]) continue;
    for (let j = 0; j < J; j++) {
      if (!knownBlocks[Math.floor(j / slicesOfBlock)]) continue;
      const from = (feature * J + j) * width;
      numbers.set(vectors.subarray(from, from + width), parameters.at(feature, j) + K);
    }
    linear.set(w.subarray(feature * (L - 1), (feature + 1) * (L - 1)), feature * L + 1);
  }
  setAccumulators(arena, layout, w0);
}

/**
 * Under FTRL-proximal w follows from z and n: sets z so that it gives the w that stands there, where it is not 0.
 *
 * @param l2 of a feature's weight
 */
export function alignFtrl(
  arena: Arena,
  layout: FmLayout,
  { learningRate, l1Weight }: { learningRate: number; l1Weight: number },
  l2: (feature: number) => number,
): void {
  const { n, L, linear } = new Parameters(arena, layout);
  for (let feature = 0; feature < n; feature++) {
    const [w, accumulator] = [linear[feature * L]!, linear[feature * L + 1]!];
    if (w === 0) continue;
    linear[feature * L + 2] = ftrlZ(w, accumulator, { learningRate, l1: l1Weight, l2: l2(feature) });
  }
}

/** A copy of all that training has made. */
export function copyState(arena: Arena, layout: FmLayout): FmState {
  const parameters = new Parameters(arena, layout);
  const { n, J, K, S, numbers, linear } = parameters;
  const width = S * K;
  // copies in memory of their own: what is shared cannot be written to disk
  const factors = new Float32Array(n * J * width);
  for (let to = 0, feature = 0; feature < n; feature++) {
    for (let j = 0; j < J; j++, to += width) {
      const from = parameters.at(feature, j);
      factors.set(numbers.subarray(from, from + width), to);
    }
  }
  return {
    factors,
    linear: Float32Array.from(linear),
    bias: Float32Array.of(
      readBias(arena, layout),
      getField(arena, Thread, layout.threads[0]!, "biasAccumulator"),
    ),
  };
}

/** Puts a copy back. @throws {RangeError} it is of a machine of another shape */
export function restoreState(arena: Arena, layout: FmLayout, state: FmState): void {
  const parameters = new Parameters(arena, layout);
  const { n, J, K, S, numbers, linear } = parameters;
  const width = S * K;
  if (state.factors.length !== n * J * width || state.linear.length !== linear.length)
    throw new RangeError("the state of a machine of another shape");
  for (let from = 0, feature = 0; feature < n; feature++) {
    for (let j = 0; j < J; j++, from += width) {
      numbers.set(state.factors.subarray(from, from + width), parameters.at(feature, j));
    }
  }
  linear.set(state.linear);
  writeBias(arena, layout, state.bias[0]!);
  setAccumulators(arena, layout, state.bias[1]!);
}

/** Sets w0's accumulator on every thread. */
function setAccumulators(arena: Arena, { threads }: FmLayout, accumulator: number): void {
  for (const thread of threads) setField(arena, Thread, thread, "biasAccumulator", accumulator);
}
