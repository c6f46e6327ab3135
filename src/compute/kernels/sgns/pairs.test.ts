import { draw } from "../../../base/numeric/random.js";
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
import { NO_MARKET, SGNS_BATCH, type SgnsPairs, type SgnsStream } from "./binding.js";
import { ReferenceSgns } from "./sgns.reference.js";

/**
 * Generates `numLists` lists of up to `longest` random rows; the first list is empty. Two thirds of the rows are
 * contexts, the others negatives.
 */
function drawnLists(numLists: number, longest: number, numRows: number): SgnsPairs["lists"] {
  const sizes = Array.from({ length: numLists }, (_, l) => (l === 0 ? 0 : draw(21, l) % (longest + 1)));
  const ends = Uint32Array.from([0, ...sizes.map((_, l) => sizes.slice(0, l + 1).reduce((a, b) => a + b))]);
  const size = ends.at(-1)!;
  return {
    ends,
    rows: Uint32Array.from({ length: size }, (_, i) => draw(22, i) % numRows),
    weights: Float32Array.from({ length: size }, (_, i) => (draw(23, i) % 3 === 0 ? -1.5 : 1)),
  };
}

/** Assigns rows to markets in turn; every seventh row has no market. */
function dealtMarkets(numMarkets: number, numRows: number, drawn: number): SgnsPairs["markets"] {
  const of = Uint32Array.from({ length: numRows }, (_, row) =>
    row % 7 === 6 ? NO_MARKET : row % numMarkets,
  );
  const byMarket = Array.from({ length: numMarkets }, (_, m) =>
    [...of.keys()].filter((row) => of[row] === m),
  );
  const ends = [0];
  for (const rows of byMarket) ends.push(ends.at(-1)! + rows.length);
  return { of, ends: Uint32Array.from(ends), rows: Uint32Array.from(byMarket.flat()), drawn };
}

function withLists(stream: SgnsStream, numLists: number, length: number): SgnsStream {
  return { ...stream, lists: stream.tokens.map((_, i) => Math.floor(i / length) % numLists) };
}

interface Case {
  shape: Pick<SgnsInput, "numRows" | "dim" | "window">;
  numTokens: number;
  length: number;
  pairs: SgnsPairs;
}

const none: SgnsPairs["lists"] = {
  ends: Uint32Array.of(0, 0),
  rows: new Uint32Array(0),
  weights: new Float32Array(0),
};
const marketsOf = (numMarkets: number, numRows: number, drawn: number) => ({
  markets: dealtMarkets(numMarkets, numRows, drawn)!,
});

const cases: [name: string, Case][] = [
  [
    "lists alone, dim 4",
    {
      shape: { numRows: 50, dim: 4, window: 1 },
      ...{ numTokens: 300, length: 6, pairs: { lists: drawnLists(20, 3, 50) } },
    },
  ],
  [
    "markets alone, dim 16",
    {
      shape: { numRows: 50, dim: 16, window: 5 },
      ...{ numTokens: 1000, length: 9, pairs: { lists: none, ...marketsOf(4, 50, 5) } },
    },
  ],
  [
    "lists and markets, dim 40",
    {
      shape: { numRows: 90, dim: 40, window: 5 },
      ...{ numTokens: 777, length: 20, pairs: { lists: drawnLists(30, 6, 90), ...marketsOf(3, 90, 7) } },
    },
  ],
  [
    "long lists, a window of two",
    {
      shape: { numRows: 70, dim: 16, window: 2 },
      ...{ numTokens: 520, length: 5, pairs: { lists: drawnLists(9, 32, 70), ...marketsOf(2, 70, 1) } },
    },
  ],
  [
    "dim 64",
    {
      shape: { numRows: 300, dim: 64, window: 10 },
      ...{ numTokens: 800, length: 33, pairs: { lists: drawnLists(25, 4, 300), ...marketsOf(10, 300, 5) } },
    },
  ],
];

const streamOfCase = ({ shape: { numRows, window }, numTokens, length, pairs }: Case): SgnsStream =>
  withLists(
    streamOf(drawnSessions(numRows, numTokens, length), window, window),
    pairs.lists.ends.length - 1,
    length,
  );

test.each(cases)("the kernel agrees with its twin to 1e-5: %s", async (_, which) => {
  const stream = streamOfCase(which);
  const input = { ...inputOf(which.shape, stream), pairs: which.pairs };
  const twin = new ReferenceSgns(input, input.firstVectorHashes, seed);
  const numCentres = stream.left.filter((l, i) => l + stream.right[i]! > 0).length;
  const losses = [0, 1, 2].map((epoch) => twin.train(stream, noiseKey(seed, epoch), rates) / numCentres);
  const got = await trained(input, [stream, stream, stream]);
  expect(relativeError(got.centres, twin.vectors.centres)).toBeLessThan(1e-5);
  expect(relativeError(got.contexts, twin.vectors.contexts)).toBeLessThan(1e-5);
  expect(relativeError(got.losses, losses)).toBeLessThan(1e-5);
});

test("pairs count what their centres count: the kernel agrees with its twin to 1e-5", async () => {
  const which = cases[2]![1];
  const stream = streamOfCase(which);
  const weighted = { ...stream, weights: Float32Array.from(stream.tokens, (_, i) => 0.5 + (i % 3) / 2) };
  const input = { ...inputOf(which.shape, weighted), pairs: which.pairs };
  const twin = new ReferenceSgns(input, input.firstVectorHashes, seed);
  for (const epoch of [0, 1]) twin.train(weighted, noiseKey(seed, epoch), rates);
  const got = await trained(input, [weighted, weighted]);
  expect(relativeError(got.centres, twin.vectors.centres)).toBeLessThan(1e-5);
  expect(relativeError(got.contexts, twin.vectors.contexts)).toBeLessThan(1e-5);
});

test("the same bytes at 1, 2 and 3 threads", async () => {
  const [numRows, length] = [200, 11];
  const pairs = { lists: drawnLists(40, 5, numRows), ...marketsOf(8, numRows, 5) };
  const stream = withLists(
    streamOf(drawnSessions(numRows, 5 * SGNS_BATCH + 77, length), 5, 5),
    pairs.lists.ends.length - 1,
    length,
  );
  const input = { ...inputOf({ numRows, dim: 64, window: 5 }, stream), pairs };
  const [one, ...others] = await Promise.all(
    [1, 2, 3].map((threads) => trained(input, [stream, stream], threads)),
  );
  for (const other of others) expect(other).toEqual(one);
});

test("empty lists and no markets are the bytes of a training without pairs", async () => {
  const stream = streamOf(drawnSessions(60, 700, 9), 5, 5);
  const input = inputOf({ numRows: 60, dim: 32, window: 5 }, stream);
  const listed = { ...stream, lists: new Uint32Array(stream.tokens.length) };
  const without = await trained(input, [stream]);
  expect(await trained({ ...input, pairs: { lists: none } }, [listed])).toEqual(without);
  // the only row of a market has no other row to sample as a negative
  const alone = {
    of: new Uint32Array(60).fill(NO_MARKET),
    ends: Uint32Array.of(0, 1),
    rows: Uint32Array.of(3),
  };
  alone.of[3] = 0;
  const markets = { ...alone, drawn: 5 };
  expect(await trained({ ...input, pairs: { lists: none, markets } }, [listed])).toEqual(without);
});

test("the twin's gradients are the derivatives of its loss: central differences to 1e-6", () => {
  const numRows = 9;
  const pairs = { lists: drawnLists(6, 4, numRows), ...marketsOf(2, numRows, 3) };
  const stream = withLists(streamOf(drawnSessions(numRows, 60, 5), 2, 2), 6, 5);
  const input = { ...inputOf({ numRows, dim: 5, window: 2 }, stream), pairs };
  const twin = new ReferenceSgns(input, input.firstVectorHashes, seed);
  for (let epoch = 0; epoch < 5; epoch++) twin.train(stream, epoch, rates);
  const all = twin.pairs(stream, 0, 99);
  const gradients = twin.gradients(all);
  for (const side of ["centres", "contexts"] as const)
    expect(relativeError(gradients[side], differencesOf(twin, all, side))).toBeLessThan(1e-6);
});

test("a centre meets its session's list and rows of its market, and is no negative of itself", () => {
  const lists = {
    ends: Uint32Array.of(0, 0, 2),
    rows: Uint32Array.of(3, 4),
    weights: Float32Array.of(1, -1),
  };
  const markets = {
    of: Uint32Array.of(0, 0, 0, 1, 1, NO_MARKET),
    ends: Uint32Array.of(0, 3, 5),
    rows: Uint32Array.of(0, 1, 2, 3, 4),
    drawn: 4,
  };
  const stream = {
    ...streamOf(
      [
        [0, 1, 5],
        [3, 2],
      ],
      2,
      2,
    ),
    lists: Uint32Array.of(1, 1, 1, 0, 0),
  };
  const shape = { numRows: 6, dim: 4, window: 2 };
  const plain = new ReferenceSgns(inputOf(shape, stream), inputOf(shape, stream).firstVectorHashes, seed);
  const input = { ...inputOf(shape, stream), pairs: { lists, markets } };
  const twin = new ReferenceSgns(input, input.firstVectorHashes, seed);
  const band = plain.pairs(stream, 0, 1).map((pair) => JSON.stringify(pair));
  const beside = twin.pairs(stream, 0, 1).filter((pair) => !band.includes(JSON.stringify(pair)));
  expect(beside.every(({ centre, context, sign }) => sign === 1 || centre !== context)).toBe(true);
  const isOf = (wanted: number) => (pair: { centre: number }) => pair.centre === wanted;
  // Expects the pairs of the list: row 3 is a context of rows 0, 1 and 5, and row 4 is a negative of them; the second
  // session has an empty list.
  expect(beside.filter(({ sign }) => sign === 1).map(({ centre, context }) => [centre, context])).toEqual([
    [0, 3],
    [1, 3],
    [5, 3],
  ]);
  expect(beside.filter(({ context }) => context === 4).filter(isOf(5))).toHaveLength(1);
  // Expects that rows 0, 1 and 2 as centres have negatives from their market, namely rows 0 to 2, and that row 5 has
  // none.
  for (const centre of [0, 1, 2]) {
    const drawn = beside.filter(isOf(centre)).filter(({ context }) => context < 3);
    expect(drawn.every(({ sign, weight }) => sign === -1 && weight === 1)).toBe(true);
    expect(drawn.length).toBeLessThanOrEqual(4);
  }
  expect(beside.filter(isOf(5))).toHaveLength(2);
});

test("lists and markets out of range are refused", async () => {
  const stream = { ...streamOf([[0, 1, 2, 3]], 2, 2), lists: Uint32Array.of(0, 0, 0, 0) };
  const input = inputOf({ numRows: 4, dim: 4, window: 2 }, stream);
  const lists = { ends: Uint32Array.of(0, 1), rows: Uint32Array.of(3), weights: Float32Array.of(1) };
  const wrong: SgnsPairs[] = [
    { lists: { ...lists, rows: Uint32Array.of(4) } },
    { lists: { ...lists, ends: Uint32Array.of(0, 2) } },
    {
      lists,
      markets: {
        of: Uint32Array.of(0, 0, 0, 1),
        ends: Uint32Array.of(0, 1),
        rows: Uint32Array.of(0),
        drawn: 1,
      },
    },
  ];
  for (const pairs of wrong)
    await expect(SgnsMachine.start({ ...input, pairs }, 1)).rejects.toThrow(RangeError);
  const machine = await SgnsMachine.start({ ...input, pairs: { lists } }, 1);
  expect(() => machine.load({ ...stream, lists: Uint32Array.of(0, 0, 0, 1) })).toThrow(RangeError);
  const { lists: _, ...without } = stream;
  expect(() => machine.load(without)).toThrow(RangeError);
  await machine.terminate();
});
