// Tests held-out edges against random non-edges.

import { hasArc } from "../dataset/graph/graph-facts.js";
import { graphOf, type Graph } from "../dataset/graph/graph.js";
import { mulberry32 } from "../testing/random.js";
import { degreeScore, tableScore, drawNonEdges, edgeMetrics, edgePairs, type Pairs } from "./edges.js";
import { valueOf } from "./user-metric.js";

function graph(numNodes: number, arcs: readonly (readonly [number, number])[], directed: boolean): Graph {
  const ends = { sources: Uint32Array.from(arcs, ([u]) => u), targets: Uint32Array.from(arcs, ([, v]) => v) };
  return graphOf(numNodes, ends, { directed }).graph;
}

function randomGraph(numNodes: number, numArcs: number, directed: boolean, seed: number): Graph {
  const random = mulberry32(seed);
  const node = () => Math.floor(random() * numNodes);
  return graph(
    numNodes,
    Array.from({ length: numArcs }, () => [node(), node()] as const),
    directed,
  );
}

const listed = ({ sources, targets }: Pairs): string[] => Array.from(sources, (u, e) => `${u} ${targets[e]}`);
const named = (metrics: ReturnType<typeof edgeMetrics>) =>
  Object.fromEntries(metrics.map((metric) => [metric.name, valueOf(metric)]));

test("an undirected edge is one pair, however often and in which direction it was given", () => {
  const arcs = [
    [0, 1],
    [1, 0],
    [2, 1],
    [2, 1],
  ] as const;
  expect(listed(edgePairs(graph(3, arcs, false)))).toEqual(["0 1", "1 2"]);
  expect(listed(edgePairs(graph(3, arcs, true)))).toEqual(["0 1", "1 0", "2 1"]);
});

test.each([
  ["uniform", false],
  ["uniform", true],
  ["held-ends", false],
  ["held-ends", true],
] as const)(
  "a non-edge joins two nodes that neither held nor known edges join (%s, directed: %s)",
  (kind, directed) => {
    for (let seed = 0; seed < 20; seed++) {
      const [held, known] = [
        randomGraph(30, 100, directed, seed),
        randomGraph(30, 200, directed, 100 + seed),
      ];
      const pairs = edgePairs(held);
      const drawn = drawNonEdges(pairs, [held, known], { kind, seed });
      expect(drawn.sources.length).toBe(pairs.sources.length);
      const wrong = [...drawn.sources.keys()].filter((e) => {
        const [u, v] = [drawn.sources[e]!, drawn.targets[e]!];
        return u === v || hasArc(held, u, v) || hasArc(known, u, v);
      });
      expect(wrong).toEqual([]);
      expect(drawNonEdges(pairs, [held, known], { kind, seed })).toEqual(drawn);
      expect(drawNonEdges(pairs, [held, known], { kind, seed: seed + 1 })).not.toEqual(drawn);
    }
  },
);

test("uniform non-edges take all nodes alike, held-ends as they stand in the held edges: a hub is an end as often", () => {
  // Node 0 is linked to the next 500 of 2,001 nodes, so that it is an end of every held-out edge.
  const star = graph(
    2001,
    Array.from({ length: 500 }, (_, i) => [0, i + 1] as const),
    true,
  );
  const chain = graph(
    2001,
    Array.from({ length: 500 }, (_, i) => [1001 + i, 1501 + i] as const),
    true,
  );
  const pairs = edgePairs(star);
  const both = {
    sources: Uint32Array.from([...pairs.sources, ...edgePairs(chain).sources]),
    targets: Uint32Array.from([...pairs.targets, ...edgePairs(chain).targets]),
  };
  const fromHub = (kind: "uniform" | "held-ends") =>
    drawNonEdges(both, [star, chain], { kind, seed: 1 }).sources.filter((u) => u === 0).length;
  expect(fromHub("uniform")).toBeLessThan(10);
  // Half of the draws have node 0, the hub, as source, and half of these are rejected because they are edges of the
  // hub.
  expect(fromHub("held-ends")).toBeGreaterThan(250);
});

test("where all pairs are edges there is no non-edge: refused", () => {
  const complete = graph(
    4,
    [0, 1, 2, 3].flatMap((u) => [0, 1, 2, 3].map((v) => [u, v] as const)),
    false,
  );
  expect(() => drawNonEdges(edgePairs(complete), [complete], { kind: "uniform", seed: 1 })).toThrow(
    /nearly all pairs of the 4 nodes/,
  );
});

test("the edge AUC is the share of pairs of a held edge and a non-edge in the right order, ties half", () => {
  const held = randomGraph(40, 60, false, 7);
  const pairs = edgePairs(held);
  const drawn = drawNonEdges(pairs, [held], { kind: "uniform", seed: 3 });
  const score = (u: number, v: number) => (u * v) % 5;
  const of = ({ sources, targets }: Pairs) => Array.from(sources, (u, e) => score(u, targets[e]!));
  const shares = of(pairs).flatMap((good) =>
    of(drawn).map((bad) => (good > bad ? 1 : good === bad ? 0.5 : 0)),
  );
  const expected = shares.reduce<number>((sum, share) => sum + share, 0) / shares.length;
  expect(named(edgeMetrics(score, pairs, drawn, [held]))["edgeAuc"]).toBeCloseTo(expected, 12);
});

test("directions are judged where an edge goes one way: contexts tell them apart, a symmetric score cannot", () => {
  // The edges are 2 k -> 2 k + 1, and also 0 <-> 1.
  const held = graph(
    20,
    [...Array.from({ length: 10 }, (_, k) => [2 * k, 2 * k + 1] as const), [1, 0] as const],
    true,
  );
  const pairs = edgePairs(held);
  const drawn = drawNonEdges(pairs, [held], { kind: "uniform", seed: 1 });
  // Vector v is the unit vector of dimension floor(v / 2): among the centers if v is even, among the contexts if v is
  // odd.
  const axis = (isOne: (v: number) => boolean) =>
    Float32Array.from({ length: 200 }, (_, i) => {
      const v = Math.floor(i / 10);
      return isOne(v) && Math.floor(v / 2) === i % 10 ? 1 : 0;
    });
  const [centres, contexts] = [axis((v) => v % 2 === 0), axis((v) => v % 2 === 1)];
  const evaluated = (score: (u: number, v: number) => number) =>
    named(edgeMetrics(score, pairs, drawn, [held]));
  const table = { vectors: centres.map((x, i) => x + contexts[i]!), dim: 10 };
  expect(evaluated(tableScore("cosine", table, undefined, true))["directionAuc"]).toBe(0.5);
  const byContext = evaluated(tableScore("context", { vectors: centres, dim: 10 }, contexts, true));
  expect(byContext["directionAuc"]).toBe(1);
  // The edge 1 -> 0 scores 0, as all non-edges do; the other edges score 1.
  expect(byContext["edgeAuc"]).toBeGreaterThan(0.94);
  const undirected = tableScore("context", { vectors: centres, dim: 10 }, contexts, false);
  expect(undirected(0, 1)).toBe(undirected(1, 0));
});

test("preferential attachment is the product of out-degree and in-degree", () => {
  const score = degreeScore(
    graph(
      4,
      [
        [0, 1],
        [0, 2],
        [3, 2],
      ],
      true,
    ),
  );
  expect([score(0, 2), score(2, 0), score(3, 1)]).toEqual([4, 0, 1]);
});
