import { columnNamed, type Dataset, rowsAsLog } from "../../dataset/dataset.js";
import { foldingNotes, cutNewUsers } from "./new-users.js";
import { encodeKeys, keyAt } from "../../log/keys.js";
import { eventsOfRows } from "../../dataset/sampling/training-events.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { wholeOf } from "../../training/reading/split-parts.js";

const roles = { user: "user", item: "item", time: "time" };
const datasetFrom = (rows: [user: string, item: string, time: number][]): Dataset =>
  datasetOf(
    { user: rows.map(([user]) => user), item: rows.map(([, item]) => item), time: rows.map(([, , t]) => t) },
    roles,
  );
const learned = (() => {
  const { dataset, rows } = wholeOf(
    datasetFrom([
      ["old", "a", 1],
      ["old", "b", 2],
    ]),
  );
  return eventsOfRows(dataset, rows);
})();
const cut = (dataset: Dataset, share: number) => {
  const whole = wholeOf(dataset);
  return cutNewUsers(learned, whole, whole.rows, [learned.users], share);
};
const textOf = (dataset: Dataset, rows: Uint32Array): string[] =>
  [...rows].map((row) =>
    ["user", "item"]
      .map((name) => {
        const column = columnNamed(dataset, name);
        return column.kind === "key" ? keyAt(column.dictionary, column.codes[row]!) : "";
      })
      .join(" "),
  );

test.each([
  [0.55, 100, 55],
  [0.07, 100, 7],
  [0.8, 5, 4],
  [0.8, 6, 5],
  [0.8, 2, 1],
  [0.001, 2, 1],
])("a share of %d of %i items folds %i in, whatever a product of floats says", (share, n, expected) => {
  const rows = Array.from({ length: n }, (_, i): [string, string, number] => ["new", `i${i}`, i]);
  const { counts } = cut(datasetFrom(rows), share);
  expect([counts.foldedIn, counts.heldOut]).toEqual([expected, n - expected]);
});

test("items are ordered by their first event, and all events of an item stand together", () => {
  const dataset = datasetFrom([
    ["new", "c", 9],
    ["new", "a", 1],
    ["new", "b", 5],
    ["new", "a", 10],
    ["new", "b", 12],
    ["new", "", 0],
    ["", "b", 0],
    ["old", "b", 3],
    ["one", "a", 3],
    ["new", "", 20],
  ]);
  const { rowsOf, heldOut, counts, training } = cut(dataset, 0.5);
  expect(textOf(dataset, rowsOf(dataset))).toEqual(["new a", "new b", "new a", "new b"]);
  expect(textOf(dataset, heldOut)).toEqual(["new c"]);
  expect(counts).toEqual({ share: 0.5, foldedIn: 2, heldOut: 1, known: 1, withOneItem: 1 });
  expect(training.users.size).toBe(1);
  expect([...training.history.indptr]).toEqual([0, 2]);
});

test("the same rows are found where another run numbers users and items otherwise, or has fewer rows", () => {
  const rows: [string, string, number][] = [
    ["n1", "a", 1],
    ["n2", "b", 2],
    ["n1", "b", 3],
    ["n2", "a", 4],
  ];
  const { rowsOf } = cut(datasetFrom(rows), 0.5);
  const other = datasetFrom([["n3", "z", 0], ...rows.toReversed(), ["n1", "z", 9]]);
  expect(textOf(other, rowsOf(other))).toEqual(["n2 b", "n1 a"]);
});

test("rows of one time stand as in the log, and without times all do, which a note says", () => {
  const equal = datasetFrom([
    ["new", "b", 5],
    ["new", "a", 5],
  ]);
  expect(textOf(equal, cut(equal, 0.5).heldOut)).toEqual(["new a"]);
  expect(foldingNotes(cut(equal, 0.5).counts, wholeOf(equal))).toEqual([]);
  const partly = datasetFrom([
    ["new", "b", 5],
    ["new", "a", NaN],
    ["new", "c", 1],
  ]);
  const { counts, heldOut } = cut(partly, 0.8);
  expect(textOf(partly, heldOut)).toEqual(["new c"]);
  expect(foldingNotes(counts, wholeOf(partly)).join()).toContain(
    "the events have no times (in a column that training used as time): a user's items are taken in log order",
  );
});

test("rows as a log have the keys of these rows alone, in order of first appearance", () => {
  const dataset = rowsAsLog(
    datasetFrom([
      ["x", "a", 1],
      ["y", "b", 2],
      ["z", "c", 3],
      ["y", "", 4],
    ]),
    Uint32Array.of(1, 2, 3),
  );
  const [users, items] = [columnNamed(dataset, "user"), columnNamed(dataset, "item")];
  expect(users).toMatchObject({ codes: Uint32Array.of(0, 1, 0), dictionary: encodeKeys(["y", "z"]) });
  expect(items).toMatchObject({ codes: Uint32Array.of(0, 1, 0xffffffff), dictionary: { size: 2 } });
});
