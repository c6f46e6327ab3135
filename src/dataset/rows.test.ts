import { ascending } from "../base/numeric/indices.js";
import { datasetOf } from "../testing/dataset-of.js";
import { ROWS_OF_ROUND } from "./encoding.worker.js";
import { bindEncoder, featureReader } from "./rows.js";
import { fitFeatures } from "./vocabulary/vocabulary.js";

test("features are read from rows whose encoding is deferred, without encoding them", () => {
  const numRows = ROWS_OF_ROUND + 3;
  const cells = (numKeys: number) => Array.from({ length: numRows }, (_, row) => `k${(row * row) % numKeys}`);
  const dataset = datasetOf({ user: cells(7), item: cells(11) });
  const all = ascending(numRows);
  const rows = bindEncoder(fitFeatures(dataset, all, 1), dataset).encode(all, new Float32Array(numRows));
  const isDeferred = Object.getOwnPropertyDescriptor(rows, "ids")!.get !== undefined;
  const featureAt = featureReader(rows);
  const read = all.map((row) => 100 * featureAt(2 * row) + featureAt(2 * row + 1));
  expect([isDeferred, read.length]).toEqual([true, numRows]);
  expect(read).toEqual(all.map((row) => 100 * rows.ids[2 * row]! + rows.ids[2 * row + 1]!));
});
