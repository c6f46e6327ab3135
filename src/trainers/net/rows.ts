// Feature rows as a network reads them: with the crosses of its wide part, and the training part in an order of each epoch.

import { rowsAt, type FeatureRows, type TrainingRows } from "../../dataset/rows.js";
import type { NetRows } from "../../kernels/net/shape.js";
import { permutation } from "../../numeric/random.js";

/** Rows of a chunk, at most; a chunk of resident rows is whole batches. */
const CHUNK_ROWS = 65536;

/** What a row is to the network. */
export interface RowForm {
  crosses: ((rows: FeatureRows) => NonNullable<NetRows["crosses"]>) | undefined;
  /** labels are divided by it */
  labelScale: number;
}

/** Feature rows in the network's form; what is alike is shared. */
export function netRowsOf(rows: FeatureRows, { crosses, labelScale }: RowForm): NetRows {
  return {
    ...rows,
    ...(labelScale !== 1 && { labels: rows.labels.map((y) => y / labelScale) }),
    ...(crosses && { crosses: crosses(rows) }),
  };
}

/** The training rows of an epoch, chunk by chunk. @param key names the order of resident rows */
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
