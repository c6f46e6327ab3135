//   plan ──► layers          the dense layers (../shared/dense.ts)
//        ──► embeddings      f32[n][W' (+ W')]    followed by AdaGrad's sums of squares if embeddings are trained
//        ──► wide            f32[n + c][4]
//        ──► inputGradients  f32[R][U_0 + 8]      derivatives of the loss by x_0, for all rows of a batch
//   thread t ──► scratch     of the dense layers
//
// The arrays are read and written by name: a parameter NAME is f32[rows][columns], row-major, as `parameterShapes` has
// it. Its optimizer's state is called NAME:m and NAME:s (Adam's moments), NAME:n (sums of squares, which start at 1 for
// AdaGrad and at 0 for FTRL) and NAME:z (FTRL).

import { ftrlZ } from "../../../base/numeric/ftrl.js";
import { allocateBarrier } from "../shared/barrier.js";
import type { Arena, Region } from "../shared/memory.js";
import type { Placed } from "../shared/placed.js";
import { setField, takeField, writeStruct } from "../shared/struct.js";
import { threadsInUse } from "../shared/threads-in-use.js";
import {
  allocateDense,
  allocateDenseScratch,
  batchPitchOf,
  paddedUnits,
  type LayerLayout,
  pad,
  placedDense,
  placedMoments,
} from "../shared/dense.js";
import { NetPlan, NetThread, PARTS } from "./layout.js";
import {
  denseLayersOf,
  embeddingWidth,
  firstInputOf,
  type NetLearning,
  type NetShape,
  numFeaturesOf,
  numFieldsOf,
} from "./shape.js";

export type { Kernel as NetKernel } from "./layout.js";

type KernelNetShape = NetShape &
  NetLearning & {
    /** number of rows of a batch */
    batch: number;
    threads: number;
    trains: boolean;
  };

/** Addresses of the kernel's structs. */
export interface NetLayout {
  plan: number;
  threads: number[];
  /** sets the number of threads that train */
  use: (threads: number) => void;
  barrier: Region;
  layers: LayerLayout[];
  embeddings: Region;
  /** W', and the number of floats from one feature's row to the next */
  paddedWidth: number;
  embeddingPitch: number;
  wide: Region | undefined;
  /** f32[3][4]: w0 and Adam's two moments, each in the first of four floats */
  w0: Region | undefined;
  /** pairs per batch for which there is room; `reservePairs` increases it */
  pairs: number;
}

/** Allocates a network whose parameters are all zero. @throws {UsageError} it does not fit the arena */
export function allocateNet(arena: Arena, shape: KernelNetShape): NetLayout {
  if (shape.trains && shape.machine) throw new RangeError("a network with a machine's score only scores");
  const numFeatures = numFeaturesOf(shape);
  const paddedWidth = pad(embeddingWidth(shape), 4);
  const embeddingPitch = isTrained(shape) ? 2 * paddedWidth : paddedWidth;
  const batchPitch = shape.trains ? batchPitchOf(shape.batch) : 0;
  const dense = allocateDense(arena, denseLayersOf(shape), shape, batchPitch);
  const rowPitch = dense.firstUnits + 8;
  const barrier = allocateBarrier(arena);
  const wide =
    shape.arch === "wide-deep"
      ? arena.numbers("the weights of the wide part", 4 * (numFeatures + shape.numCrosses))
      : undefined;
  const w0 = shape.arch === "fnn" ? arena.numbers("w0", 12) : undefined;
  const embeddings = arena.numbers(`the embeddings of ${numFeatures} features`, numFeatures * embeddingPitch);
  const offsets = arena.numbers("the fields", numFieldsOf(shape) + 1);
  arena.u32(offsets).set(shape.offsets);
  const firstInput = firstInputOf(shape);
  // PARTS of embeddings, PARTS of wide weights, one of w0, and one per eight outputs of each layer
  const numParts = denseLayersOf(shape).reduce(
    (sum, { outputs }) => sum + paddedUnits(outputs) / 8,
    2 * PARTS + 1,
  );
  const { numNumeric, embeddingRelu, embeddingLearningRate, embeddingL2, clipNorm } = shape;
  const { wideLearningRate, wideL1, wideL2, machine } = shape;
  const plan = writeStruct(arena, "a plan", NetPlan, {
    ...dense.fields,
    ...{ barrier, numFeatures, offsets, paddedWidth, firstInput, numNumeric, rowPitch, numParts },
    ...{ embeddings, embeddingPitch, embeddingRelu, embeddingLearningRate, embeddingL2, clipNorm },
    ...{ wide, w0, wideLearningRate, wideL1, wideL2, machine },
    keyPenalties: isTrained(shape) ? arena.put("the penalties of the features", shape.keyPenalties) : 0,
    numThreads: shape.threads,
    counters: arena.numbers("counters", 48),
    width: embeddingWidth(shape),
    firstDim: embeddingWidth(shape) - shape.dim,
    endInput: firstInput + numFieldsOf(shape) * embeddingWidth(shape),
    slots: isTrained(shape) ? arena.numbers("the slots of the features", numFeatures) : undefined,
    squared: shape.loss === "squared",
    norms: arena.allocate("the gradients' lengths", numParts * 8),
    inputGradients: arena.numbers("the derivatives of a batch", batchPitch * rowPitch),
    scoreGradients: arena.numbers("the derivatives of a batch", batchPitch),
    losses: arena.allocate("the losses of a batch", batchPitch * 8),
    // `reservePairs` allocates the arrays with an element per pair later
    places: 0,
    pairRows: 0,
    sorted: 0,
    partStarts: arena.allocate("the parts of a batch", (batchPitch / 8) * (PARTS + 1) * 4),
  });
  const threads = Array.from({ length: shape.threads }, () =>
    writeStruct(arena, "a thread", NetThread, {
      loss: 0,
      ...allocateDenseScratch(arena, dense),
      gathered: arena.allocate("a thread's scratch", 8 * rowPitch * 4),
      // `reservePairs` allocates the arrays `sums`, `held` and `counts` later
      sums: 0,
      held: 0,
      counts: 0,
    }),
  );
  return {
    plan,
    threads,
    barrier,
    use: threadsInUse(arena, NetPlan, plan, { thread: NetThread, threads }),
    layers: dense.layers,
    embeddings,
    paddedWidth,
    embeddingPitch,
    wide,
    w0,
    pairs: 0,
  };
}

function isTrained({ trains, embeddingLearningRate }: KernelNetShape): boolean {
  return trains && embeddingLearningRate > 0;
}

/** Sets the learning rates of dense layers and embeddings; must not be called while the threads run. */
export function setRates(
  arena: Arena,
  { plan }: NetLayout,
  { learningRate, embeddingLearningRate }: Pick<NetLearning, "learningRate" | "embeddingLearningRate">,
): void {
  setField(arena, NetPlan, plan, "learningRate", learningRate);
  setField(arena, NetPlan, plan, "embeddingLearningRate", embeddingLearningRate);
}

/** Enlarges the buffers to the given number of pairs per batch; must not be called while the threads run. */
export function reservePairs(arena: Arena, layout: NetLayout, pairs: number): void {
  if (pairs <= layout.pairs) return;
  const room = (numbers: number) => arena.allocate("the pairs of a batch", pairs * numbers * 4).offset;
  for (const array of ["places", "pairRows", "sorted"] as const)
    setField(arena, NetPlan, layout.plan, array, room(1));
  for (const thread of layout.threads) {
    setField(arena, NetThread, thread, "sums", room(layout.paddedWidth));
    setField(arena, NetThread, thread, "held", room(1));
    setField(arena, NetThread, thread, "counts", room(1));
  }
  layout.pairs = pairs;
}

/** Returns the sum of the training losses since the last call. */
export function takeLoss(arena: Arena, { threads }: NetLayout): number {
  return takeField(arena, NetThread, threads[0]!, "loss");
}

/** Returns the locations of the parameters by name. */
export function placedParameters(layout: NetLayout, shape: NetShape): Map<string, Placed> {
  const placed = new Map([["embeddings", embeddingsAt(layout, shape, 0)]]);
  if (layout.w0) placed.set("w0", single(layout.w0, 0));
  if (layout.wide) placed.set("wide", wideAt(layout.wide, shape, 0));
  for (const [name, where] of placedDense(layout.layers)) placed.set(name, where);
  return placed;
}

/** Returns the locations of the optimizers' state by name; the network must learn. */
export function placedState(layout: NetLayout, shape: NetShape): Map<string, Placed> {
  const placed = new Map<string, Placed>();
  if (layout.embeddingPitch > layout.paddedWidth)
    placed.set("embeddings:n", embeddingsAt(layout, shape, layout.paddedWidth));
  if (layout.wide) {
    placed.set("wide:n", wideAt(layout.wide, shape, 1));
    placed.set("wide:z", wideAt(layout.wide, shape, 2));
  }
  if (layout.w0) {
    placed.set("w0:m", single(layout.w0, 4));
    placed.set("w0:s", single(layout.w0, 8));
  }
  for (const [name, where] of placedMoments(layout.layers)) placed.set(name, where);
  return placed;
}

function embeddingsAt({ embeddings, embeddingPitch }: NetLayout, shape: NetShape, behind: number): Placed {
  const at = (row: number, column: number): number => row * embeddingPitch + behind + column;
  return { rows: numFeaturesOf(shape), columns: embeddingWidth(shape), region: embeddings, at };
}

function wideAt(region: Region, shape: NetShape, behind: number): Placed {
  const rows = numFeaturesOf(shape) + shape.numCrosses;
  return { rows, columns: 1, region, at: (row) => 4 * row + behind };
}

function single(region: Region, place: number): Placed {
  return { rows: 1, columns: 1, region, at: () => place };
}

/** Sets the optimizers' state to its initial values. A step of unset padding would be 0 / 0. */
export function startState(arena: Arena, layout: NetLayout): void {
  const { embeddings, paddedWidth, embeddingPitch } = layout;
  if (embeddingPitch === paddedWidth) return;
  const numbers = arena.f32(embeddings);
  for (let at = paddedWidth; at < numbers.length; at += embeddingPitch) numbers.fill(1, at, at + paddedWidth);
}

/** Sets FTRL's z so that it gives the current weights; must be called after weights were written. */
export function alignWide(
  arena: Arena,
  { wide }: NetLayout,
  { wideLearningRate: learningRate, wideL1: l1, wideL2: l2 }: NetLearning,
): void {
  if (!wide || learningRate === 0) return;
  const numbers = arena.f32(wide);
  for (let at = 0; at < numbers.length; at += 4) {
    numbers[at + 2] = ftrlZ(numbers[at]!, numbers[at + 1]!, { learningRate, l1, l2 });
  }
}
