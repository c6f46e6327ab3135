// The network's kernel as the rest of the program sees it: its functions, and its structs laid out in an arena.
//
//   plan ──► layers          f32 W, m, s of each dense layer in groups of four outputs, W in groups of four inputs too;
//                            x and dz of a whole batch
//        ──► embeddings      f32[n][W' (+ W')]    and their sums of squares, where they are trained
//        ──► wide            f32[n + c][4]
//        ──► inputSlopes     f32[R][U_0 + 8]      derivatives by x_0 of a whole batch
//   thread t ──► scratch     f32 panels of x and dx of 16 rows, of all layers

import { allocateBarrier } from "../shared/barrier.js";
import type { Arena, Region } from "../shared/memory.js";
import { setField, takeField, writeStruct, writeStructs, type FieldsOf } from "../shared/struct.js";
import { BLOCK, Layer, LINEAR, NetPlan, NetThread, NONE, PANELS, PARTS, RELU, TANH } from "./layout.js";
import {
  type DenseLayer,
  denseLayersOf,
  embeddingWidth,
  firstInputOf,
  type NetLearning,
  type NetShape,
  numFeaturesOf,
  numFieldsOf,
} from "./shape.js";

const ACTIVATIONS = { none: LINEAR, tanh: TANH, relu: RELU };

export type { Kernel as NetKernel } from "./layout.js";

/** A network to lay out. */
export type KernelNetShape = NetShape &
  NetLearning & {
    /** rows of a batch */
    batch: number;
    threads: number;
    /** false for one that only scores: what learning needs is not laid out */
    trains: boolean;
  };

/** Where the parameters of a dense layer lie. */
export interface LayerLayout {
  layer: DenseLayer;
  /** f32[outputs / 4][U][4], U inputs: W, and Adam's m and s where the network learns */
  weights: Region[];
  /** f32[inputs / 4][U][4], U outputs: W once more, as the way back reads it; where the network learns */
  turned: Region | undefined;
  /** f32[outputs]: b, m, s */
  biases: Region[];
}

/** Where the kernel's structs lie. */
export interface NetLayout {
  plan: number;
  threads: number[];
  barrier: Region;
  layers: LayerLayout[];
  embeddings: Region;
  /** W', and numbers from one feature's row to the next */
  paddedWidth: number;
  embeddingPitch: number;
  wide: Region | undefined;
  /** f32[3][4], the first of four each */
  w0: Region | undefined;
  /** pairs that a batch has room for; `reservePairs` makes more */
  pairs: number;
}

const pad = (n: number, to: number): number => Math.ceil(n / to) * to;

/** U: units of a layer, padded by zeros. */
export const paddedUnits = (units: number): number => pad(units, 8);

/**
 * Lays a network out, all zero.
 *
 * @throws {UsageError} it does not fit the arena
 */
export function allocateNet(arena: Arena, shape: KernelNetShape): NetLayout {
  const numFeatures = numFeaturesOf(shape);
  const paddedWidth = pad(embeddingWidth(shape), 4);
  const embeddingPitch = isTrained(shape) ? 2 * paddedWidth : paddedWidth;
  // a pitch that is no multiple of a page, so that a batch's columns do not all fall on the same lines of the cache
  const batchPitch = shape.trains ? pad(shape.batch, BLOCK) + 8 : 0;
  const layers = denseLayersOf(shape).map((layer) => allocateLayer(arena, layer, shape.trains));
  const places = placesOf(layers);
  const rowPitch = paddedUnits(layers[0]!.layer.inputs) + 8;
  const barrier = allocateBarrier(arena);
  const numbers = (name: string, count: number) => arena.allocate(name, count * 4);
  const wide =
    shape.arch === "wide-deep"
      ? numbers("the weights of the wide part", 4 * (numFeatures + shape.numCrosses))
      : undefined;
  const w0 = shape.arch === "fnn" ? numbers("w0", 12) : undefined;
  const embeddings = numbers(`the embeddings of ${numFeatures} features`, numFeatures * embeddingPitch);
  const structs = layers.map((layout, l) => layerFields(arena, layout, places[l]!, batchPitch));
  const offsets = numbers("the fields", numFieldsOf(shape) + 1);
  arena.u32(offsets).set(shape.offsets);
  const firstInput = firstInputOf(shape);
  const plan = writeStruct(arena, "a plan", NetPlan, {
    barrier: barrier.offset,
    numThreads: shape.threads,
    counters: numbers("counters", 32).offset,
    numLayers: layers.length,
    layers: writeStructs(arena, "the layers", Layer, structs),
    numFeatures,
    offsets: offsets.offset,
    width: embeddingWidth(shape),
    paddedWidth,
    firstInput,
    endInput: firstInput + numFieldsOf(shape) * embeddingWidth(shape),
    numNumeric: shape.numNumeric,
    rowPitch,
    batchPitch,
    embeddings: embeddings.offset,
    embeddingPitch,
    slots: isTrained(shape) ? numbers("the slots of the features", numFeatures).offset : 0,
    wide: wide?.offset ?? 0,
    w0: w0?.offset ?? 0,
    embeddingRelu: shape.embeddingRelu,
    squared: shape.loss === "squared",
    dropsBelow: Math.floor(shape.dropout * 2 ** 32),
    keptScale: 1 / (1 - shape.dropout),
    seed: shape.seed,
    learningRate: shape.learningRate,
    l2: shape.l2,
    embeddingLearningRate: shape.embeddingLearningRate,
    wideLearningRate: shape.wideLearningRate,
    wideL1: shape.wideL1,
    wideL2: shape.wideL2,
    inputSlopes: numbers("the derivatives of a batch", batchPitch * rowPitch).offset,
    scoreSlopes: numbers("the derivatives of a batch", batchPitch).offset,
    losses: arena.allocate("the losses of a batch", batchPitch * 8).offset,
    // what there is of each pair comes with reservePairs
    places: 0,
    pairRows: 0,
    sorted: 0,
    partStarts: arena.allocate("the parts of a batch", (batchPitch / 8) * (PARTS + 1) * 4).offset,
  });
  const threads = Array.from({ length: shape.threads }, () =>
    writeStruct(arena, "a thread", NetThread, threadFields(arena, layers, places.at(-1)!.end, rowPitch)),
  );
  return {
    plan,
    threads,
    barrier,
    layers,
    embeddings,
    paddedWidth,
    embeddingPitch,
    wide,
    w0,
    pairs: 0,
  };
}

/** Whether embeddings move. */
function isTrained({ trains, embeddingLearningRate }: KernelNetShape): boolean {
  return trains && embeddingLearningRate > 0;
}

function allocateLayer(arena: Arena, layer: DenseLayer, trains: boolean): LayerLayout {
  const [inputs, outputs] = [paddedUnits(layer.inputs), paddedUnits(layer.outputs)];
  const room = (count: number) => arena.allocate("the dense layers", count * 4);
  const copies = (count: number) => Array.from({ length: trains ? 3 : 1 }, () => room(count));
  return {
    layer,
    weights: copies(outputs * inputs),
    turned: trains ? room(outputs * inputs) : undefined,
    biases: copies(outputs),
  };
}

/** Byte offsets of a layer's arrays in a thread's scratch, and where they end. */
interface LayerPlaces {
  x: number;
  y: number;
  dx: number;
  dy: number;
  skip: number;
  skipSlopes: number;
  end: number;
}

function placesOf(layouts: readonly LayerLayout[]): LayerPlaces[] {
  let end = 0;
  const take = (units: number): number => {
    const place = end;
    end += PANELS * paddedUnits(units) * 32;
    return place;
  };
  const places: LayerPlaces[] = [];
  layouts.forEach(({ layer }, l) => {
    const before = places[l - 1];
    const [x, dx] = before ? [before.y, before.dy] : [take(layer.inputs), take(layer.inputs)];
    const [y, dy] = [take(layer.outputs), take(layer.outputs)];
    if (layer.residual) before!.skipSlopes = dy;
    places.push({ x, y, dx, dy, skip: layer.residual ? before!.x : NONE, skipSlopes: NONE, end });
  });
  return places;
}

function layerFields(
  arena: Arena,
  { layer, weights, turned, biases }: LayerLayout,
  { x, y, dx, dy, skip, skipSlopes }: LayerPlaces,
  batchPitch: number,
): FieldsOf<typeof Layer> {
  const [inputs, outputs] = [paddedUnits(layer.inputs), paddedUnits(layer.outputs)];
  const batchOf = (units: number) =>
    arena.allocate("the inputs and derivatives of a batch", units * batchPitch * 4).offset;
  return {
    inputs,
    outputs,
    activation: ACTIVATIONS[layer.activation],
    dropped: layer.dropped,
    weights: weights[0]!.offset,
    weightM: weights[1]?.offset ?? 0,
    weightS: weights[2]?.offset ?? 0,
    turned: turned?.offset ?? 0,
    biases: biases[0]!.offset,
    biasM: biases[1]?.offset ?? 0,
    biasS: biases[2]?.offset ?? 0,
    x,
    y,
    dx,
    dy,
    skip,
    skipSlopes,
    packed: batchOf(inputs),
    slopes: batchOf(outputs),
  };
}

function threadFields(
  arena: Arena,
  layers: readonly LayerLayout[],
  scratchBytes: number,
  rowPitch: number,
): FieldsOf<typeof NetThread> {
  const bytesOf = (bytes: number) => arena.allocate("a thread's scratch", bytes).offset;
  const widest = Math.max(...layers.map(({ layer }) => paddedUnits(layer.inputs)));
  return {
    loss: 0,
    scratch: bytesOf(scratchBytes),
    keys: bytesOf(layers.length * BLOCK * 4),
    gathered: bytesOf(8 * rowPitch * 4),
    tiles: bytesOf(widest * 32),
    // these come with reservePairs
    sums: 0,
    held: 0,
  };
}

/** Makes room for batches of so many pairs; to be called between two runs of the threads. */
export function reservePairs(arena: Arena, layout: NetLayout, pairs: number): void {
  if (pairs <= layout.pairs) return;
  const room = (numbers: number) => arena.allocate("the pairs of a batch", pairs * numbers * 4).offset;
  for (const array of ["places", "pairRows", "sorted"] as const)
    setField(arena, NetPlan, layout.plan, array, room(1));
  for (const thread of layout.threads) {
    setField(arena, NetThread, thread, "sums", room(layout.paddedWidth));
    setField(arena, NetThread, thread, "held", room(1));
  }
  layout.pairs = pairs;
}

/** The sum of the training losses since the last call. */
export function takeLoss(arena: Arena, { threads }: NetLayout): number {
  return takeField(arena, NetThread, threads[0]!, "loss");
}
