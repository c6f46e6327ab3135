import { MISSING, keyAt, type Keys } from "../../log/keys.js";
import * as fc from "fast-check";
import { datasetOf } from "../../testing/dataset-of.js";
import { between, mulberry32 } from "../../testing/random.js";
import { checkEdgeWeights, edgesOf, endsOf, NODE_FIELD, rowsOfEnds } from "./edge-list.js";
import { graphOf, transitionsOf, type Edges, type Graph } from "./graph.js";
import { fitFeatures, spaceWith, type CategoricalField } from "../vocabulary/vocabulary.js";

type Edge = [source: number, target: number, weight: number];

const edgesFrom = (list: readonly Edge[], weighted = true): Edges => ({
  sources: Uint32Array.from(list, ([source]) => source),
  targets: Uint32Array.from(list, ([, target]) => target),
  ...(weighted && { weights: Float32Array.from(list, ([, , weight]) => weight) }),
});

const arcsOf = ({ numNodes, offsets, neighbors, weights }: Graph): Edge[] =>
  Array.from({ length: numNodes }, (_, v) => v).flatMap((v) =>
    Array.from(neighbors.subarray(offsets[v], offsets[v + 1]), (to, i): Edge => {
      return [v, to, weights ? weights[offsets[v]! + i]! : 1];
    }),
  );

/** Computes the arcs of the graph with a map of pairs, as a simple reference. */
function naiveArcs(list: readonly Edge[], directed: boolean): Edge[] {
  const sums = new Map<string, Edge>();
  const add = (a: number, b: number, weight: number) => {
    const name = `${a} ${b}`;
    sums.set(name, [a, b, (sums.get(name)?.[2] ?? 0) + weight]);
  };
  for (const [a, b, weight] of list) {
    if (a === b || a === MISSING || b === MISSING) continue;
    add(a, b, weight);
    if (!directed) add(b, a, weight);
  }
  return [...sums.values()].sort((x, y) => x[0] - y[0] || x[1] - y[1]);
}

const NODES = 7;
const end = fc.oneof(
  { weight: 9, arbitrary: fc.nat(NODES - 1) },
  { weight: 1, arbitrary: fc.constant(MISSING) },
);
const anyEdges = fc.array(fc.tuple(end, end, fc.integer({ min: 1, max: 9 })), { maxLength: 40 });

test.each([true, false])(
  "a graph holds each edge once with its sum, neighbors ascending (directed: %s)",
  (directed) => {
    fc.assert(
      fc.property(anyEdges, (list) => {
        const { graph, counts } = graphOf(NODES, edgesFrom(list), { directed });
        const expected = naiveArcs(list, directed);
        expect(arcsOf(graph)).toEqual(expected);
        expect(graph.offsets.length).toBe(NODES + 1);
        expect(counts.edges).toBe(directed ? expected.length : expected.length / 2);
        expect(counts.edges + counts.repeated + counts.loops + counts.missing).toBe(list.length);
      }),
    );
  },
);

test("edges without weights count 1 each, and weights of 1 are none", () => {
  const list: Edge[] = [[0, 1, 1], [2, 1, 1], [1, 0, 1]]; // prettier-ignore
  expect(graphOf(3, edgesFrom(list, false), { directed: true }).graph.weights).toBeUndefined();
  expect(graphOf(3, edgesFrom(list), { directed: true }).graph.weights).toBeUndefined();
  const { graph, counts } = graphOf(3, edgesFrom(list, false), { directed: false });
  expect(arcsOf(graph)).toEqual([[0, 1, 2], [1, 0, 2], [1, 2, 1], [2, 1, 1]]); // prettier-ignore
  expect(counts).toEqual({ edges: 2, repeated: 1, loops: 0, missing: 0 });
});

test("self-loops and edges without an end are left out and counted", () => {
  const list: Edge[] = [[1, 1, 1], [0, MISSING, 1], [MISSING, MISSING, 1]]; // prettier-ignore
  const { graph, counts } = graphOf(2, edgesFrom(list), { directed: false });
  expect(arcsOf(graph)).toEqual([]);
  expect(counts).toEqual({ edges: 0, repeated: 0, loops: 1, missing: 2 });
});

test("weights of one edge that overflow together are refused", () => {
  const list: Edge[] = [[0, 1, 3e38], [1, 0, 3e38]]; // prettier-ignore
  expect(() => graphOf(2, edgesFrom(list), { directed: false })).toThrow(/sum to 6.*e\+38/);
});

test("transitions lead from each token to the next of its session, by the product of their roots", () => {
  const sessions = {
    numSessions: 2,
    offsets: Uint32Array.of(0, 3, 5),
    tokens: Uint32Array.of(4, 2, 4, 1, 3),
  };
  const roots = { ...sessions, weights: Float32Array.of(1, 2, 3, 4, 5) };
  const { sources, targets, weights } = transitionsOf(roots);
  expect([[...sources], [...targets], [...weights!]]).toEqual([[4, 2, 1], [2, 4, 3], [2, 6, 20]]); // prettier-ignore
  const held = transitionsOf(roots, Uint8Array.of(1, 0, 1, 0, 1));
  expect([[...held.sources], [...held.targets], [...held.weights!]]).toEqual([[2, 1], [4, 3], [6, 20]]); // prettier-ignore
  expect(transitionsOf(sessions).weights).toBeUndefined();
  const none = { numSessions: 0, offsets: Uint32Array.of(0), tokens: new Uint32Array() };
  expect(transitionsOf(none).sources.length).toBe(0);
});

describe("a list of edges", () => {
  const columns = { source: "a", target: "b" };
  const list = datasetOf(
    { a: ["x", "y", "", "18446744073709551615"], b: ["y", "z", "x", "x"], at: [1, 2, 3, 4] },
    { time: "at" },
  );

  test("has its keys in one field, each with the times of its edges", () => {
    const ends = endsOf(list, columns);
    const [node, at] = ends.columns;
    if (node?.kind !== "key" || at?.kind !== "number") throw new Error("columns of another kind");
    expect([node.name, ends.numRows, ends.roles]).toEqual([
      NODE_FIELD, 8, { time: "at", fields: [NODE_FIELD], numeric: [], multi: {} },
    ]); // prettier-ignore
    const keys = Array.from(node.codes, (code) => (code === MISSING ? "" : keyAt(node.dictionary, code)));
    expect(keys).toEqual(["x", "y", "", "18446744073709551615", "y", "z", "x", "x"]);
    expect([...at.values]).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
    expect([...rowsOfEnds(4, Uint32Array.of(1, 3))]).toEqual([1, 3, 5, 7]);
  });

  test("gives edges between features; keys that the space does not know are missing", () => {
    const space = fitFeatures(endsOf(list, columns), rowsOfEnds(4, Uint32Array.of(0, 1)), 1);
    const { sources, targets, weights } = edgesOf(
      space,
      endsOf(list, columns),
      Uint32Array.of(0, 1, 2, 3),
      Float32Array.of(1, 2, 3, 4),
    );
    // y has feature 1, because it occurs in two edges; x and z occur once, and are features 2 and 3 in the order of
    // their bytes
    expect([...sources]).toEqual([2, 1, MISSING, MISSING]);
    expect([...targets]).toEqual([1, 3, 2, 2]);
    expect([...weights!]).toEqual([1, 2, 3, 4]);
    expect([...edgesOf(space, endsOf(list, columns), Uint32Array.of(1), weights).weights!]).toEqual([2]);
    expect(edgesOf(space, endsOf(list, columns), Uint32Array.of(1), undefined).weights).toBeUndefined();
  });

  test("a vocabulary without some nodes is the one that is fitted on the rows of the others", () => {
    const random = mulberry32(4);
    const key = () => `n${Math.floor(between(0, 30, random) ** 2 / 30)}`;
    // every tenth edge is a self-loop of a key that occurs in no other edge and begins with z
    const rows = Array.from({ length: 200 }, (_, i) => (i % 10 === 0 ? [`z${i}`, `z${i}`] : [key(), key()]));
    const drawn = datasetOf({ a: rows.map(([a]) => a!), b: rows.map(([, b]) => b!) }, {});
    const ends = endsOf(drawn, columns);
    const all = rowsOfEnds(
      200,
      Uint32Array.from({ length: 200 }, (_, row) => row),
    );
    for (const limits of [1, 3, { minCount: 2, maxVocab: 12 }]) {
      const space = fitFeatures(ends, all, limits);
      const { keys } = space.fields[0] as CategoricalField;
      const isKept = Uint8Array.from({ length: space.numFeatures }, (_, feature) =>
        feature > 0 && keyAt(keys, feature - 1).startsWith("n") ? 1 : 0,
      );
      const { codes, dictionary } = ends.columns[0] as { codes: Uint32Array; dictionary: Keys };
      const known = new Set(Array.from({ length: keys.size }, (_, code) => keyAt(keys, code)));
      const isOfKept = (row: number) => {
        const text = keyAt(dictionary, codes[row]!);
        return known.has(text) && text.startsWith("n");
      };
      expect(spaceWith(space, isKept)).toEqual(fitFeatures(ends, all.filter(isOfKept), limits));
    }
  });

  test("of an encoded dataset has weights above 0, or is refused with the row", () => {
    const weighed = (w: number[]) => datasetOf({ a: ["x", "y"], b: ["y", "z"], w }, { weight: "w" });
    checkEdgeWeights(weighed([1, 2]));
    for (const odd of [0, -1, Infinity, NaN, 1e-60])
      expect(() => checkEdgeWeights(weighed([1, odd]))).toThrow(
        /column 'w': row 2: expected a positive edge weight/,
      );
  });
});
