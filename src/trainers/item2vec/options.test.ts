import { windowSize, withLearningRate, item2vecOptionsOf } from "./options.js";

test("a window of events is as many tokens as they have", () => {
  expect(windowSize({ window: 5 })).toBe(5);
  expect(windowSize({ window: 5, tokens: ["user", "item", "category"] })).toBe(15);
  expect(windowSize({ window: "session", tokens: ["user", "item"] })).toBe(255);
});

test("the learning rate is smaller where items are met often, unless it is set", () => {
  const of = (given: Parameters<typeof item2vecOptionsOf>[0], events: number) =>
    withLearningRate(item2vecOptionsOf(given), events).learningRate;
  expect([of({}, 500), of({}, 501), of({ learningRate: 3 }, 501)]).toEqual([0.8, 0.2, 3]);
});

test("a search goes by recall unless the metric is set", () => {
  const metric = (given: Parameters<typeof item2vecOptionsOf>[0]) => item2vecOptionsOf(given).metric;
  expect([metric({}), metric({ search: 4 }), metric({ search: 4, metric: "loss" })]).toEqual([
    "loss",
    "recall",
    "loss",
  ]);
});
