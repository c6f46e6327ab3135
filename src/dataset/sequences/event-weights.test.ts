import { datasetOf } from "../../testing/dataset-of.js";
import { eventWeights, parseEventWeight } from "./event-weights.js";

const DAY = 86_400_000;
const dataset = datasetOf(
  {
    kind: ["view", "buy", "view", "cart"],
    counts: [1, 2, 3, 2],
    when: [0, 10, 20, 30].map((day) => day * DAY),
  },
  { weight: "counts", time: "when", event: "kind", fields: [] },
);
const all = Uint32Array.of(0, 1, 2, 3);
const { weight: _, ...unweighted } = dataset.roles;
const plain = { ...dataset, roles: unweighted };

test("a column times the weight of the kind, 1 on average over the training part", () => {
  const { train, of } = eventWeights(dataset, all, { eventWeight: "kind:buy=4,*=1" });
  // The weights 1, 8, 3 and 2 have the mean 3.5.
  expect([...train!]).toEqual([1, 8, 3, 2].map((weight) => Math.fround(weight / 3.5)));
  expect([...of(dataset, Uint32Array.of(1))!]).toEqual([Math.fround(8 / 3.5)]);
});

test("an event of one half-life's age before the newest counts half, in training alone", () => {
  const { train, of } = eventWeights(plain, all, { halfLife: "10d" });
  const [a, b, c, d] = train!;
  expect([a! / d!, b! / d!, c! / d!].map((ratio) => Math.round(ratio * 1e6) / 1e6)).toEqual([
    0.125, 0.25, 0.5,
  ]);
  expect((a! + b! + c! + d!) / 4).toBeCloseTo(1, 6);
  expect(of(plain, all)).toBeUndefined();
});

test("no option and no column: every row counts alike", () => {
  expect(eventWeights(plain, all, {}).train).toBeUndefined();
});

test("what is no weight is refused", () => {
  expect(() => parseEventWeight("kind")).toThrow("COLUMN:KIND=NUMBER");
  expect(() => parseEventWeight("kind:view=-1")).toThrow("COLUMN:KIND=NUMBER");
  expect(() => eventWeights(plain, all, { eventWeight: "kind:view=1,buy=2" })).toThrow(
    "has no weight for 'cart' of column 'kind'",
  );
  expect(() => eventWeights(plain, all, { halfLife: "soon" })).toThrow(
    "--half-life expects a duration such as 30d (h, d, w), got '",
  );
  const { time: __, ...timeless } = plain.roles;
  expect(() => eventWeights({ ...plain, roles: timeless }, all, { halfLife: "1d" })).toThrow("--time");
});
