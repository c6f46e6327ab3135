// Where each number of a network's parameters, and of what its methods keep, lies in the arena; and copies in and out.
//
//   NAME ──► f32[rows][columns], row-major, as `parameterShapes` has them ──► (row, column) ──► place in a region
//
// What the methods keep beside a parameter NAME is called NAME:m and NAME:s (Adam's moments), NAME:n (sums of squares, which start
// at 1 under AdaGrad and at 0 under FTRL) and NAME:z (FTRL).

import type { Arena, Region } from "../shared/memory.js";
import { type LayerLayout, type NetLayout, paddedUnits } from "./binding.js";
import { type DenseLayer, embeddingWidth, type NetLearning, type NetShape, numFeaturesOf } from "./shape.js";

/** A matrix that lies in a region in its own order. */
interface Placed {
  rows: number;
  columns: number;
  region: Region;
  /** of f32 */
  at: (row: number, column: number) => number;
}

/** The parameters by name. */
export function placedParameters(layout: NetLayout, shape: NetShape): Map<string, Placed> {
  const placed = new Map([["embeddings", embeddingsAt(layout, shape, 0)]]);
  if (layout.w0) placed.set("w0", single(layout.w0, 0));
  if (layout.wide) placed.set("wide", wideAt(layout.wide, shape, 0));
  for (const dense of layout.layers) {
    placed.set(`${dense.layer.name}.weight`, weightsAt(dense, 0));
    placed.set(`${dense.layer.name}.bias`, biasesAt(dense, 0));
  }
  return placed;
}

/** What the methods keep, by name; of a network that learns. */
export function placedState(layout: NetLayout, shape: NetShape): Map<string, Placed> {
  const placed = new Map<string, Placed>();
  if (layout.embeddingPitch > layout.paddedWidth)
    placed.set("embeddings:n", embeddingsAt(layout, shape, layout.paddedWidth));
  if (layout.wide) {
    placed.set("wide:n", wideAt(layout.wide, shape, 1));
    placed.set("wide:z", wideAt(layout.wide, shape, 2));
  }
  (["m", "s"] as const).forEach((kept, i) => {
    if (layout.w0) placed.set(`w0:${kept}`, single(layout.w0, 4 * (i + 1)));
    for (const dense of layout.layers) {
      placed.set(`${dense.layer.name}.weight:${kept}`, weightsAt(dense, i + 1));
      placed.set(`${dense.layer.name}.bias:${kept}`, biasesAt(dense, i + 1));
    }
  });
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

function weightsAt({ layer, weights }: LayerLayout, copy: number): Placed {
  const U = paddedUnits(layer.inputs);
  const at = (o: number, i: number): number => ((o >>> 2) * U + i) * 4 + (o & 3);
  return { rows: layer.outputs, columns: layer.inputs, region: weights[copy]!, at };
}

function turnedAt(layer: DenseLayer, region: Region): Placed {
  const U = paddedUnits(layer.outputs);
  const at = (o: number, i: number): number => ((i >>> 2) * U + o) * 4 + (i & 3);
  return { rows: layer.outputs, columns: layer.inputs, region, at };
}

function biasesAt({ layer, biases }: LayerLayout, copy: number): Placed {
  return { rows: layer.outputs, columns: 1, region: biases[copy]!, at: (o) => o };
}

/** A copy of an array. @returns f32[rows * columns] */
export function readPlaced(arena: Arena, { rows, columns, region, at }: Placed): Float32Array {
  const source = arena.f32(region);
  const values = new Float32Array(rows * columns);
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) values[i++] = source[at(r, c)]!;
  }
  return values;
}

/** Puts an array in. @param values f32[rows * columns] */
export function writePlaced(
  arena: Arena,
  { rows, columns, region, at }: Placed,
  values: ArrayLike<number>,
): void {
  const target = arena.f32(region);
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) target[at(r, c)] = values[i++]!;
  }
}

/** Sets what the methods keep to what it is before the first step; also of the padding, which would else be 0 / 0. */
export function startState(arena: Arena, layout: NetLayout): void {
  const { embeddings, paddedWidth, embeddingPitch } = layout;
  if (embeddingPitch === paddedWidth) return;
  const numbers = arena.f32(embeddings);
  for (let at = paddedWidth; at < numbers.length; at += embeddingPitch) numbers.fill(1, at, at + paddedWidth);
}

/** Writes dense weights once more, as the way back reads them; to be called when they were put in. */
export function turnWeights(arena: Arena, layout: NetLayout): void {
  for (const dense of layout.layers) {
    if (dense.turned) {
      writePlaced(arena, turnedAt(dense.layer, dense.turned), readPlaced(arena, weightsAt(dense, 0)));
    }
  }
}

/** Sets z of the wide part so that its weights follow from it, as FTRL's do; to be called when they were put in. */
export function alignWide(
  arena: Arena,
  { wide }: NetLayout,
  { wideLearningRate: rate, wideL1, wideL2 }: NetLearning,
): void {
  if (!wide || rate === 0) return;
  const numbers = arena.f32(wide);
  for (let at = 0; at < numbers.length; at += 4) {
    const [w, n] = [numbers[at]!, numbers[at + 1]!];
    numbers[at + 2] = -w * ((1 + Math.sqrt(n)) / rate + wideL2) - Math.sign(w) * wideL1;
  }
}
