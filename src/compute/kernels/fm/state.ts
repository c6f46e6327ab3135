// The state of a factorization machine, read and written between two runs of its threads: the optimizer's state, and
// all parameters and state as bytes for a checkpoint.
//
//   factors  f32[n][J][S K + A]   v and its state, gathered from the tables; in a field-aware machine, J counts the
//            quads of all fields
//   linear   f32[n][L]            w and its state
//   bias     f32[2]               w0 and its accumulator, the same on every thread
//
// S and L depend on the method (METHODS of binding.ts). A is 1 if slices have an accumulator (S is then 1), else 0. K,
// J: binding.ts. If slices share an accumulator, as for a field-aware machine's block of fields, each slice has a copy
// here.

import { METHODS, readBias, writeBias, type FmLayout, type StridedOffset } from "./binding.js";
import { Plan, Thread } from "./layout.js";
import { ArtifactError } from "../../../base/errors.js";
import { ftrlZ } from "../../../base/numeric/ftrl.js";
import type { Arena } from "../shared/memory.js";
import { getField, setField } from "../shared/struct.js";

/** Value of an accumulator that makes steps too small to change an f32 parameter. */
const FROZEN = 1e38;

/** Copy of all parameters and their state; its bytes do not depend on the number of threads. */
export interface FmState {
  factors: Float32Array;
  linear: Float32Array;
  bias: Float32Array;
}

/** Optimizer state; arrays are empty for a method without state. */
export interface OptimizerState {
  /** by feature and slice of its vector, including the state of padding dimensions */
  vectors: Float32Array;
  /** by feature: state of its weight */
  w: Float32Array;
  /** AdaGrad's accumulator of the bias w0 */
  w0: number;
}

interface Located extends Pick<StridedOffset, "offset" | "stride"> {
  /** f32 view of the memory that contains the number, and index of this memory */
  numbers: Float32Array;
  memory: number;
}

/** Reads and writes parameters at their locations in the arena, or in the memories of groups of slices. */
class Parameters {
  readonly n: number;
  readonly J: number;
  readonly K: number;
  readonly L: number;
  /** floats per slice of a vector: its dimensions, the state stored with them, and its accumulator if it has one */
  readonly width: number;
  /** the same without an accumulator */
  readonly #side: number;
  /** f32 view of the whole arena */
  readonly numbers: Float32Array;
  readonly #slices: readonly (readonly Located[])[];
  readonly #accumulators: readonly (readonly Located[])[] | undefined;
  readonly #groups: readonly number[];
  /** group of the feature looked up last, and first feature after that group */
  #group = 0;
  #end = 0;
  readonly #linear: StridedOffset;

  constructor(arena: Arena, { plan, slices, accumulators, groups }: FmLayout) {
    const field = (name: keyof typeof Plan.fields) => getField(arena, Plan, plan, name);
    [this.n, this.K] = [field("numFeatures"), field("sliceWidth")];
    const method = Object.values(METHODS).find(({ code }) => code === field("method"))!;
    this.#side = accumulators ? this.K : this.K * method.states;
    this.width = this.#side + (accumulators ? 1 : 0);
    this.L = method.linearBytes / 4;
    this.J = slices[0]!.length;
    this.numbers = new Float32Array(arena.memory.buffer);
    const memories = [arena];
    const views = [this.numbers];
    const locate = ({ offset, stride, arena: own = arena }: StridedOffset): Located => {
      if (!memories.includes(own)) views[memories.push(own) - 1] = new Float32Array(own.memory.buffer);
      const memory = memories.indexOf(own);
      return { offset, stride, numbers: views[memory]!, memory };
    };
    this.#slices = slices.map((group) => group.map(locate));
    this.#accumulators = accumulators?.map((group) => group.map(locate));
    this.#groups = groups;
    this.#linear = { offset: field("linear"), stride: field("linearStride") };
  }

  /** Returns the index in `numbers` of a feature's weight, which its state follows. */
  weightAt(feature: number): number {
    return (this.#linear.offset + feature * this.#linear.stride) / 4;
  }

  /** Copies a slice of a feature's vector, and its state, without the first `skip` floats. */
  read(feature: number, j: number, skip: number, target: Float32Array, to: number): void {
    // the slice and its state are adjacent in memory, but accumulators are stored elsewhere
    const slice = this.#slices[this.#groupOf(feature)]![j]!;
    const at = indexOf(slice, feature);
    target.set(slice.numbers.subarray(at + skip, at + this.#side), to);
    if (!this.#accumulators) return;
    const square = this.#accumulatorOf(feature, j);
    target[to + this.#side - skip] = square.numbers[indexOf(square, feature)]!;
  }

  write(feature: number, j: number, skip: number, source: Float32Array, from: number): void {
    const end = from + this.#side - skip;
    const slice = this.#slices[this.#groupOf(feature)]![j]!;
    slice.numbers.set(source.subarray(from, end), indexOf(slice, feature) + skip);
    if (!this.#accumulators) return;
    const square = this.#accumulatorOf(feature, j);
    square.numbers[indexOf(square, feature)] = source[end]!;
  }

  /**
   * Sets each accumulator of a feature, which several slices may share, to the mean of its known slices' values.
   * @param of f32, one value per slice
   */
  shareAccumulators(feature: number, known: readonly (number | undefined)[], of: Float32Array): void {
    const sums = new Map<number, { square: Located; sum: number; count: number }>();
    for (let j = 0; j < this.J; j++) {
      if (!known[j]) continue;
      const square = this.#accumulatorOf(feature, j);
      // a memory has at most 2^30 f32, so each address in any of the memories has its own key
      const key = 2 ** 30 * square.memory + indexOf(square, feature);
      const { sum, count } = sums.get(key) ?? { sum: 0, count: 0 };
      sums.set(key, { square, sum: sum + of[j]!, count: count + 1 });
    }
    for (const { square, sum, count } of sums.values())
      square.numbers[indexOf(square, feature)] = sum / count;
  }

  #groupOf(feature: number): number {
    if (feature >= this.#end || feature < this.#groups[this.#group]!) {
      this.#group = this.#groups.findLastIndex((first) => first <= feature);
      this.#end = this.#groups[this.#group + 1] ?? Infinity;
    }
    return this.#group;
  }

  #accumulatorOf(feature: number, j: number): Located {
    return this.#accumulators![this.#groupOf(feature)]![j]!;
  }
}

function indexOf({ offset, stride }: Located, feature: number): number {
  return (offset + feature * stride) / 4;
}

/** Freezes the bias w0 by an accumulator so large that steps do not change it. */
export function freezeBias(arena: Arena, layout: FmLayout): void {
  setAccumulators(arena, layout, FROZEN);
}

/** Returns a copy of the optimizer state. */
export function readOptimizer(arena: Arena, layout: FmLayout): OptimizerState {
  const parameters = new Parameters(arena, layout);
  const { n, J, K, L, numbers } = parameters;
  const width = parameters.width - K;
  const vectors = new Float32Array(n * J * width);
  const w = new Float32Array(n * (L - 1));
  for (let feature = 0; feature < n; feature++) {
    for (let j = 0; j < J; j++) parameters.read(feature, j, K, vectors, (feature * J + j) * width);
    const at = parameters.weightAt(feature);
    w.set(numbers.subarray(at + 1, at + L), feature * (L - 1));
  }
  return { vectors, w, w0: getField(arena, Thread, layout.threads[0]!, "biasAccumulator") };
}

/**
 * Writes the optimizer state of w0 and of the features that `known` flags.
 *
 * @param known u8[n]
 * @param knownBlocks u8: flags of equal parts of each vector; only the state of flagged parts is written
 */
export function writeOptimizer(
  arena: Arena,
  layout: FmLayout,
  { vectors: given, w, w0 }: OptimizerState,
  known: Uint8Array,
  knownBlocks: Uint8Array,
): void {
  const parameters = new Parameters(arena, layout);
  const { n, J, K, L, numbers } = parameters;
  const width = parameters.width - K;
  const knownSlices = Array.from(
    { length: J },
    (_, j) => knownBlocks[Math.floor(j / (J / knownBlocks.length))],
  );
  const shared = width === 1;
  const vectors = shared && given.length === n * J * K ? meansOfSlices(given, K, layout.used) : given;
  if (vectors.length !== n * J * width || w.length !== n * (L - 1))
    throw new RangeError("the state of a machine of another shape");
  for (let feature = 0; feature < n; feature++) {
    if (!known[feature]) continue;
    if (shared) {
      parameters.shareAccumulators(feature, knownSlices, vectors.subarray(feature * J, (feature + 1) * J));
    } else {
      knownSlices.forEach((isKnown, j) => {
        if (isKnown) parameters.write(feature, j, K, vectors, (feature * J + j) * width);
      });
    }
    numbers.set(w.subarray(feature * (L - 1), (feature + 1) * (L - 1)), parameters.weightAt(feature) + 1);
  }
  setAccumulators(arena, layout, w0);
}

/**
 * Converts one accumulator per dimension, as an earlier version had, to one per slice: their mean, since a slice's
 * accumulator adds up means of squared gradients.
 *
 * @param each f32[n][J][K]: accumulators of n features, in J slices of K dimensions
 * @param used by slice: number of dimensions, not counting padding
 * @returns f32[n][J]
 */
function meansOfSlices(each: Float32Array, K: number, used: readonly number[]): Float32Array {
  return Float32Array.from({ length: each.length / K }, (_, k) => {
    const size = used[k % used.length]!;
    return each.subarray(k * K, k * K + size).reduce((sum, n) => sum + n, 0) / size;
  });
}

/**
 * FTRL-proximal computes w from z and n. Sets z so that this formula gives the current w, for each w other than 0.
 *
 * @param l2 of a feature's weight
 */
export function alignFtrl(
  arena: Arena,
  layout: FmLayout,
  { learningRate, l1Weight }: { learningRate: number; l1Weight: number },
  l2: (feature: number) => number,
): void {
  const parameters = new Parameters(arena, layout);
  const { n, numbers } = parameters;
  for (let feature = 0; feature < n; feature++) {
    const at = parameters.weightAt(feature);
    const [w, accumulator] = [numbers[at]!, numbers[at + 1]!];
    if (w === 0) continue;
    numbers[at + 2] = ftrlZ(w, accumulator, { learningRate, l1: l1Weight, l2: l2(feature) });
  }
}

/** Returns a copy of the parameters and their state. */
export function copyState(arena: Arena, layout: FmLayout): FmState {
  const parameters = new Parameters(arena, layout);
  const { n, J, L, width, numbers } = parameters;
  // unshared memory, because shared memory cannot be written to disk
  const factors = new Float32Array(n * J * width);
  const linear = new Float32Array(n * L);
  for (let feature = 0; feature < n; feature++) {
    for (let j = 0; j < J; j++) parameters.read(feature, j, 0, factors, (feature * J + j) * width);
    const at = parameters.weightAt(feature);
    linear.set(numbers.subarray(at, at + L), feature * L);
  }
  return {
    factors,
    linear,
    bias: Float32Array.of(
      readBias(arena, layout),
      getField(arena, Thread, layout.threads[0]!, "biasAccumulator"),
    ),
  };
}

/** Restores parameters and state from a copy. @throws {ArtifactError} the copy is of a machine with other dimensions */
export function restoreState(arena: Arena, layout: FmLayout, state: FmState): void {
  const parameters = new Parameters(arena, layout);
  const { n, J, L, width, numbers } = parameters;
  const { factors, linear, bias } = state;
  if (factors.length !== n * J * width || linear.length !== n * L)
    throw new ArtifactError(
      "the checkpoint has parameters of another shape, as those of another version have: remove it and train from the start",
    );
  for (let feature = 0; feature < n; feature++) {
    for (let j = 0; j < J; j++) parameters.write(feature, j, 0, factors, (feature * J + j) * width);
    numbers.set(linear.subarray(feature * L, (feature + 1) * L), parameters.weightAt(feature));
  }
  writeBias(arena, layout, bias[0]!);
  setAccumulators(arena, layout, bias[1]!);
}

/** Sets the bias's accumulator on every thread. */
function setAccumulators(arena: Arena, { threads }: FmLayout, accumulator: number): void {
  for (const thread of threads) setField(arena, Thread, thread, "biasAccumulator", accumulator);
}
