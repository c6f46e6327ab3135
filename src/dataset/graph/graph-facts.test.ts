// Tests the statistics of graphs whose degrees and components are known.

import { graphFacts, hasArc, spreadOf } from "./graph-facts.js";
import { graphOf } from "./graph.js";

const graph = (numNodes: number, arcs: readonly (readonly [number, number])[], directed: boolean) =>
  graphOf(
    numNodes,
    { sources: Uint32Array.from(arcs, ([u]) => u), targets: Uint32Array.from(arcs, ([, v]) => v) },
    { directed },
  ).graph;

test("a star, a pair and a node alone: two components, degrees of the linked nodes", () => {
  const star = [1, 2, 3, 4].map((leaf) => [0, leaf] as const);
  const facts = graphFacts(graph(8, [...star, [5, 6], [7, 7]], false));
  expect(facts).toEqual({
    linked: 7,
    isolated: 1,
    degree: { min: 1, median: 1, mean: 10 / 7, max: 4 },
    components: 2,
    largestComponent: 5,
  });
});

test("directed: nodes that nothing leaves, edges that go both ways, degrees in and out", () => {
  const facts = graphFacts(
    graph(
      4,
      [
        [0, 1],
        [1, 0],
        [1, 2],
        [3, 2],
      ],
      true,
    ),
  );
  expect(facts).toMatchObject({
    dangling: 1,
    reciprocated: 2,
    components: 1,
    largestComponent: 4,
    degree: { min: 1, median: 2, mean: 2, max: 3 },
    outDegree: { min: 0, median: 1, mean: 1, max: 2 },
    inDegree: { min: 0, median: 1, mean: 1, max: 2 },
  });
});

test("an arc is found among sorted neighbors, and only in its direction", () => {
  const sample = graph(
    5,
    [
      [0, 4],
      [0, 1],
      [0, 3],
      [2, 0],
    ],
    true,
  );
  const arcs = [0, 1, 2, 3, 4].flatMap((u) =>
    [0, 1, 2, 3, 4].filter((v) => hasArc(sample, u, v)).map((v) => [u, v]),
  );
  expect(arcs).toEqual([
    [0, 1],
    [0, 3],
    [0, 4],
    [2, 0],
  ]);
});

test("the median of an even number of values is between the two in the middle; of none all is 0", () => {
  expect(spreadOf([4, 1, 2, 10])).toEqual({ min: 1, median: 3, mean: 4.25, max: 10 });
  expect(spreadOf([])).toEqual({ min: 0, median: 0, mean: 0, max: 0 });
});
