import type { Arena, Region } from "../shared/memory.js";
import { writeStruct } from "../shared/struct.js";
import { RidgeFit, Fold, Plan, Scratch } from "./layout.js";

export type { Kernel as RidgeKernel } from "./layout.js";

/** Number of targets that are fitted together. */
export const PANEL = 8;
/** In place of a fold: every fit uses the row, and none is evaluated on it. */
export const FITTED = 254;
/** In place of a fold: no fit uses the row. */
export const LEFT_OUT = 255;

export interface BlockRows {
  numRows: number;
  /** columns blocks[f] .. blocks[f + 1] - 1 belong to block f; the last entry is p */
  blocks: readonly number[];
  /** u32[numRows + 1]: row i has pairs indptr[i] .. indptr[i + 1) */
  indptr: Uint32Array;
  /** u32: column of each pair; the pairs of a row are sorted by block */
  columns: Uint32Array;
  /** f64 */
  values: Float64Array;
}

export interface RidgeProblem {
  rows: BlockRows;
  /** f64[numRows], at least 0 */
  weights: Float64Array;
  width: number;
  /** f64[numRows * width], row-major */
  targets: Float64Array;
}

/** A fitted linear map from rows to targets. */
export interface RidgeMap {
  width: number;
  blocks: readonly number[];
  /** f64[width]: weighted mean m of the targets */
  mean: Float64Array;
  /** f64[p]: weighted mean c of each column */
  centers: Float64Array;
  /** f64[p * width], row-major: B */
  coefficients: Float64Array;
}

export interface FitLayout {
  fit: number;
  mean: Region;
  /** f64[p][8] */
  coefficients: Region;
  /** f64[8] */
  errors: Region;
}

export interface FoldLayout {
  fold: number;
  centers: Region;
  /** one for each panel of eight targets */
  fits: FitLayout[];
}

export interface RidgeLayout {
  plan: number;
  parts: Region;
  folds: FoldLayout[];
  scratches: number[];
}

/**
 * Copies the data of a ridge regression into the arena, and allocates the arrays of each fit.
 *
 * @param folds the fold that each set of fits holds out; LEFT_OUT for fits on all used rows
 * @throws {UsageError} it does not fit
 */
export function allocateRidge(
  arena: Arena,
  { rows, weights, width, targets }: RidgeProblem,
  folds: readonly number[],
  threads: number,
): RidgeLayout {
  const { numRows, blocks } = rows;
  const p = blocks.at(-1)!;
  const numBlocks = blocks.length - 1;
  const numPanels = Math.ceil(width / PANEL);
  const blockOf = new Uint32Array(p);
  for (let f = 0; f < numBlocks; f++) blockOf.fill(f, blocks[f], blocks[f + 1]);
  const parts = arena.allocate("the parts of the rows", numRows);
  const plan = writeStruct(arena, "a plan", Plan, {
    ...{ numRows, numColumns: p, numBlocks },
    indptr: arena.put("the rows", rows.indptr),
    columns: arena.put("the rows", rows.columns),
    values: putNumbers(arena, "the rows", rows.values),
    blockOf: arena.put("the columns", blockOf),
    weights: putNumbers(arena, "the weights", weights),
    parts,
  });
  const panels = Array.from({ length: numPanels }, (_, panel) => {
    const region = arena.allocate("the targets", numRows * PANEL * 8);
    const to = arena.f64(region);
    const from = panel * PANEL;
    const count = Math.min(PANEL, width - from);
    for (let row = 0; row < numRows; row++)
      for (let t = 0; t < count; t++) to[row * PANEL + t] = targets[row * width + from + t]!;
    return region.offset;
  });
  const numbers = (name: string, count: number) => arena.allocate(name, count * 8);
  const layoutFold = (fold: number): FoldLayout => {
    const centers = numbers("the means of the columns", p);
    const at = writeStruct(arena, "a fold", Fold, {
      ...{ fold, last: fold === LEFT_OUT ? FITTED : FITTED - 1 },
      centers,
      squares: numbers("the squares of the columns", p),
      masses: numbers("the weights of the blocks", numBlocks),
    });
    const fits = panels.map((offset): FitLayout => {
      const mean = numbers("a mean", PANEL);
      const coefficients = numbers("the coefficients of a map", p * PANEL);
      const errors = numbers("errors", PANEL);
      const places = { mean, coefficients, errors: errors.offset };
      const fit = writeStruct(arena, "a fit", RidgeFit, { fold: at, targets: offset, ...places });
      return { fit, mean, coefficients, errors };
    });
    return { fold: at, centers, fits };
  };
  const scratches = Array.from({ length: threads }, () =>
    writeStruct(arena, "a scratch", Scratch, {
      residual: numbers("a scratch", p * PANEL),
      direction: numbers("a scratch", p * PANEL),
      product: numbers("a scratch", p * PANEL),
      blockProducts: numbers("a scratch", numBlocks * PANEL),
      blockSums: numbers("a scratch", numBlocks * PANEL),
      line: numbers("a scratch", PANEL),
      numbers: numbers("a scratch", 5 * PANEL),
    }),
  );
  return { plan, parts, folds: folds.map(layoutFold), scratches };
}

function putNumbers(arena: Arena, name: string, source: Float64Array): Region {
  const region = arena.allocate(name, Math.max(8, source.byteLength));
  arena.f64(region).set(source);
  return region;
}
