import { isDeepStrictEqual } from "node:util";
import { datasetOf } from "../testing/dataset-of.js";
import { valuesAt } from "../base/numeric/indices.js";
import { findItemFields, keyColumn } from "./item-fields.js";
import { negativeSource } from "./sampling/negatives.js";
import { heldOutOf } from "./sampling/ranking-events.js";
import { labelsOf } from "./labels.js";
import { bindEncoder } from "./rows.js";
import { splitRows, type SplitBy } from "./splits/split.js";
import { rowsAsLog, rowsWhere } from "./dataset.js";
import { codesIn, ColumnCache, SLICE_ROWS, storedColumn, storedRowsAsLog } from "./stored-columns.js";
import { newestEvent, newestTimes } from "./vocabulary/last-seen.js";
import { fitFeatures } from "./vocabulary/vocabulary.js";

const numRows = 2 * SLICE_ROWS + 100;
const cells = (text: (row: number) => string) => Array.from({ length: numRows }, (_, row) => text(row));
const inMemory = datasetOf(
  {
    user: cells((row) => `u${(row * row) % 997}`),
    item: cells((row) => (row % 1009 === 0 ? "" : `i${(row * 31) % 503}`)),
    label: Array.from({ length: numRows }, (_, row) => (row * 7) % 5),
    time: Array.from({ length: numRows }, (_, row) => 1e12 + 1000 * row),
  },
  { user: "user", item: "item", label: "label", time: "time" },
);

/** Largest number of rows that one call has read. */
let longest = 0;
const cache = new ColumnCache();
const onDisk = {
  ...inMemory,
  columns: inMemory.columns.map((column) => {
    const all = column.kind === "number" ? column.values : column.codes;
    const read = (from: number, to: number) => {
      longest = Math.max(longest, to - from);
      return all.slice(from, to);
    };
    return storedColumn(column, numRows, read, cache);
  }),
};

/** Like toEqual, which takes seconds for long arrays and is only needed for its message. */
function expectEqual(got: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(got, expected)) expect(got).toEqual(expected);
}

test("rows of columns on disk are those of columns in memory, with the keys that the rows have, by any number of slices", () => {
  // users from u900 on have no row
  const rows = rowsWhere(numRows, (row) => (row * row) % 997 < 900 && (row > 100_000 || row % 3 === 0));
  const [expected, got] = [rowsAsLog(inMemory, rows), storedRowsAsLog(onDisk, rows)];
  expectEqual({ ...got, columns: got.columns.map((column) => ({ ...column })) }, expected);
  const item = keyColumn(got, "item");
  const some = Uint32Array.from([5, 70_000, rows.length - 1]);
  expectEqual(codesIn(item, some), codesIn(keyColumn(expected, "item"), some));
  expect(longest).toBeLessThanOrEqual(SLICE_ROWS);
});

test("items, users, their events and held-out items are those of columns in memory, and no column is read at once", () => {
  const [expected, got] = [inMemory, onDisk].map((dataset) => {
    const { train, valid } = splitRows(dataset, { by: "time", valid: 0.2, test: 0.1, seed: 3 });
    const encoder = bindEncoder(fitFeatures(dataset, train, 2), dataset);
    const itemFields = findItemFields(dataset, train, keyColumn(dataset, "item"), []);
    const { source, events } = negativeSource(dataset, train, encoder, itemFields, [1]);
    const { source: alone } = negativeSource(dataset, train, encoder, itemFields, [1], {
      needsEvents: false,
    });
    expectEqual(alone.history, source.history);
    return { itemFields, source, events, heldOut: heldOutOf(source, { dataset, rows: valid }) };
  });
  expect(got!.events!.items.length).toBeGreaterThan(SLICE_ROWS);
  expectEqual(got, expected);
  expect(longest).toBeLessThanOrEqual(SLICE_ROWS);
});

test.each<SplitBy>(["random", "rows", "user", "time"])(
  "labels, split by %s, vocabulary and rows are those of columns in memory, and no column is read at once",
  (by) => {
    const [expected, got] = [inMemory, onDisk].map((dataset) => {
      const parts = splitRows(dataset, { by, valid: 0.2, test: 0.1, seed: 3 });
      const space = fitFeatures(dataset, parts.train, 2);
      const encoder = bindEncoder(space, dataset);
      const { values } = labelsOf(dataset, 3);
      const unsorted = Uint32Array.of(numRows - 1, 5, SLICE_ROWS, 5);
      return {
        ...{ parts, values, fields: space.fields, unseen: encoder.countUnseen(parts.valid) },
        rows: [parts.train, unsorted].map((rows) => encoder.encode(rows, valuesAt(values, rows))),
      };
    });
    expect(got!.rows[0]!.numRows).toBeGreaterThan(SLICE_ROWS);
    expectEqual(got, expected);
    expect(longest).toBeLessThanOrEqual(SLICE_ROWS);
  },
);

test("the newest times of keys are those of columns in memory, and no column is read at once", () => {
  const [expected, got] = [inMemory, onDisk].map((dataset) => {
    const { train } = splitRows(dataset, { by: "time", valid: 0.2, test: 0.1, seed: 3 });
    return { newest: newestTimes(fitFeatures(dataset, train, 2), dataset), event: newestEvent(dataset) };
  });
  expect(got!.event).toBe(1e12 + 1000 * (numRows - 1));
  expectEqual(got, expected);
  expect(longest).toBeLessThanOrEqual(SLICE_ROWS);
});

test("rows that are not in ascending order are read from complete columns", () => {
  const rows = Uint32Array.of(numRows - 1, 5, SLICE_ROWS, 5);
  const [expected, got] = [inMemory, onDisk].map((dataset) => codesIn(keyColumn(dataset, "user"), rows));
  expect(got).toEqual(expected);
});
