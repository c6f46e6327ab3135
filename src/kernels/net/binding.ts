// The network's kernel as the rest of the program sees it: its functions, and its structs laid out in an arena.
//
//   plan ──► layers          f32 W, m, s of each dense layer in groups of four outputs, W in groups of four inputs too;
//                            x and dz of a whole batch
//        ──► embeddings      f32[n][W' (+ W')]    and their sums of squares, where they are trained
//        ──► wide            f32[n + c][4]
//        ──► inputSlopes     f32[R][U_0 + 8]      derivatives by x_0 of a whole batch
//   thread t ──► scratch     f32 panels of x and dx of 16 rows, of all layers
//
// Structs are written in the order of their fields in assembly/plan.ts.

import { allocateBarrier } from "../shared/barrier.js";
import { writeStruct, type StructField } from "../fm/binding.js";
import type { Arena, Region } from "../shared/memory.js";
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

/** BLOCK, PANELS, PARTS and NONE of assembly/plan.ts. */
const BLOCK_ROWS = 16;
const PANELS = 2;
const PARTS = 16;
const NONE = 0xffffffff;
const ACTIVATIONS = { none: 0, tanh: 1, relu: 2 };

/** Functions of assembly/main.ts; pointers are byte offsets, booleans are 0 or 1. */
export interface NetKernel {
  trainBatch(
    plan: number,
    thread: number,
    index: number,
    rows: number,
    first: number,
    numRows: number,
    epoch: number,
    inEpoch: number,
    t: number,
  ): number;
  scoreRows(plan: number, thread: number, rows: number, first: number, numRows: number, scores: number): void;
}

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
  const batchPitch = shape.trains ? pad(shape.batch, BLOCK_ROWS) + 8 : 0;
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
  const structs = layers.flatMap((layout, l) => layerFields(arena, layout, places[l]!, batchPitch));
  const offsets = numbers("the fields", numFieldsOf(shape) + 1);
  arena.u32(offsets).set(shape.offsets);
  const firstInput = firstInputOf(shape);
  const plan = writeStruct(arena, "a plan", [
    ["u32", barrier.offset],
    ["u32", shape.threads],
    ["u32", numbers("counters", 32).offset],
    ["u32", layers.length],
    ["u32", writeStruct(arena, "the layers", structs)],
    ["u32", numFeatures],
    ["u32", offsets.offset],
    ["u32", embeddingWidth(shape)],
    ["u32", paddedWidth],
    ["u32", firstInput],
    ["u32", firstInput + numFieldsOf(shape) * embeddingWidth(shape)],
    ["u32", shape.numNumeric],
    ["u32", rowPitch],
    ["u32", batchPitch],
    ["u32", embeddings.offset],
    ["u32", embeddingPitch],
    ["u32", isTrained(shape) ? numbers("the slots of the features", numFeatures).offset : 0],
    ["u32", wide?.offset ?? 0],
    ["u32", w0?.offset ?? 0],
    ["u32", shape.embeddingRelu ? 1 : 0],
    ["u32", shape.loss === "squared" ? 1 : 0],
    ["u32", Math.floor(shape.dropout * 2 ** 32)],
    ["f32", 1 / (1 - shape.dropout)],
    ["u32", shape.seed],
    ["f32", shape.learningRate],
    ["f32", shape.l2],
    ["f32", shape.embeddingLearningRate],
    ["f32", shape.wideLearningRate],
    ["f32", shape.wideL1],
    ["f32", shape.wideL2],
    ["u32", numbers("the derivatives of a batch", batchPitch * rowPitch).offset],
    ["u32", numbers("the derivatives of a batch", batchPitch).offset],
    ["u32", arena.allocate("the losses of a batch", batchPitch * 8).offset],
    // what there is of each pair comes with reservePairs
    ["u32", 0],
    ["u32", 0],
    ["u32", 0],
    ["u32", arena.allocate("the parts of a batch", (batchPitch / 8) * (PARTS + 1) * 4).offset],
  ]);
  const threads = Array.from({ length: shape.threads }, () =>
    writeStruct(arena, "a thread", threadFields(arena, layers, places.at(-1)!.end, rowPitch)),
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
): StructField[] {
  const [inputs, outputs] = [paddedUnits(layer.inputs), paddedUnits(layer.outputs)];
  const batchOf = (units: number) =>
    arena.allocate("the inputs and derivatives of a batch", units * batchPitch * 4).offset;
  const offsetsOf = (regions: readonly Region[]) => [0, 1, 2].map((i) => regions[i]?.offset ?? 0);
  return [
    inputs,
    outputs,
    ACTIVATIONS[layer.activation],
    layer.dropped ? 1 : 0,
    ...offsetsOf(weights),
    turned?.offset ?? 0,
    ...offsetsOf(biases),
    x,
    y,
    dx,
    dy,
    skip,
    skipSlopes,
    batchOf(inputs),
    batchOf(outputs),
  ].map((value) => ["u32", value] as const);
}

function threadFields(
  arena: Arena,
  layers: readonly LayerLayout[],
  scratchBytes: number,
  rowPitch: number,
): StructField[] {
  const bytesOf = (bytes: number): StructField => ["u32", arena.allocate("a thread's scratch", bytes).offset];
  const widest = Math.max(...layers.map(({ layer }) => paddedUnits(layer.inputs)));
  return [
    // loss (f64)
    ["u32", 0],
    ["u32", 0],
    bytesOf(scratchBytes),
    bytesOf(layers.length * BLOCK_ROWS * 4),
    bytesOf(8 * rowPitch * 4),
    bytesOf(widest * 32),
    // sums and held come with reservePairs
    ["u32", 0],
    ["u32", 0],
  ];
}

/** Byte offsets within the structs of what is written later. */
const PAIR_ARRAYS = [132, 136, 140];
const SUMS = 24;
const HELD = 28;

/** Makes room for batches of so many pairs; to be called between two runs of the threads. */
export function reservePairs(arena: Arena, layout: NetLayout, pairs: number): void {
  if (pairs <= layout.pairs) return;
  const room = (numbers: number) => arena.allocate("the pairs of a batch", pairs * numbers * 4).offset;
  const put = (at: number, offset: number) => new DataView(arena.memory.buffer).setUint32(at, offset, true);
  for (const array of PAIR_ARRAYS) put(layout.plan + array, room(1));
  for (const thread of layout.threads) {
    put(thread + SUMS, room(layout.paddedWidth));
    put(thread + HELD, room(1));
  }
  layout.pairs = pairs;
}

/** The sum of the training losses since the last call. */
export function takeLoss(arena: Arena, { threads }: NetLayout): number {
  const view = new DataView(arena.memory.buffer);
  const loss = view.getFloat64(threads[0]!, true);
  view.setFloat64(threads[0]!, 0, true);
  return loss;
}
