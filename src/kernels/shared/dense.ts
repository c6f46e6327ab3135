// Lays a stack of dense layers out in an arena, for the kernels (assembly/dense/layers.ts).
//
//   layers     of each: f32 W, m, s in groups of four outputs, W in groups of four inputs too; x and dz of a whole batch
//   scratch    of each thread: f32 panels of x and dx of 16 rows, of all layers

import { BLOCK, DenseNetwork, Layer, LINEAR, NONE, PANELS, RELU, TANH } from "./layout.js";
import type { Arena, Region } from "./memory.js";
import { type FieldsOf, writeStructs } from "./struct.js";

const ACTIVATIONS = { none: LINEAR, tanh: TANH, relu: RELU };

export type Activation = keyof typeof ACTIVATIONS;

/** One dense layer: y = dropout(act(W x + b [+ the input of the layer before])). */
export interface DenseLayer {
  /** its parameters are NAME.weight and NAME.bias */
  name: string;
  inputs: number;
  outputs: number;
  activation: Activation;
  /** whether the input of the layer before is added before the activation */
  residual: boolean;
  /** whether its outputs are dropped in training */
  dropped: boolean;
  /** whether it has layer normalization before its activation, with parameters NAME.scale and NAME.shift */
  normalized?: boolean;
}

/** How dense layers learn: by Adam on the batch's mean gradient. */
export interface DenseLearning {
  learningRate: number;
  /** penalty l2 / 2 |W|^2 on the weights, beside the batch's mean loss */
  l2: number;
  /** share of the units of dropped layers that are zeroed in training, in [0, 1) */
  dropout: number;
  /** of dropout */
  seed: number;
}

/** Where a layer's parameters lie. */
export interface LayerLayout {
  layer: DenseLayer;
  /** f32[outputs / 4][U][4], U inputs: W, and Adam's m and s if it trains */
  weights: Region[];
  /** f32[inputs / 4][U][4], U outputs: W again, for the backward pass; only if it trains */
  transposed: Region | undefined;
  /** f32[outputs]: b, m, s */
  biases: Region[];
  /** f32[outputs]: the same of a normalized layer's scale and shift */
  scales: Region[];
  shifts: Region[];
}

/** Where the layers lie, and how much scratch a thread needs. */
export interface DenseLayout {
  layers: LayerLayout[];
  /** the fields of a DenseNetwork */
  fields: FieldsOf<typeof DenseNetwork>;
  /** bytes of a thread's scratch */
  scratchBytes: number;
  /** padded units of the first input, and of the widest one */
  firstUnits: number;
  widestUnits: number;
}

/** Rounds up to a multiple. */
export const pad = (n: number, to: number): number => Math.ceil(n / to) * to;

/** U: units of a layer, padded by zeros. */
export const paddedUnits = (units: number): number => pad(units, 8);

/** R: rows of a batch, padded so that its columns do not all fall on the same lines of the cache. */
export const batchPitchOf = (batch: number): number => pad(batch, BLOCK) + 8;

/**
 * Allocates the layers, all zero.
 *
 * @param batchPitch R; 0 for layers that only score, which need less memory
 * @throws {UsageError} they do not fit the arena
 */
export function allocateDense(
  arena: Arena,
  layers: readonly DenseLayer[],
  { learningRate, l2, dropout, seed }: DenseLearning,
  batchPitch: number,
): DenseLayout {
  const layouts = layers.map((layer) => allocateLayer(arena, layer, batchPitch > 0));
  const places = placesOf(layers);
  const structs = layouts.map((layout, l) => layerFields(arena, layout, places[l]!, batchPitch));
  return {
    layers: layouts,
    fields: {
      numLayers: layers.length,
      layers: writeStructs(arena, "the layers", Layer, structs),
      batchPitch,
      dropsBelow: Math.floor(dropout * 2 ** 32),
      keptScale: 1 / (1 - dropout),
      seed,
      learningRate,
      l2,
    },
    scratchBytes: places.at(-1)!.end,
    firstUnits: paddedUnits(layers[0]!.inputs),
    widestUnits: Math.max(...layers.map(({ inputs }) => paddedUnits(inputs))),
  };
}

/** Allocates one thread's panels, dropout keys and tiles. @returns their byte offsets */
export function allocateDenseScratch(
  arena: Arena,
  { layers, scratchBytes, widestUnits }: DenseLayout,
): Record<"scratch" | "keys" | "tiles", number> {
  const bytesOf = (bytes: number) => arena.room("a thread's scratch", bytes);
  return {
    scratch: bytesOf(scratchBytes),
    keys: bytesOf(layers.length * BLOCK * 4),
    tiles: bytesOf(widestUnits * 32),
  };
}

function allocateLayer(arena: Arena, layer: DenseLayer, trains: boolean): LayerLayout {
  const [inputs, outputs] = [paddedUnits(layer.inputs), paddedUnits(layer.outputs)];
  const room = (count: number) => arena.allocate("the dense layers", count * 4);
  const copies = (count: number) => Array.from({ length: trains ? 3 : 1 }, () => room(count));
  return {
    layer,
    weights: copies(outputs * inputs),
    transposed: trains ? room(outputs * inputs) : undefined,
    biases: copies(outputs),
    scales: layer.normalized ? copies(outputs) : [],
    shifts: layer.normalized ? copies(outputs) : [],
  };
}

/** Byte offsets of a layer's arrays in a thread's scratch, and where they end. */
interface LayerPlaces {
  x: number;
  y: number;
  dx: number;
  dy: number;
  skip: number;
  skipGradients: number;
  normal: number;
  end: number;
}

function placesOf(layers: readonly DenseLayer[]): LayerPlaces[] {
  let end = 0;
  const take = (units: number): number => {
    const place = end;
    end += PANELS * paddedUnits(units) * 32;
    return place;
  };
  const places: LayerPlaces[] = [];
  layers.forEach(({ inputs, outputs, residual, normalized }, l) => {
    const before = places[l - 1];
    const [x, dx] = before ? [before.y, before.dy] : [take(inputs), take(inputs)];
    const [y, dy] = [take(outputs), take(outputs)];
    if (residual) before!.skipGradients = dy;
    const normal = normalized ? take(outputs) : NONE;
    // the deviations of the rows
    if (normalized) end += PANELS * 32;
    const skip = residual ? before!.x : NONE;
    places.push({ x, y, dx, dy, skip, skipGradients: NONE, normal, end });
  });
  return places;
}

function layerFields(
  arena: Arena,
  { layer, weights, transposed, biases, scales, shifts }: LayerLayout,
  { x, y, dx, dy, skip, skipGradients, normal }: LayerPlaces,
  batchPitch: number,
): FieldsOf<typeof Layer> {
  const [inputs, outputs] = [paddedUnits(layer.inputs), paddedUnits(layer.outputs)];
  const batchOf = (units: number) =>
    arena.room("the inputs and derivatives of a batch", units * batchPitch * 4);
  return {
    inputs,
    outputs,
    activation: ACTIVATIONS[layer.activation],
    dropped: layer.dropped,
    weights: weights[0]!.offset,
    weightM: weights[1]?.offset ?? 0,
    weightS: weights[2]?.offset ?? 0,
    transposed: transposed?.offset ?? 0,
    biases: biases[0]!.offset,
    biasM: biases[1]?.offset ?? 0,
    biasS: biases[2]?.offset ?? 0,
    x,
    y,
    dx,
    dy,
    skip,
    skipGradients,
    units: layer.outputs,
    scale: scales[0]?.offset ?? 0,
    scaleM: scales[1]?.offset ?? 0,
    scaleS: scales[2]?.offset ?? 0,
    shift: shifts[0]?.offset ?? 0,
    shiftM: shifts[1]?.offset ?? 0,
    shiftS: shifts[2]?.offset ?? 0,
    normal,
    packed: batchOf(inputs),
    gradients: batchOf(outputs),
    scaleGradients: layer.normalized ? batchOf(outputs) : 0,
    shiftGradients: layer.normalized ? batchOf(outputs) : 0,
  };
}
