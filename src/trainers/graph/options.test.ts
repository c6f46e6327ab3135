// Tests the default number of epochs, which depends on the number of walks.

import { epochsOf, graphOptionsOf } from "./options.js";

test("walks have more epochs the more edges a node has, unless --epochs is set", () => {
  const epochs = (degree: number, given: Parameters<typeof graphOptionsOf>[0] = {}) =>
    epochsOf(graphOptionsOf(given), degree);
  expect([4, 20, 25, 40, 67, 500].map((degree) => epochs(degree))).toEqual([1, 1, 2, 3, 4, 4]);
  // with 80 walks of 40 nodes from each node, one epoch is enough
  expect(epochs(67, { numWalks: 80, walkLength: 40 })).toBe(1);
  expect(epochs(67, { epochs: 2 })).toBe(2);
  expect([epochs(67, { method: "line" }), epochs(67, { method: "eges" })]).toEqual([1, 1]);
});
