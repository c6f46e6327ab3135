// Maps the parameters of dense layers, and Adam's moments, to their places in the arena.

import { type DenseLayer, type LayerLayout, paddedUnits } from "./dense.js";
import type { Arena, Region } from "./memory.js";

/** The parameters: NAME.weight and NAME.bias of each layer, NAME.scale and NAME.shift of a normalized one. */
export function placedDense(layers: readonly LayerLayout[]): Map<string, Placed> {
  return new Map(layers.flatMap((dense) => placedLayer(dense, 0, "")));
}

/** Adam's moments of layers that train: the parameter's name with :m or :s. */
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

/** Updates the backward pass's copy of the weights; call it after writing them. */
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

/** A matrix, and where in the region each number lies. */
export interface Placed {
  rows: number;
  columns: number;
  region: Region;
  /** index into the region's f32 */
  at: (row: number, column: number) => number;
}

/** A row-major copy. @returns f32[rows * columns] */
export function readPlaced(arena: Arena, { rows, columns, region, at }: Placed): Float32Array {
  const source = arena.f32(region);
  const values = new Float32Array(rows * columns);
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) values[i++] = source[at(r, c)]!;
  }
  return values;
}

/** Writes row-major values. @param values f32[rows * columns] */
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
