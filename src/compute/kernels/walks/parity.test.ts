import { draw, permutedAt } from "../../../base/numeric/random.js";
import { drawnGraph, graphOf } from "../../../testing/walk-graphs.js";
import { kernelImports, loadKernel } from "../shared/load.js";
import { Arena } from "../shared/memory.js";
import { allocateWalks, NO_NODE, type WalkGraph, type WalksKernel, type WalksShape } from "./binding.js";
import { ReferenceWalks, stepChances, type WalkStream } from "./walks.reference.js";

const key = 77;

/** Returns the options of walks: the default ones of these tests, replaced by `rest`. */
function shapeOf(graph: WalkGraph, rest: Partial<WalksShape> = {}): WalksShape {
  return { graph, length: 12, starts: { nodes: 5 }, p: 1, q: 1, before: 3, after: 3, ...rest };
}

/** Returns walks from .. to - 1 of an epoch, which the kernel writes in two calls; all walks if no range is given. */
async function kernelWalks(shape: WalksShape, range?: [from: number, to: number]): Promise<WalkStream> {
  const arena = new Arena();
  const numSlots = (range ? range[1] - range[0] : new ReferenceWalks(shape).numWalks) * shape.length;
  const [tokens, left, right] = [4, 1, 1].map((bytes) => arena.allocate("a stream", numSlots * bytes));
  const { plan, numWalks } = allocateWalks(arena, shape, { tokens: tokens!, left: left!, right: right! });
  const [from, to] = range ?? [0, numWalks];
  const { exports: kernel } = new WebAssembly.Instance<WalksKernel>(
    await loadKernel("walks"),
    kernelImports(arena.memory),
  );
  const middle = Math.floor((from + to) / 2);
  const centres =
    kernel.writeWalks(plan, from, middle, to, key) + kernel.writeWalks(plan, from, from, middle, key);
  const bytes = (region: typeof left) =>
    new Uint8Array(arena.memory.buffer, region!.offset, numSlots).slice();
  const stream = { tokens: arena.u32(tokens!).slice(), left: bytes(left), right: bytes(right) };
  let expected = 0;
  for (let slot = 0; slot < numSlots; slot++) if (stream.left[slot]! + stream.right[slot]! > 0) expected++;
  expect(expected).toBe(centres);
  return stream;
}

/** Returns the list of nodes of each walk. */
function listsOf({ tokens }: WalkStream, length: number): number[][] {
  return Array.from({ length: tokens.length / length }, (_, w) => {
    const list: number[] = [];
    for (let slot = w * length; slot < (w + 1) * length; slot++)
      if (tokens[slot] !== NO_NODE) list.push(tokens[slot]!);
    return list;
  });
}

const graphs: [name: string, graph: WalkGraph][] = [
  ["undirected", drawnGraph(60, 0.1)],
  ["directed", drawnGraph(60, 0.08, { directed: true })],
  ["weighted", drawnGraph(60, 0.1, { weighted: true })],
  ["directed and weighted", drawnGraph(60, 0.08, { directed: true, weighted: true })],
  ["dense", drawnGraph(40, 0.7, { weighted: true })],
  [
    "a star",
    graphOf(
      30,
      Array.from({ length: 29 }, (_, i) => [0, i + 1] as const),
    ),
  ],
  ["a single edge", graphOf(5, [[1, 3]])],
  [
    "edges that all weigh 2",
    graphOf(
      9,
      Array.from({ length: 8 }, (_, i) => [i, i + 1, 2] as const),
    ),
  ],
];
const parameters: [p: number, q: number][] = [
  [1, 1],
  [0.25, 4],
  [4, 0.25],
  [0.25, 0.5],
  [1e6, 1e6],
];

describe.each(graphs)("%s", (_, graph) => {
  test.each(parameters)(
    "the kernel's walks are its twin's to the last integer, p = %d and q = %d",
    async (p, q) => {
      const shape = shapeOf(graph, { p, q });
      const twin = new ReferenceWalks(shape);
      expect(await kernelWalks(shape)).toEqual(twin.walks(0, twin.numWalks, key));
    },
  );

  test("so are walks whose starts are drawn by the weight of their arcs, and that look ahead alone", async () => {
    const shape = shapeOf(graph, { starts: { arcs: 500 }, length: 2, before: 0, after: 1 });
    expect(await kernelWalks(shape)).toEqual(new ReferenceWalks(shape).walks(0, 500, key));
  });

  test("every node that has an arc starts as many walks as were asked for, and steps are arcs", async () => {
    const lists = listsOf(await kernelWalks(shapeOf(graph, { p: 0.5, q: 2 })), 12);
    const counts = new Map<number, number>();
    for (const [start] of lists) counts.set(start!, (counts.get(start!) ?? 0) + 1);
    const { offsets, neighbors } = graph;
    const arcs = (v: number) => neighbors.subarray(offsets[v], offsets[v + 1]);
    const withArc = Array.from({ length: graph.numNodes }, (__, v) => v).filter((v) => arcs(v).length > 0);
    expect([...counts].toSorted((a, b) => a[0] - b[0])).toEqual(withArc.map((v) => [v, 5]));
    for (const list of lists) {
      expect(list.slice(1).filter((x, i) => !arcs(list[i]!).includes(x))).toEqual([]);
      // Expects that walks shorter than the given length end at a node without arcs.
      if (list.length < 12) expect(arcs(list.at(-1)!)).toHaveLength(0);
    }
  });
});

test("the last walks of the most that there can be agree with the twin", async () => {
  const most = NO_NODE - 1;
  const shape = shapeOf(drawnGraph(60, 0.1, { weighted: true }), { starts: { arcs: most } });
  const range: [number, number] = [most - 40, most];
  expect(await kernelWalks(shape, range)).toEqual(new ReferenceWalks(shape).walks(...range, key));
});

test("a chunk of an epoch holds the same walks as the whole", async () => {
  const shape = shapeOf(drawnGraph(60, 0.1, { weighted: true }), { p: 0.25, q: 4 });
  const [whole, chunk] = [await kernelWalks(shape), await kernelWalks(shape, [100, 200])];
  expect(chunk.tokens).toEqual(whole.tokens.subarray(1200, 2400));
});

test("walks stay within their component", async () => {
  const graph = graphOf(7, [
    [0, 1],
    [1, 2],
    [2, 0],
    [3, 4],
    [4, 5],
  ]);
  const lists = listsOf(await kernelWalks(shapeOf(graph, { p: 0.25, q: 4 })), 12);
  expect(lists).toHaveLength(6 * 5);
  for (const list of lists) expect(new Set(list.map((v) => v < 3))).toHaveProperty("size", 1);
});

test("a walk ends where no arc leads on, and what is left of its slots looks nowhere", async () => {
  const graph = graphOf(
    3,
    [
      [0, 1],
      [1, 2],
    ],
    true,
  );
  const { tokens, left, right } = await kernelWalks(
    shapeOf(graph, { length: 5, starts: { nodes: 1 }, before: 1 }),
  );
  const ofWalkFrom0 = tokens[0] === 0 ? 0 : 5;
  const slots = <T extends Uint32Array | Uint8Array>(array: T) =>
    Array.from(array.subarray(ofWalkFrom0, ofWalkFrom0 + 5));
  expect(slots(tokens)).toEqual([0, 1, 2, NO_NODE, NO_NODE]);
  expect(slots(left)).toEqual([0, 1, 1, 0, 0]);
  expect(slots(right)).toEqual([2, 1, 0, 0, 0]);
});

/**
 * Returns chi-square of counts against probabilities; cells with an expectation below 5 are merged into one, which is
 * omitted if its expectation is below 5.
 */
function chiSquare(counts: readonly number[], chances: ArrayLike<number>): { statistic: number; df: number } {
  const n = counts.reduce((a, b) => a + b, 0);
  const cells = counts.map((count, i) => ({ count, expected: n * chances[i]! }));
  const rare = cells.filter(({ expected }) => expected < 5);
  const sum = (key: "count" | "expected") => rare.reduce((all, cell) => all + cell[key], 0);
  const kept = [
    ...cells.filter(({ expected }) => expected >= 5),
    { count: sum("count"), expected: sum("expected") },
  ].filter(({ expected }) => expected >= 5);
  const statistic = kept.reduce((all, { count, expected }) => all + (count - expected) ** 2 / expected, 0);
  return { statistic, df: Math.max(0, kept.length - 1) };
}

/**
 * Returns the 99.9 % point of the chi-square distribution, by Wilson and Hilferty 1931: within 0.5 % for 3 or more
 * degrees of freedom.
 */
function critical(df: number): number {
  return df * (1 - 2 / (9 * df) + 3.0902 * Math.sqrt(2 / (9 * df))) ** 3;
}

describe.each([
  ["directed", true],
  ["undirected", false],
] as const)("steps of a %s weighted graph", (_, directed) => {
  const graph = drawnGraph(12, 0.5, { directed, weighted: true, seed: 3 });

  test.each([
    [0.25, 4],
    [4, 0.25],
    [1, 1],
    [0.25, 0.25],
    [50, 50],
  ])("have node2vec's chances at p = %d and q = %d: chi-square below its 99.9 %% point", async (p, q) => {
    const shape = shapeOf(graph, { p, q, length: 40, starts: { nodes: 3000 } });
    // numbers of steps to each of the 12 nodes, by the two nodes before
    const steps = Array.from({ length: 12 * 12 }, () => new Uint32Array(12));
    for (const list of listsOf(await kernelWalks(shape), 40))
      for (let i = 2; i < list.length; i++) steps[12 * list[i - 2]! + list[i - 1]!]![list[i]!]!++;
    /** Returns chi-square of the walks' pairs of consecutive nodes against the probabilities for p and q. */
    const against = (parameters: { p: number; q: number }) => {
      let [statistic, df] = [0, 0];
      for (const [pair, counts] of steps.entries()) {
        if (counts.every((count) => count === 0)) continue;
        const [t, v] = [Math.floor(pair / 12), pair % 12];
        const ends = graph.neighbors.subarray(graph.offsets[v], graph.offsets[v + 1]);
        const drawn = Array.from(ends, (x) => counts[x]!);
        const one = chiSquare(drawn, stepChances(graph, parameters, t, v));
        statistic += one.statistic;
        df += one.df;
      }
      return { statistic, df };
    };
    const { statistic, df } = against({ p, q });
    expect(df).toBeGreaterThan(100);
    expect(statistic).toBeLessThan(critical(df));
    // Expects that the sample is large enough to reject the probabilities of another p.
    const other = against({ p: 2 * p, q });
    expect(other.statistic).toBeGreaterThan(2 * critical(other.df));
  });
});

test("starts drawn by weight have the share of their arcs: chi-square below its 99.9 % point", async () => {
  const graph = drawnGraph(20, 0.3, { directed: true, weighted: true });
  const shape = shapeOf(graph, { starts: { arcs: 50_000 }, length: 2 });
  const counts = new Map<string, number>();
  for (const arc of listsOf(await kernelWalks(shape), 2))
    counts.set(arc.join(" "), (counts.get(arc.join(" ")) ?? 0) + 1);
  const total = graph.weights!.reduce((a, b) => a + b, 0);
  const arcs = Array.from(graph.neighbors, (x, arc) => {
    const v = graph.offsets.findIndex((end) => end > arc) - 1;
    return { count: counts.get(`${v} ${x}`) ?? 0, chance: graph.weights![arc]! / total };
  });
  const { statistic, df } = chiSquare(
    arcs.map(({ count }) => count),
    arcs.map(({ chance }) => chance),
  );
  expect(df).toBeGreaterThan(50);
  expect(statistic).toBeLessThan(critical(df));
});

test.each([1, 2, 3, 4, 5, 16, 17, 1000, 4097])("places 0 .. %d are permuted, each once", (n) => {
  for (const name of [1, 2]) {
    const places = Array.from({ length: n }, (_, i) => permutedAt(i, n, draw(name, n)));
    expect(places.toSorted((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
  }
});

test("what the kernel could not walk is refused", () => {
  const graph = graphOf(3, [
    [0, 1],
    [1, 2],
  ]);
  const wrong: [RegExp, Partial<WalksShape>][] = [
    [/p is 0/, { p: 0 }],
    [/a walk of 1/, { length: 1 }],
    [/looks 256 back/, { before: 256 }],
    [/no node has an arc/, { graph: graphOf(3, []) }],
    [/leads to 7/, { graph: { ...graph, neighbors: Uint32Array.of(7, 0, 2, 1) } }],
    [/out of range or order/, { graph: { ...graph, neighbors: Uint32Array.of(1, 2, 0, 1) } }],
    [/weighs -1/, { graph: { ...graph, weights: Float32Array.of(1, 1, 1, -1) } }],
    [/0 walks of/, { starts: { arcs: 0 } }],
    [/4294967296 walks an epoch/, { starts: { arcs: 2 ** 32 } }],
    [/q is 1e-10/, { q: 1e-10 }],
  ];
  for (const [message, part] of wrong) {
    const arena = new Arena();
    const room = arena.allocate("a stream", 64);
    expect(() =>
      allocateWalks(arena, { ...shapeOf(graph), ...part }, { tokens: room, left: room, right: room }),
    ).toThrow(message);
  }
});
