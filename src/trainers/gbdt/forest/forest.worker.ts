// Script of the threads that score rows with a forest: computes the columns' codes, then leaves and scores, in blocks
// of 512 rows, whose codes fit into the cache.

import type { GbdtKernel } from "../../../compute/kernels/gbdt/binding.js";
import { kernelThread } from "../../../compute/threads/kernel-thread.js";

export const SCORED_ROWS = 512;

export interface ScoringColumn {
  kind: "number" | "category";
  /** cells of the chunk's rows: f64[chunk] for numbers, u16[chunk] for categories */
  cells: number;
  edges: number;
  numEdges: number;
  /** code that represents a missing number (NaN) */
  missing: number;
}

/** Locations of a forest and a chunk of rows; pointers are byte offsets. */
export interface ScoringLayout {
  numThreads: number;
  numTrees: number;
  numClasses: number;
  columns: ScoringColumn[];
  nodes: number;
  sets: number;
  roots: number;
  starts: number;
  values: number;
  /** class to whose score each tree is added, u32[numTrees] */
  classes: number;
  /** codes of the rows that each thread is scoring, u16[threads][512][columns] */
  codes: number;
  /** output: scores of the chunk's rows, f64[chunk][numClasses] */
  scores: number;
  /** output: leaf of each row in each tree, u32[chunk][numTrees] */
  leaves: number;
}

export interface ScoringTask {
  numRows: number;
  leaves: boolean;
}

export const start = kernelThread<GbdtKernel, ScoringLayout, ScoringTask, null>(
  ({ kernel, index, own: layout }) =>
    (task) => {
      const { columns, numTrees, numThreads, numClasses, scores, leaves } = layout;
      const stride = 2 * columns.length;
      const codes = layout.codes + index * SCORED_ROWS * stride;
      for (let at = index * SCORED_ROWS; at < task.numRows; at += numThreads * SCORED_ROWS) {
        const n = Math.min(SCORED_ROWS, task.numRows - at);
        columns.forEach(({ kind, cells, edges, numEdges, missing }, c) => {
          const out = codes + 2 * c;
          if (kind === "category") kernel.placeBins(cells + 2 * at, n, true, out, stride);
          else kernel.binNumbers(cells + 8 * at, n, edges, numEdges, missing, true, out, stride);
        });
        kernel.predict(
          codes,
          n,
          columns.length,
          layout.nodes,
          layout.sets,
          layout.roots,
          layout.starts,
          numTrees,
          layout.values,
          task.leaves ? leaves + 4 * at * numTrees : 0,
          scores + 8 * at * numClasses,
          numClasses,
          layout.classes,
        );
      }
      return null;
    },
);
