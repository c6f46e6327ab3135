// Rows of a network cut into runs of consecutive ones.

import type { NetRows } from "../../kernels/net/shape.js";

/** Rows [first, first + numRows); views of the same arrays, but for the places where rows begin. */
export function rowsOfBatch(rows: NetRows, first: number, numRows: number): NetRows {
  const end = first + numRows;
  const { start, stop, indptr } = pairsOf(rows, first, end);
  const numNumeric = rows.numeric ? rows.numeric.length / rows.numRows : 0;
  const crosses = rows.crosses && pairsOf(rows.crosses, first, end);
  return {
    numRows,
    width: rows.width,
    indptr,
    ids: rows.ids.subarray(start, stop),
    ...(rows.values && { values: rows.values.subarray(start, stop) }),
    labels: rows.labels.subarray(first, end),
    ...(rows.weights && { weights: rows.weights.subarray(first, end) }),
    ...(rows.numeric && { numeric: rows.numeric.subarray(first * numNumeric, end * numNumeric) }),
    ...(crosses && {
      crosses: {
        width: rows.crosses!.width,
        indptr: crosses.indptr,
        ids: rows.crosses!.ids.subarray(crosses.start, crosses.stop),
      },
    }),
  };
}

function pairsOf(
  { indptr, width }: Pick<NetRows, "indptr" | "width">,
  first: number,
  end: number,
): { start: number; stop: number; indptr?: Uint32Array } {
  if (!indptr) return { start: first * width, stop: end * width };
  const start = indptr[first]!;
  return {
    start,
    stop: indptr[end]!,
    indptr: indptr.subarray(first, end + 1).map((pair) => pair - start),
  };
}
