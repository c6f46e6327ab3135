import { ReferenceSgns } from "../../../compute/kernels/sgns/sgns.reference.js";
import {
  NO_NODE,
  walksOfChunk,
  type WalkGraph,
  type WalksShape,
} from "../../../compute/kernels/walks/binding.js";
import { ReferenceWalks } from "../../../compute/kernels/walks/walks.reference.js";
import { inputOf, rates, relativeError, seed } from "../../../testing/sgns-streams.js";
import { drawnGraph, graphOf } from "../../../testing/walk-graphs.js";
import { chunkNoiseKey, SgnsMachine, walksKey, type WalkInput } from "./machine.js";

/** Returns the input of a training on walks; the given settings override the defaults. */
function walkInput(graph: WalkGraph, walks: Partial<WalksShape> = {}, dim = 40): WalkInput {
  const shape: WalksShape = {
    ...{ graph, length: 11, starts: { nodes: 2 }, p: 0.5, q: 2, before: 3, after: 3 },
    ...walks,
  };
  const window = Math.max(shape.before, shape.after);
  const none = { tokens: new Uint32Array(), left: new Uint8Array(), right: new Uint8Array() };
  const { mostTokens: _, ...input } = inputOf({ numRows: graph.numNodes, dim, window }, none);
  return { ...input, walks: shape };
}

/** Returns the vectors, losses and walks of two epochs. */
async function trainedOn(input: WalkInput, threads: number) {
  const machine = await SgnsMachine.start(input, threads);
  try {
    const losses = [await machine.trainOnWalks(1, rates), await machine.trainOnWalks(2, rates)];
    const walks = (await machine.walk(2, machine.numChunks - 1)).slice();
    return { losses, walks, state: machine.state, centres: machine.vectors(), contexts: machine.contexts() };
  } finally {
    await machine.terminate();
  }
}

test.each([
  ["walks of the second order", drawnGraph(50, 0.2, { weighted: true }), {}],
  ["dead ends", drawnGraph(50, 0.03, { directed: true }), {}],
  [
    "arcs drawn by weight",
    drawnGraph(50, 0.2, { directed: true, weighted: true }),
    { length: 2, starts: { arcs: 800 }, before: 0, after: 1 },
  ],
] as const)(
  "training on walks agrees with the twins of both kernels to 1e-5: %s",
  async (_, graph, walks) => {
    const input = walkInput(graph, walks);
    const [walker, twin] = [
      new ReferenceWalks(input.walks),
      new ReferenceSgns(input, input.firstVectorHashes, seed),
    ];
    const losses = [1, 2].map((epoch) => {
      const stream = walker.walks(0, walker.numWalks, walksKey(seed, epoch));
      const numCentres = stream.left.filter((l, i) => l + stream.right[i]! > 0).length;
      return twin.train(stream, chunkNoiseKey(seed, epoch, 0), rates) / numCentres;
    });
    const got = await trainedOn(input, 2);
    expect(relativeError(got.centres, twin.vectors.centres)).toBeLessThan(1e-5);
    expect(relativeError(got.contexts, twin.vectors.contexts)).toBeLessThan(1e-5);
    expect(relativeError(got.losses, losses)).toBeLessThan(1e-5);
  },
);

test("walks, vectors and losses are the same bytes at 1, 2 and 3 threads", async () => {
  const input = walkInput(
    drawnGraph(400, 0.05, { weighted: true }),
    { length: 40, starts: { nodes: 4 } },
    64,
  );
  const [one, ...others] = await Promise.all([1, 2, 3].map((threads) => trainedOn(input, threads)));
  for (const other of others) expect(other).toEqual(one);
});

test("an epoch of several chunks makes each walk once, and every chunk but the last is as long", async () => {
  const graph = drawnGraph(30, 0.2);
  const length = 2 ** 12;
  const input = walkInput(graph, { length, starts: { nodes: 20 }, p: 1, q: 1 }, 4);
  const machine = await SgnsMachine.start(input, 2);
  const lengths: number[] = [];
  const twin = new ReferenceWalks(input.walks);
  for (let chunk = 0; chunk < machine.numChunks; chunk++) {
    const walks = await machine.walk(5, chunk);
    const first = chunk * walksOfChunk({ length });
    // compares the first and the last walk of the chunk
    for (const w of [0, walks.length / length - 1])
      expect(walks.slice(w * length, (w + 1) * length)).toEqual(
        twin.walks(first + w, first + w + 1, walksKey(seed, 5)).tokens,
      );
    lengths.push(walks.length / length);
  }
  expect(lengths).toEqual([256, 256, 600 - 512]);
  expect(machine.numSlots).toBe(600 * length);
  expect(await machine.trainOnWalks(1, rates)).toBeGreaterThan(0);
  await machine.terminate();
});

test("visits count the nodes of an epoch's walks, and noise may be drawn by them", async () => {
  const input = walkInput(drawnGraph(50, 0.03, { directed: true }));
  const machine = await SgnsMachine.start(input, 1);
  const visits = await machine.visits(1);
  const expected = new Float64Array(50);
  const twin = new ReferenceWalks(input.walks);
  for (const v of twin.walks(0, twin.numWalks, walksKey(seed, 1)).tokens) if (v !== NO_NODE) expected[v]!++;
  expect(visits).toEqual(expected);
  const sum = visits.reduce((a, b) => a + b, 0);
  const noise = visits.map((count) => count / sum);
  machine.noise = noise;
  await machine.trainOnWalks(1, rates);
  const vectors = machine.vectors();
  await machine.terminate();
  const other = await SgnsMachine.start({ ...input, noise }, 1);
  await other.trainOnWalks(1, rates);
  expect(vectors).toEqual(other.vectors());
  await other.terminate();
});

test("a graph of other nodes than rows, and walks without a graph, are refused", async () => {
  const input = walkInput(graphOf(3, [[0, 1]]));
  await expect(SgnsMachine.start({ ...input, numRows: 4 }, 1)).rejects.toThrow("3 nodes for 4 rows");
  const { walks: _, ...rest } = input;
  const machine = await SgnsMachine.start({ ...rest, mostTokens: 9 }, 1);
  await expect(machine.trainOnWalks(1, rates)).rejects.toThrow("without a graph");
  await machine.terminate();
});
