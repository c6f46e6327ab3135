// Converts feature rows to a network's input, with the crosses of its wide part, and shuffles the training rows of each
// epoch.

import { rowsAt, type FeatureRows, type TrainingRows } from "../../dataset/rows.js";
import type { NetInputs } from "../../compute/kernels/net/shape.js";
import { permutation } from "../../base/numeric/random.js";

const CHUNK_ROWS = 65536;

export interface RowForm {
  crosses: ((rows: FeatureRows) => NonNullable<NetInputs["crosses"]>) | undefined;
  /** scale by which labels are divided */
  labelScale: number;
}

/** Arrays that do not change are not copied. */
export function netRowsOf(rows: FeatureRows, { crosses, labelScale }: RowForm): NetInputs {
  return {
    ...rows,
    ...(labelScale !== 1 && { labels: rows.labels.map((y) => y / labelScale) }),
    ...(crosses && { crosses: crosses(rows) }),
  };
}

/** @param key random key of the order of rows in memory */
export function* chunksOfEpoch(
  train: TrainingRows,
  epoch: number,
  key: number,
  batch: number,
): Generator<FeatureRows> {
  if (train.kind === "drawn") {
    yield* train.draw(epoch);
    return;
  }
  if (train.kind === "stored") throw new RangeError("the rows of a network are in memory");
  const rows = train.atEpoch?.(epoch) ?? train.rows;
  const order = permutation(rows.numRows, key);
  const size = Math.max(1, Math.floor(CHUNK_ROWS / batch)) * batch;
  for (let from = 0; from < rows.numRows; from += size) yield rowsAt(rows, order.subarray(from, from + size));
}

/** Rows [first, first + numRows). The arrays are views, except for indptr. */
export function rowsOfBatch(rows: NetInputs, first: number, numRows: number): NetInputs {
  const end = first + numRows;
  const { start, stop, indptr } = pairRange(rows, first, end);
  const numNumeric = rows.numeric ? rows.numeric.length / rows.numRows : 0;
  const crosses = rows.crosses && pairRange(rows.crosses, first, end);
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

function pairRange(
  { indptr, width }: Pick<NetInputs, "indptr" | "width">,
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
