// Tests on which rows a target statistic depends, and that it never depends on the row's own label.

import type { Dataset, KeyColumn } from "../../../dataset/dataset.js";
import { permutation, draw } from "../../../base/numeric/random.js";
import { orderedStatistics } from "./target-statistics.reference.js";
import { datasetOf } from "../../../testing/dataset-of.js";
import { mulberry32 } from "../../../testing/random.js";
import { ArtifactError, UsageError } from "../../../base/errors.js";
import { fitTreeFeatures } from "../features.js";
import { defaultGbdtOptions } from "../options.js";
import { rowsOf } from "../../../testing/planted-trees.js";
import { trainGbdt } from "../boosting/train.js";
import {
  type CtrOptions,
  fitTargetStatistics,
  readStatistics,
  statisticsText,
  withTargetStatistics,
} from "./target-statistics.js";

const options = { columns: ["id"], keep: false, priorWeight: 2, permutations: 1, seed: 7 };

interface Drawn {
  dataset: Dataset;
  columns: Record<string, string[]>;
  ids: string[];
  times: number[];
  labels: Float32Array;
  weights: Float32Array;
}

/** Generates rows with few rows per id; many of the times are equal, and some are missing. */
function drawn(n: number, seed: number, timed = true): Drawn {
  const random = mulberry32(seed);
  const ids = Array.from({ length: n }, () => (random() < 0.05 ? "" : `u${Math.floor((random() * n) / 3)}`));
  const times = Array.from({ length: n }, () => (random() < 0.05 ? NaN : Math.floor((random() * n) / 4)));
  const labels = Float32Array.from(ids, () => (random() < 0.4 ? 1 : 0));
  const weights = Float32Array.from(ids, () => 0.5 + random());
  const few = (size: number, name: string) =>
    Array.from(ids, () => (random() < 0.05 ? "" : `${name}${Math.floor(random() * size)}`));
  const columns = { id: ids, shop: few(3, "s"), hour: few(2, "h") };
  const dataset = datasetOf({ ...columns, time: times }, timed ? { time: "time" } : {});
  return { dataset, columns, ids, times, labels, weights };
}

const all = (n: number): Uint32Array => Uint32Array.from({ length: n }, (_, row) => row);
const valuesOf = ({ dataset, labels, weights }: Drawn, given: Partial<CtrOptions>) => {
  const train = { dataset, rows: all(labels.length), labels, weights };
  const { values } = fitTargetStatistics(train, { ...options, ...given });
  return [...values.values()][0]!;
};

const maxApart = (a: ArrayLike<number>, b: readonly number[]): number =>
  Math.max(...b.map((x, i) => Math.abs(a[i]! - x)));

test.each([
  ["id", true, 1],
  ["id", false, 1],
  ["id*shop", true, 1],
  ["id*shop", false, 1],
  ["shop*id*hour", false, 3],
])("agrees with the reference to 1e-12: %s, in time order: %s, orders: %i", (name, timed, permutations) => {
  const rows = drawn(400, 1, timed);
  const cells = Array.from(rows.ids, (_, i) => {
    const own = name.split("*").map((column) => rows.columns[column]![i]!);
    return own.includes("") ? "" : JSON.stringify(own);
  });
  const orders = timed
    ? [rows.times]
    : Array.from({ length: permutations }, (_, p) => {
        const place = new Map([...permutation(400, draw(7, 0xc72 + (p << 12)))].map((i, at) => [i, at]));
        return rows.ids.map((__, i) => place.get(i)!);
      });
  const each = orders.map((order) =>
    orderedStatistics(cells, order, [...rows.labels], [...rows.weights], [0.3, 2]),
  );
  const expected = cells.map((_, i) => each.reduce((sum, own) => sum + own[i]!, 0) / each.length);
  const got = valuesOf(rows, { columns: [name], prior: 0.3, permutations });
  const known = cells.flatMap((cell, i) => (cell === "" ? [] : [i]));
  expect(
    maxApart(
      known.map((i) => got[i]!),
      known.map((i) => expected[i]!),
    ),
  ).toBeLessThan(1e-12);
  expect(cells.every((cell, i) => (cell === "") === Number.isNaN(got[i]!))).toBe(true);
});

test.each([
  ["id", true, 1],
  ["id", false, 1],
  ["id*shop", false, 1],
  ["id*shop", false, 5],
])(
  "no row sees its own label: flipping it changes others alone: %s, in time order: %s, orders: %i",
  (name, timed, permutations) => {
    const given = { columns: [name], prior: 0.3, permutations };
    const rows = drawn(120, 2, timed);
    const before = valuesOf(rows, given);
    let changed = 0;
    for (let i = 0; i < 120; i++) {
      const labels = rows.labels.slice();
      labels[i] = 1 - labels[i]!;
      const after = valuesOf({ ...rows, labels }, given);
      expect(Object.is(after[i], before[i])).toBe(true);
      const twins = rows.times.flatMap((t, j) => (timed && t === rows.times[i] ? [j] : []));
      expect(twins.every((j) => Object.is(after[j], before[j]))).toBe(true);
      if (after.some((x, j) => !Object.is(x, before[j]))) changed++;
    }
    // Expects that many labels affect the statistics of other rows; otherwise the test would be meaningless.
    expect(changed).toBeGreaterThan(name === "id" ? 40 : 15);
  },
);

test("of random labels the column knows nothing, where the full statistics would know nearly all", () => {
  const rows = drawn(6000, 3);
  const { statistics, values } = fitTargetStatistics({ ...rows, rows: all(6000) }, options);
  const full = withTargetStatistics(rows.dataset, statistics).columns.at(-1)!;
  const correlated = (x: Float64Array): number => {
    const known = rows.ids.flatMap((id, i) => (id === "" ? [] : [i]));
    const mean = (of: (i: number) => number) => known.reduce((sum, i) => sum + of(i), 0) / known.length;
    const [mx, my] = [mean((i) => x[i]!), mean((i) => rows.labels[i]!)];
    const cov = mean((i) => (x[i]! - mx) * (rows.labels[i]! - my));
    return cov / Math.sqrt(mean((i) => (x[i]! - mx) ** 2) * mean((i) => (rows.labels[i]! - my) ** 2));
  };
  expect(Math.abs(correlated(values.get("ctr:id")!))).toBeLessThan(0.04);
  expect(correlated(full.kind === "number" ? full.values : new Float64Array())).toBeGreaterThan(0.5);
});

test("rows outside the training part, and new ids, have the full statistics and the prior, read back from text too", () => {
  const dataset = datasetOf({ id: ["a", "a", "b", "a", "new", ""] });
  const train = { dataset, rows: Uint32Array.of(0, 1, 2), labels: Float32Array.of(1, 0, 1) };
  const fitted = fitTargetStatistics(train, { ...options, prior: 0.25 });
  const expected = [(1 + 0 + 0.5) / 4, 0.25, NaN];
  expect([...fitted.values.get("ctr:id")!.subarray(3)]).toEqual(expected);
  const read = readStatistics(Buffer.from(statisticsText(fitted.statistics)), "ctr.jsonl");
  const column = withTargetStatistics(dataset, read).columns.at(-1)!;
  expect(column.kind === "number" && [...column.values.subarray(3)]).toEqual(expected);
});

test("a combination has the statistics of its training rows, unknown ones the prior, missing keys none, read back too", () => {
  const dataset = datasetOf({
    a: ["x", "x", "y", "x", "x", "z", "", "x"],
    b: ["1", "1", "1", "1", "2", "1", "1", ""],
  });
  const train = { dataset, rows: Uint32Array.of(0, 1, 2), labels: Float32Array.of(1, 0, 1) };
  const fitted = fitTargetStatistics(train, { ...options, columns: ["a*b"], prior: 0.25 });
  const expected = [(1 + 0 + 0.5) / 4, 0.25, 0.25, NaN, NaN];
  expect([...fitted.values.get("ctr:a*b")!.subarray(3)]).toEqual(expected);
  const read = readStatistics(Buffer.from(statisticsText(fitted.statistics)), "ctr.jsonl");
  const column = withTargetStatistics(dataset, read).columns.at(-1)!;
  expect(column.kind === "number" && [...column.values.subarray(3)]).toEqual(expected);
  // The dataset to which the fitted statistics are applied has its rows in another order, other codes, and keys that
  // training does not have.
  const other = datasetOf({ b: ["2", "1", "1", "3", "1"], a: ["x", "y", "x", "x", ""] });
  const made = withTargetStatistics(other, read).columns.at(-1)!;
  expect(made.kind === "number" && [...made.values]).toEqual([0.25, 1.5 / 3, 0.375, 0.25, NaN]);
});

test("random labels and combinations of hardly any rows: boosting is no better than chance, where full statistics would be", async () => {
  const n = 6000;
  const random = mulberry32(8);
  const key = (size: number) => Array.from({ length: n }, () => `k${Math.floor(random() * size)}`);
  const dataset = datasetOf({ a: key(60), b: key(50) });
  const labels = Float32Array.from({ length: n }, () => (random() < 0.5 ? 1 : 0));
  const train = { dataset, rows: all(n), labels };
  const gbdt = { ...defaultGbdtOptions(), threads: 1, numTrees: 10, numLeaves: 4, minDataInLeaf: 200 };
  const trainLoss = async (made: Dataset): Promise<number> => {
    const alone = { ...made, roles: { ...made.roles, fields: [], numeric: ["ctr:a*b"] } };
    const features = await fitTreeFeatures(alone, train.rows, gbdt);
    const rows = rowsOf({ dataset: alone, labels }, features);
    const { epochs } = await trainGbdt({ features, objective: "binary", train: rows }, gbdt);
    return epochs.at(-1)!.trainLoss;
  };
  for (const permutations of [1, 8]) {
    const given = { ...options, columns: ["a*b"], permutations };
    const { statistics, values } = fitTargetStatistics(train, given);
    const loss = await trainLoss(withTargetStatistics(dataset, statistics, values));
    expect(loss).toBeGreaterThan(Math.LN2 - 0.006);
    expect(await trainLoss(withTargetStatistics(dataset, statistics))).toBeLessThan(Math.LN2 - 0.15);
  }
});

test("too many combinations are refused with the number that there are", () => {
  const size = 1500;
  const n = size * size;
  const codes = (of: (row: number) => number) => Uint32Array.from({ length: n }, (_, row) => of(row));
  const { dictionary } = datasetOf({ a: Array.from({ length: size }, (_, i) => `k${i}`) })
    .columns[0] as KeyColumn;
  const column = (name: string, of: (row: number) => number): KeyColumn => ({
    ...{ kind: "key", name, dictionary },
    codes: codes(of),
  });
  const columns = [column("a", (row) => row % size), column("b", (row) => Math.floor(row / size))];
  const dataset = { ...datasetOf({ a: ["x"] }), numRows: n, columns };
  const train = { dataset, rows: all(n), labels: new Float32Array(n) };
  expect(() => fitTargetStatistics(train, { ...options, columns: ["a*b"] })).toThrow(
    new UsageError(
      "--ctr a*b has 2250000 different combinations in the training rows, and all combinations together may have " +
        "2097152: combine columns with fewer values, or name fewer combinations",
    ),
  );
});

test.each([
  ['{"columns":["a","b"],"keys":[["x"]],', "1 lists of keys for 2 columns"],
  ['{"columns":["a","b"],"keys":[["x"],[]],', "0 keys or weights and 1 sums"],
  ['{"columns":[],"keys":[],', "0 lists of keys for 0 columns"],
  ['{"columns":["a","b"],"keys":["x","y"],', "keys"],
])("a damaged line is refused: %s", (start, why) => {
  const line = `${start}"name":"ctr:a*b","prior":0.5,"priorWeight":1,"sums":[1],"weights":[2]}\n`;
  const read = () => readStatistics(Buffer.from(line), "ctr.jsonl");
  expect(read).toThrow(ArtifactError);
  expect(read).toThrow(why);
});
