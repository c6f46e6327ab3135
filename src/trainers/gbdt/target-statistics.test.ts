// Target statistics: what a row sees, and above all that it does not see its own label.

import type { Dataset } from "../../dataset/dataset.js";
import { permutation, draw } from "../../numeric/random.js";
import { orderedStatistics } from "./target-statistics.reference.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { mulberry32 } from "../../testing/random.js";
import {
  fitTargetStatistics,
  readStatistics,
  statisticsText,
  withTargetStatistics,
} from "./target-statistics.js";

const options = { columns: ["id"], keep: false, priorWeight: 2, seed: 7 };

interface Drawn {
  dataset: Dataset;
  ids: string[];
  times: number[];
  labels: Float32Array;
  weights: Float32Array;
}

/** Ids of a few rows each, times of which many are equal and some missing. */
function drawn(n: number, seed: number, timed = true): Drawn {
  const random = mulberry32(seed);
  const ids = Array.from({ length: n }, () => (random() < 0.05 ? "" : `u${Math.floor((random() * n) / 3)}`));
  const times = Array.from({ length: n }, () => (random() < 0.05 ? NaN : Math.floor((random() * n) / 4)));
  const labels = Float32Array.from(ids, () => (random() < 0.4 ? 1 : 0));
  const weights = Float32Array.from(ids, () => 0.5 + random());
  const dataset = datasetOf({ id: ids, time: times }, timed ? { time: "time" } : {});
  return { dataset, ids, times, labels, weights };
}

const all = (n: number): Uint32Array => Uint32Array.from({ length: n }, (_, row) => row);
const valuesOf = ({ dataset, labels, weights }: Drawn, prior?: number) =>
  fitTargetStatistics(
    { dataset, rows: all(labels.length), labels, weights },
    { ...options, ...(prior !== undefined && { prior }) },
  ).values.get("ctr:id")!;

const maxApart = (a: ArrayLike<number>, b: readonly number[]): number =>
  Math.max(...b.map((x, i) => Math.abs(a[i]! - x)));

test.each([true, false])("agrees with the reference to 1e-12, in time order: %s", (timed) => {
  const rows = drawn(400, 1, timed);
  const place = new Map([...permutation(400, draw(7, 0xc72))].map((i, at) => [i, at]));
  const order = timed ? rows.times : rows.ids.map((_, i) => place.get(i)!);
  const expected = orderedStatistics(rows.ids, order, [...rows.labels], [...rows.weights], [0.3, 2]);
  const got = valuesOf(rows, 0.3);
  const known = rows.ids.flatMap((id, i) => (id === "" ? [] : [i]));
  expect(
    maxApart(
      known.map((i) => got[i]!),
      known.map((i) => expected[i]!),
    ),
  ).toBeLessThan(1e-12);
  expect(rows.ids.every((id, i) => (id === "") === Number.isNaN(got[i]!))).toBe(true);
});

test.each([true, false])(
  "no row sees its own label: turning it changes others alone, in time order: %s",
  (timed) => {
    const rows = drawn(120, 2, timed);
    const before = valuesOf(rows, 0.3);
    let changed = 0;
    for (let i = 0; i < 120; i++) {
      const labels = rows.labels.slice();
      labels[i] = 1 - labels[i]!;
      const after = valuesOf({ ...rows, labels }, 0.3);
      expect(Object.is(after[i], before[i])).toBe(true);
      const twins = rows.times.flatMap((t, j) => (timed && t === rows.times[i] ? [j] : []));
      expect(twins.every((j) => Object.is(after[j], before[j]))).toBe(true);
      if (after.some((x, j) => !Object.is(x, before[j]))) changed++;
    }
    // and the test can fail: most labels are seen by somebody
    expect(changed).toBeGreaterThan(40);
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
