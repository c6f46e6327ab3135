// Lays out a stack of dense layers in an arena, for the kernels (assembly/dense/layers.ts), and maps their parameters
// and Adam's moments to their addresses.
//
//   layers     for each layer: f32 W, m, s in groups of four outputs; W in groups of four inputs; x and dz of all rows
//              of a batch
//   scratch    for each thread: f32 panels of x and dx of 16 rows for all layers

import { BLOCK, DenseNetwork, Layer, LINEAR, NONE, PANELS, RELU, TANH } from "./layout.js";
import type { Arena, Region } from "./memory.js";
import { type Placed, readPlaced, writePlaced } from "./placed.js";
import { type FieldsOf, writeStructs } from "./struct.js";

const ACTIVATIONS = { none: LINEAR, tanh: TANH, relu: RELU };

export type Activation = keyof typeof ACTIVATIONS;

/** One dense layer: y = dropout(act(W x + b [+ input of the previous layer])). */
export interface DenseLayer {
  /** prefix of the names of the parameters: NAME.weight and NAME.bias */
  name: string;
  inputs: number;
  outputs: number;
  activation: Activation;
  /** whether the input of the previous layer is added before the activation */
  residual: boolean;
  /** whether dropout zeroes some of the outputs in training */
  dropped: boolean;
  /** whether layer normalization, with parameters NAME.scale and NAME.shift, precedes the activation */
  normalized?: boolean;
}

/** Learning options of dense layers: Adam on the batch's mean gradient. */
export interface DenseLearning {
  learningRate: number;
  /** factor of the penalty l2 / 2 |W|^2, which is added to the batch's mean loss */
  l2: number;
  /** share of the units of layers with dropout that are zeroed in training, in [0, 1) */
  dropout: number;
  /** seed of the dropout's random draws */
  seed: number;
}

export interface LayerLayout {
  layer: DenseLayer;
  /** f32[outputs / 4][U][4]; if the layer trains, weights, biases, scales and shifts have copies for Adam's m and s */
  weights: Region[];
  /** f32[inputs / 4][U][4]: copy of W for the backward pass; undefined unless the layer trains */
  transposed: Region | undefined;
  /** f32[outputs] each; scale and shift of a normalized layer only */
  biases: Region[];
  scales: Region[];
  shifts: Region[];
}

export interface DenseLayout {
  layers: LayerLayout[];
  fields: FieldsOf<typeof DenseNetwork>;
  /** of a thread */
  scratchBytes: number;
  /** padded units of the first input, and of the widest input */
  firstUnits: number;
  widestUnits: number;
}

export const pad = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Returns U, a layer's units padded to a multiple of 8. */
export const paddedUnits = (units: number): number => pad(units, 8);

/** Returns R, the rows of a batch padded so that the columns of the batch do not all map to the same cache lines. */
export const batchPitchOf = (batch: number): number => pad(batch, BLOCK) + 8;

/**
 * Allocates layers whose parameters are all zero.
 *
 * @param batchPitch R; 0 for layers that are not trained, which need less memory
 * @throws {UsageError} they do not fit the arena
 */
export function allocateDense(
  arena: Arena,
  layers: readonly DenseLayer[],
  { learningRate, l2, dropout, seed }: DenseLearning,
  batchPitch: number,
): DenseLayout {
  const layouts = layers.map((layer) => allocateLayer(arena, layer, batchPitch > 0));
  const places = layerPlaces(layers);
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
  const bytesOf = (bytes: number) => arena.allocate("a thread's scratch", bytes).offset;
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

/** Byte offsets of a layer's arrays in a thread's scratch, and of the end of these arrays. */
type LayerPlaces = Record<"x" | "y" | "dx" | "dy" | "skip" | "skipGradients" | "normal" | "end", number>;

function layerPlaces(layers: readonly DenseLayer[]): LayerPlaces[] {
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
    // 1 / standard deviation of each row's sums
    if (normalized) end += PANELS * 32;
    const skip = residual ? before!.x : NONE;
    places.push({ x, y, dx, dy, skip, skipGradients: NONE, normal, end });
  });
  return places;
}

function layerFields(
  arena: Arena,
  { layer, weights, transposed, biases, scales, shifts }: LayerLayout,
  { end: _, ...places }: LayerPlaces,
  batchPitch: number,
): FieldsOf<typeof Layer> {
  const [inputs, outputs] = [paddedUnits(layer.inputs), paddedUnits(layer.outputs)];
  const batchOf = (units: number) =>
    arena.allocate("the inputs and derivatives of a batch", units * batchPitch * 4).offset;
  return {
    ...places,
    inputs,
    outputs,
    activation: ACTIVATIONS[layer.activation],
    dropped: layer.dropped,
    weights: weights[0]!,
    weightM: weights[1],
    weightS: weights[2],
    transposed,
    biases: biases[0]!,
    biasM: biases[1],
    biasS: biases[2],
    units: layer.outputs,
    scale: scales[0],
    scaleM: scales[1],
    scaleS: scales[2],
    shift: shifts[0],
    shiftM: shifts[1],
    shiftS: shifts[2],
    packed: batchOf(inputs),
    gradients: batchOf(outputs),
    scaleGradients: layer.normalized ? batchOf(outputs) : 0,
    shiftGradients: layer.normalized ? batchOf(outputs) : 0,
  };
}

/** Returns the parameters NAME.weight and NAME.bias of each layer, NAME.scale and NAME.shift of a normalized layer. */
export function placedDense(layers: readonly LayerLayout[]): Map<string, Placed> {
  return new Map(layers.flatMap((dense) => placedLayer(dense, 0, "")));
}

/** Returns Adam's moments of layers that train, named as the parameter followed by :m or :s. */
export function placedMoments(layers: readonly LayerLayout[]): Map<string, Placed> {
  const copies = [":m", ":s"].map((kept, i) => layers.flatMap((dense) => placedLayer(dense, i + 1, kept)));
  return new Map(copies.flat());
}

function placedLayer(dense: LayerLayout, copy: number, kept: string): [string, Placed][] {
  const { name } = dense.layer;
  return [
    [`${name}.weight${kept}`, weightsAt(dense, copy)],
    [`${name}.bias${kept}`, outputsAt(dense.layer, dense.biases[copy]!)],
    ...(dense.layer.normalized
      ? ([
          [`${name}.scale${kept}`, outputsAt(dense.layer, dense.scales[copy]!)],
          [`${name}.shift${kept}`, outputsAt(dense.layer, dense.shifts[copy]!)],
        ] as [string, Placed][])
      : []),
  ];
}

/** Updates the copies of the weights for the backward pass; must be called after weights are written. */
export function transposeWeights(arena: Arena, layers: readonly LayerLayout[]): void {
  for (const dense of layers) {
    if (!dense.transposed) continue;
    writePlaced(arena, transposedAt(dense.layer, dense.transposed), readPlaced(arena, weightsAt(dense, 0)));
  }
}

function weightsAt({ layer, weights }: LayerLayout, copy: number): Placed {
  const U = paddedUnits(layer.inputs);
  const at = (o: number, i: number): number => ((o >>> 2) * U + i) * 4 + (o & 3);
  return { rows: layer.outputs, columns: layer.inputs, region: weights[copy]!, at };
}

function transposedAt(layer: DenseLayer, region: Region): Placed {
  const U = paddedUnits(layer.outputs);
  const at = (o: number, i: number): number => ((i >>> 2) * U + o) * 4 + (i & 3);
  return { rows: layer.outputs, columns: layer.inputs, region, at };
}

function outputsAt({ outputs }: DenseLayer, region: Region): Placed {
  return { rows: outputs, columns: 1, region, at: (o) => o };
}
