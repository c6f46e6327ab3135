import { encodeKeys } from "../../log/keys.js";
import { UsageError } from "../../base/errors.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { splitCells } from "../multi.js";
import { splitRows, type DatasetSplitOptions } from "./split.js";

const options = (changes: Partial<DatasetSplitOptions>): DatasetSplitOptions => ({
  by: "random",
  valid: 0,
  test: 0,
  seed: 1,
  ...changes,
});
const numbered = (n: number, prefix: string) => Array.from({ length: n }, (_, i) => `${prefix}${i}`);

describe("a split by time", () => {
  test("cuts at floor(n (1 - v - t)) and floor(n (1 - t)) of the rows in time order, ties in row order", () => {
    const dataset = datasetOf({ item: numbered(10, "i"), t: [5, 1, 9, 1, 7, 3, 8, 2, 6, 4] }, { time: "t" });
    const { train, valid, test } = splitRows(dataset, options({ by: "time", valid: 0.25, test: 0.25 }));
    expect([[...train], [...valid], [...test]]).toEqual([
      [1, 3, 7, 5, 9],
      [0, 8],
      [4, 6, 2],
    ]);
  });

  test("without a time column is a UsageError that names --time", () => {
    expect(() => splitRows(datasetOf({ item: ["a", "b"] }), options({ by: "time", test: 0.5 }))).toThrow(
      /--time/,
    );
  });
});

describe("a random split", () => {
  const cells = { user: numbered(4000, "u"), item: numbered(4000, "i") };

  test("gives each part its share within 2 percent and every row one part", () => {
    const { train, valid, test } = splitRows(datasetOf(cells), options({ valid: 0.2, test: 0.1 }));
    expect([...train, ...valid, ...test].sort((a, b) => a - b)).toEqual([...numbered(4000, "").keys()]);
    expect(Math.abs(valid.length / 4000 - 0.2)).toBeLessThan(0.02);
    expect(Math.abs(test.length / 4000 - 0.1)).toBeLessThan(0.02);
  });

  test("keeps a row in its part when rows are added before it", () => {
    const before = splitRows(datasetOf(cells), options({ test: 0.3 }));
    const more = { user: ["new", ...cells.user], item: ["one", ...cells.item] };
    const after = splitRows(datasetOf(more), options({ test: 0.3 }));
    expect([...after.test].filter((row) => row > 0).map((row) => row - 1)).toEqual([...before.test]);
  });

  test("puts equal rows in one part, and depends on the seed", () => {
    const twice = { user: [...cells.user, ...cells.user], item: [...cells.item, ...cells.item] };
    const { test } = splitRows(datasetOf(twice), options({ test: 0.3 }));
    expect([...test].filter((row) => row >= 4000).map((row) => row - 4000)).toEqual(
      [...test].filter((row) => row < 4000),
    );
    expect([...splitRows(datasetOf(twice), options({ test: 0.3, seed: 2 })).test]).not.toEqual([...test]);
  });
});

describe("a split by rows", () => {
  const keys = { user: numbered(4000, "u"), age: numbered(4000, "") };
  const numbers = { user: keys.user, age: keys.age.map(Number) };

  test("gives each part its share, and is the same whichever columns are keys or numbers, unlike a random one", () => {
    for (const [by, isSame] of [
      ["rows", true],
      ["random", false],
    ] as const) {
      const asked = options({ by, valid: 0.2, test: 0.1 });
      const [a, b] = [keys, numbers].map((cells) => splitRows(datasetOf(cells), asked));
      expect([by, [...a!.test].join() === [...b!.test].join()]).toEqual([by, isSame]);
      expect(Math.abs(a!.valid.length / 4000 - 0.2)).toBeLessThan(0.02);
      expect(Math.abs(a!.test.length / 4000 - 0.1)).toBeLessThan(0.02);
    }
  });

  test("depends on the seed, and takes no columns", () => {
    const [one, two] = [1, 2].map((seed) =>
      splitRows(datasetOf(keys), options({ by: "rows", test: 0.3, seed })),
    );
    expect([...one!.test]).not.toEqual([...two!.test]);
    expect(() => splitRows(datasetOf(keys), options({ by: "rows", test: 0.3, key: ["user"] }))).toThrow(
      /--split-key needs --split random, got --split rows/,
    );
  });
});

test("a split by user keeps all rows of a user in one part", () => {
  const user = Array.from({ length: 3000 }, (_, i) => `u${i % 300}`);
  const { test } = splitRows(
    datasetOf({ user, item: numbered(3000, "i") }, { user: "user" }),
    options({ by: "user", test: 0.2 }),
  );
  const held = new Set([...test].map((row) => user[row]));
  expect(test.length).toBe(held.size * 10);
  expect(Math.abs(held.size / 300 - 0.2)).toBeLessThan(0.07);
});

test.each([
  [{ valid: 0.5, test: 0.5 }, "leave no training rows"],
  [{ valid: -0.1 }, "are negative"],
  [{ test: 1e-9 }, "hold no row"],
] as [Partial<DatasetSplitOptions>, string][])("shares %j that %s are a UsageError", (shares) => {
  expect(() => splitRows(datasetOf({ item: numbered(10, "i") }), options(shares))).toThrow(UsageError);
});

describe("a split at dates", () => {
  const dataset = datasetOf({ item: numbered(6, "i"), t: [50, 10, 40, 20, 30, 60] }, { time: "t" });
  const parts = (changes: Partial<DatasetSplitOptions>) => {
    const { train, valid, test } = splitRows(dataset, options({ by: "time", ...changes }));
    return [[...train], [...valid], [...test]];
  };

  test("puts the rows from a time on into the part", () => {
    expect(parts({ validFrom: 30, testFrom: 50 })).toEqual([
      [1, 3],
      [4, 2],
      [0, 5],
    ]);
  });

  test("goes with a share for validation, which is of all rows and lies before the test part", () => {
    expect(parts({ valid: 1 / 3, testFrom: 60 })).toEqual([[1, 3, 4], [2, 0], [5]]);
  });

  test.each([[{ testFrom: 61 }], [{ testFrom: 10 }], [{ validFrom: 50, testFrom: 40 }]])(
    "that leave a part without rows are a UsageError: %j",
    (dates) => {
      expect(() => parts(dates)).toThrow(UsageError);
    },
  );

  test("after the newest event names its time", () => {
    expect(() => parts({ validFrom: 61 })).toThrow("the newest event is of 1970-01-01T00:00:00.060Z");
    expect(() => parts({ validFrom: 50, testFrom: 40 })).toThrow("ends where the test split begins");
  });
});

describe("a random split by key", () => {
  const user = Array.from({ length: 3000 }, (_, i) => `u${i % 30}`);
  const item = Array.from({ length: 3000 }, (_, i) => `i${i % 20}`);
  const dataset = datasetOf({ user, item, place: numbered(3000, "p") }, { user: "user" });

  test("keeps repeats of a pair on one side, whatever else the rows hold", () => {
    const { train, test: held } = splitRows(dataset, options({ test: 0.3, key: ["user", "item"] }));
    const pairs = (rows: Uint32Array) => new Set(Array.from(rows, (row) => `${user[row]} ${item[row]}`));
    const heldPairs = pairs(held);
    expect(heldPairs.size).toBeGreaterThan(0);
    expect([...pairs(train)].filter((pair) => heldPairs.has(pair))).toEqual([]);
  });

  test("without the key's column is a UsageError", () => {
    expect(() => splitRows(dataset, options({ test: 0.3, key: ["basket"] }))).toThrow(/basket/);
  });
});

describe("leave-last-out", () => {
  const of = (user: string[], t: number[], basket: string[]) =>
    datasetOf({ user, t, basket }, { user: "user", time: "t" });
  const parts = (dataset: ReturnType<typeof of>, last: DatasetSplitOptions["last"]) => {
    const { train, valid, test } = splitRows(dataset, options({ by: "last", last }));
    return [[...train], [...valid], [...test]];
  };

  test("holds out each user's latest event for test and the one before for validation", () => {
    const dataset = of(["a", "b", "a", "a", "b", "a"], [4, 1, 3, 9, 2, 1], numbered(6, "k"));
    expect(parts(dataset, undefined)).toEqual([[1, 2, 5], [0], [3, 4]]);
  });

  test("keeps a user's only event, and rows without a user, for training", () => {
    expect(parts(of(["a", "", "b", "b"], [1, 9, 2, 1], numbered(4, "k")), undefined)).toEqual([
      [0, 1, 3],
      [],
      [2],
    ]);
  });

  test("holds out whole groups, each where its latest event stands", () => {
    const dataset = of(["a", "a", "a", "a", "a"], [1, 2, 3, 4, 5], ["x", "y", "z", "y", "x"]);
    expect(parts(dataset, { last: 1, group: "basket", without: [] })).toEqual([[2], [1, 3], [0, 4]]);
  });

  test("cuts no part that another log gives", () => {
    const dataset = of(["a", "a", "a"], [1, 2, 3], numbered(3, "k"));
    expect(parts(dataset, { last: 1, without: ["valid"] })).toEqual([[0, 1], [], [2]]);
  });

  test("without a user column is a UsageError", () => {
    expect(() => splitRows(datasetOf({ item: ["a", "b"] }), options({ by: "last" }))).toThrow(/--user/);
  });
});

test("a random split tells rows apart by the numbers of their values alone", () => {
  const cells = Array.from({ length: 400 }, (_, i) => `a:${i + 0.5} b:0.25`);
  const codes = Uint32Array.from(cells, (_, i) => i);
  const column = splitCells("feature", codes, encodeKeys(cells), { separator: " ", weighted: true });
  const roles = { fields: [], numeric: [], multi: { feature: " " }, multiWeights: ["feature"] };
  const dataset = { numRows: 400, columns: [column], roles, inputs: [] };
  const { valid } = splitRows(dataset, { by: "random", valid: 0.5, test: 0, seed: 1 });
  expect(valid.length).toBeGreaterThan(150);
  expect(valid.length).toBeLessThan(250);
});
