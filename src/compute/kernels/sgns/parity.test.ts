import { draw, permutation } from "../../../base/numeric/random.js";
import {
  differencesOf,
  drawnSessions,
  inputOf,
  rates,
  relativeError,
  seed,
  streamOf,
  trained,
} from "../../../testing/sgns-streams.js";
import { noiseKey, SgnsMachine, type SgnsInput } from "../../../trainers/shared/skip-grams/machine.js";
import { SGNS_BATCH, type SgnsStream } from "./binding.js";
import { firstVectors, ReferenceSgns, trainPairs, type Sides } from "./sgns.reference.js";

const shapes: [name: string, shape: Pick<SgnsInput, "numRows" | "dim" | "window">, SgnsStream][] = [
  ["dim 4, window 1", { numRows: 50, dim: 4, window: 1 }, streamOf(drawnSessions(50, 300, 6), 1, 1)],
  ["dim 16, window 5", { numRows: 50, dim: 16, window: 5 }, streamOf(drawnSessions(50, 1000, 9), 5, 5)],
  ["dim 40, window 5", { numRows: 90, dim: 40, window: 5 }, streamOf(drawnSessions(90, 700, 20), 5, 5)],
  ["dim 64, window 10", { numRows: 300, dim: 64, window: 10 }, streamOf(drawnSessions(300, 800, 33), 10, 10)],
  ["one session", { numRows: 90, dim: 40, window: 5 }, streamOf(drawnSessions(90, 777, 777), 5, 5)],
  ["sessions of two", { numRows: 60, dim: 16, window: 5 }, streamOf(drawnSessions(60, 514, 2), 5, 5)],
  ["two tokens", { numRows: 60, dim: 16, window: 5 }, streamOf([[3, 8]], 5, 5)],
  ["seven rows", { numRows: 7, dim: 16, window: 2 }, streamOf(drawnSessions(7, 300, 5), 2, 2)],
  ["looking ahead", { numRows: 50, dim: 16, window: 3 }, streamOf(drawnSessions(50, 600, 8), 0, 3)],
];

test.each(shapes)("the kernel agrees with its twin to 1e-5: %s", async (_, shape, stream) => {
  const input = inputOf(shape, stream);
  const twin = new ReferenceSgns(input, input.firstVectorHashes, seed);
  const numCentres = stream.left.filter((l, i) => l + stream.right[i]! > 0).length;
  const losses = [0, 1, 2].map((epoch) => twin.train(stream, noiseKey(seed, epoch), rates) / numCentres);
  const got = await trained(input, [stream, stream, stream]);
  expect(relativeError(got.centres, twin.vectors.centres)).toBeLessThan(1e-5);
  expect(relativeError(got.contexts, twin.vectors.contexts)).toBeLessThan(1e-5);
  expect(relativeError(got.losses, losses)).toBeLessThan(1e-5);
});

test("a pair counts the product of its tokens' weights, in the kernel as in its twin to 1e-5", async () => {
  const plain = streamOf(drawnSessions(50, 300, 6), 5, 5);
  const weighted = { ...plain, weights: Float32Array.from(plain.tokens, (_, i) => (i % 4) / 2) };
  const input = inputOf({ numRows: 50, dim: 16, window: 5 }, plain);
  const twin = new ReferenceSgns(input, input.firstVectorHashes, seed);
  // the kernel must handle streams with and without weights in turn
  [plain, weighted, plain].forEach((stream, epoch) => twin.train(stream, noiseKey(seed, epoch), rates));
  const got = await trained(input, [plain, weighted, plain]);
  expect(relativeError(got.centres, twin.vectors.centres)).toBeLessThan(1e-5);
  expect(relativeError(got.contexts, twin.vectors.contexts)).toBeLessThan(1e-5);
});

test("frozen rows stay as they are, bit for bit, and the others agree with the twin to 1e-5", async () => {
  const stream = streamOf(drawnSessions(50, 600, 8), 3, 3);
  const input = inputOf({ numRows: 50, dim: 24, window: 3 }, stream);
  const before = await trained(input, [stream]);
  const known = Uint8Array.from({ length: 50 }, (_, row) => (row % 3 === 0 ? 0 : 1));
  const machine = await SgnsMachine.start(input, 2);
  machine.startFrom({ known, vectors: before.centres, contexts: before.contexts, freezes: true });
  const twin = new ReferenceSgns(input, input.firstVectorHashes, seed);
  const each = (visit: (at: number, row: number) => void) => {
    for (let at = 0; at < 50 * input.dim; at++) visit(at, Math.floor(at / input.dim));
  };
  each((at, row) => {
    if (!known[row]) return;
    twin.vectors.centres[at] = before.centres[at]!;
    twin.vectors.contexts[at] = before.contexts[at]!;
    for (const j of [0, 1]) twin.squares.centres[2 * row + j] = twin.squares.contexts[2 * row + j] = Infinity;
  });
  machine.load(stream);
  for (const epoch of [1, 2]) {
    await machine.train(epoch, rates);
    twin.train(stream, noiseKey(seed, epoch), rates);
  }
  const [centres, contexts] = [machine.vectors(), machine.contexts()];
  await machine.terminate();
  each((at, row) => {
    if (!known[row]) return;
    expect([centres[at], contexts[at]]).toEqual([before.centres[at], before.contexts[at]]);
  });
  expect(centres).not.toEqual(before.centres);
  expect(relativeError(centres, twin.vectors.centres)).toBeLessThan(1e-5);
  expect(relativeError(contexts, twin.vectors.contexts)).toBeLessThan(1e-5);
});

test("the twin's gradients are the derivatives of its loss: central differences to 1e-6", () => {
  const stream = streamOf(drawnSessions(9, 60, 5), 2, 2);
  const weighted = { ...stream, weights: Float32Array.from(stream.tokens, (_, i) => 0.5 + (i % 3)) };
  const input = inputOf({ numRows: 9, dim: 5, window: 2 }, weighted);
  const twin = new ReferenceSgns(input, input.firstVectorHashes, seed);
  for (let epoch = 0; epoch < 5; epoch++) twin.train(weighted, epoch, rates);
  const pairs = twin.pairs(weighted, 0, 99);
  const gradients = twin.gradients(pairs);
  for (const side of ["centres", "contexts"] as const)
    expect(relativeError(gradients[side], differencesOf(twin, pairs, side))).toBeLessThan(1e-6);
});

test("noise weighs as many draws as there are negatives for each positive, by the positive's weight", () => {
  const stream = streamOf(drawnSessions(50, 200, 9), 1, 3);
  const input = inputOf({ numRows: 50, dim: 4, window: 3 }, stream);
  const pairs = new ReferenceSgns(input, input.firstVectorHashes, seed).pairs(stream, 0, 1);
  const weightOf = (wanted: number) =>
    pairs.reduce((sum, { sign, weight }) => sum + (sign === wanted ? weight : 0), 0);
  expect(weightOf(-1)).toBeCloseTo(input.negatives * weightOf(1), 4);
  // for a window of 3, the weight at distance 1 is 1, at distance 2 it is 2/3, at distance 3 it is 1/3
  expect(pairs.slice(0, 3).map(({ weight }) => weight)).toEqual([1, 2 / 3, 1 / 3]);
});

test("noise has the weight of the pairs that it stands beside, and weights of 1 change nothing", () => {
  const stream = streamOf(drawnSessions(50, 200, 9), 2, 3);
  const input = inputOf({ numRows: 50, dim: 4, window: 3 }, stream);
  const twin = new ReferenceSgns(input, input.firstVectorHashes, seed);
  const weights = Float32Array.from(stream.tokens, (_, i) => (i % 4) / 2);
  const pairs = twin.pairs({ ...stream, weights }, 0, 1);
  const weightOf = (centre: number, wanted: number) =>
    pairs.reduce((sum, pair) => sum + (pair.sign === wanted && pair.centre === centre ? pair.weight : 0), 0);
  for (const centre of new Set(stream.tokens))
    expect(weightOf(centre, -1)).toBeCloseTo(input.negatives * weightOf(centre, 1), 8);
  const ones = new Float32Array(weights.length).fill(1);
  expect(twin.pairs({ ...stream, weights: ones }, 0, 1)).toEqual(twin.pairs(stream, 0, 1));
});

test("vectors and losses are the same bytes at 1, 2 and 3 threads", async () => {
  const stream = streamOf(drawnSessions(200, 5 * SGNS_BATCH + 77, 11), 5, 5);
  const input = inputOf({ numRows: 200, dim: 64, window: 5 }, stream);
  const [one, ...others] = await Promise.all(
    [1, 2, 3].map((threads) => trained(input, [stream, stream], threads)),
  );
  for (const other of others) expect(other).toEqual(one);
});

test("a machine that takes another's state goes on as that one does", async () => {
  const stream = streamOf(drawnSessions(80, 600, 7), 5, 5);
  const input = inputOf({ numRows: 80, dim: 24, window: 5 }, stream);
  const [first, second] = [await SgnsMachine.start(input, 1), await SgnsMachine.start(input, 2)];
  first.load(stream);
  second.load(stream);
  await first.train(1, rates);
  second.state = first.state;
  expect(await second.train(2, rates)).toBe(await first.train(2, rates));
  expect(second.state).toEqual(first.state);
  expect(() => (second.state = { ...first.state, contexts: new Float32Array(3) })).toThrow(
    /the checkpoint is damaged: 'contexts' does not match/,
  );
  await Promise.all([first.terminate(), second.terminate()]);
});

test("a stream that is too long, or looks beyond its ends or the window, is refused", async () => {
  const stream = streamOf([[0, 1, 2, 3]], 2, 2);
  const machine = await SgnsMachine.start(inputOf({ numRows: 4, dim: 4, window: 2 }, stream), 1);
  const wrong: Partial<SgnsStream>[] = [
    { tokens: Uint32Array.of(0, 1, 2, 4) },
    { left: Uint8Array.of(1, 1, 1, 1) },
    { right: Uint8Array.of(3, 1, 1, 0) },
    { right: Uint8Array.of(0) },
  ];
  for (const part of wrong) expect(() => machine.load({ ...stream, ...part })).toThrow(RangeError);
  expect(() => machine.load(streamOf([[0, 1, 2, 3, 0]], 2, 2))).toThrow("5 tokens in room for 4");
  await machine.terminate();
});

describe("planted clusters of 5 among 40 rows", () => {
  const [numRows, ofCluster] = [40, 5];
  const sessions = Array.from({ length: 600 }, (_, s) => {
    const first = (draw(11, s) % (numRows / ofCluster)) * ofCluster;
    return Array.from({ length: 6 }, (_, i) => first + (draw(12, s * 6 + i) % ofCluster));
  });
  const epochs = 5;
  const streams = Array.from({ length: epochs }, (_, epoch) =>
    streamOf(
      Array.from(permutation(sessions.length, draw(13, epoch)), (s) => sessions[s]!),
      5,
      5,
    ),
  );
  const shape = { numRows, dim: 16, window: 5 };

  /** Returns the mean fraction of the four nearest rows by cosine that belong to the same cluster. */
  function sameCluster(vectors: ArrayLike<number>): number {
    const rows = Array.from({ length: numRows }, (_, row) => {
      const v = Array.from({ length: shape.dim }, (_, d) => vectors[row * shape.dim + d]!);
      const length = Math.hypot(...v);
      return v.map((x) => x / length);
    });
    const same = rows.map((v, row) => {
      const cosines = rows.map((u, other) => ({ other, cosine: v.reduce((s, x, d) => s + x * u[d]!, 0) }));
      const nearest = cosines.filter(({ other }) => other !== row).sort((a, b) => b.cosine - a.cosine);
      const cluster = Math.floor(row / ofCluster);
      return nearest.slice(0, 4).filter(({ other }) => Math.floor(other / ofCluster) === cluster).length / 4;
    });
    return same.reduce((a, b) => a + b, 0) / numRows;
  }

  test("the kernel finds every one of them, and its loss falls", async () => {
    const { centres, losses } = await trained(inputOf(shape, streams[0]!), streams);
    expect(sameCluster(centres)).toBe(1);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
  });

  test("so does word2vec.c's way, pair by pair", () => {
    const input = inputOf(shape, streams[0]!);
    const vectors: Sides<Float64Array> = firstVectors(input, input.firstVectorHashes, seed);
    const rateAt = (epoch: number) => 0.025 * Math.max(1e-4, 1 - epoch / epochs);
    streams.forEach((stream, epoch) =>
      trainPairs(vectors, input, stream, draw(seed, epoch), { from: rateAt(epoch), to: rateAt(epoch + 1) }),
    );
    expect(sameCluster(vectors.centres)).toBe(1);
  });
});
