import { draw } from "../../../base/numeric/random.js";
import { noiseKey, SgnsMachine, type SgnsInput } from "../../../trainers/shared/skip-grams/machine.js";
import {
  drawnSessions,
  inputOf,
  rates,
  relativeError,
  seed,
  streamOf,
} from "../../../testing/sgns-streams.js";
import { SGNS_BATCH, type SgnsStream } from "./binding.js";
import { ReferenceComposed } from "./composed.reference.js";
import type { SgnsParts } from "./parts.js";

type Composed = SgnsInput & { parts: SgnsParts };

/**
 * Generates the parts of composed rows: item v of 0 .. numItems - 1 consists of its own row, and up to two kinds of one
 * to three rows among those after the items.
 */
function drawnParts(numItems: number, numRows: number, attends: boolean): SgnsParts {
  const [ends, rows, kinds, weights] = [[0], [] as number[], [] as number[], [] as number[]];
  let places = 0;
  for (let v = 0; v < numRows; v++) {
    const sizes = Array.from(
      { length: v < numItems ? draw(31, v) % 3 : 0 },
      (_, k) => 1 + (draw(32, 2 * v + k) % 3),
    );
    const values = sizes.map((size, k) =>
      Array.from({ length: size }, (_, s) => numItems + (draw(33, 8 * v + 4 * k + s) % (numRows - numItems))),
    );
    for (const kind of v < numItems ? [[v], ...values] : []) {
      rows.push(...kind);
      kinds.push(...kind.map(() => places));
      weights.push(...kind.map(() => 1 / kind.length));
      places++;
    }
    ends.push(rows.length);
  }
  return {
    ends: Uint32Array.from(ends),
    rows: Uint32Array.from(rows),
    kinds: Uint32Array.from(kinds),
    weights: Float32Array.from(weights),
    attends,
  };
}

/** Returns a composition in which each vector is composed of its own row alone. */
function ownParts(numRows: number): SgnsParts {
  const rows = Uint32Array.from({ length: numRows }, (_, v) => v);
  const weights = new Float32Array(numRows).fill(1);
  return { ends: Uint32Array.from([...rows, numRows]), rows, kinds: rows, weights, attends: true };
}

async function trained(input: Composed, streams: readonly SgnsStream[], threads = 1) {
  const machine = await SgnsMachine.start(input, threads);
  try {
    const losses: number[] = [];
    for (const [epoch, stream] of streams.entries()) {
      machine.load(stream);
      losses.push(await machine.train(epoch, rates));
    }
    const [rows, contexts, { attention }] = [machine.rows(), machine.contexts(), machine.attention()];
    return { losses, rows, vectors: machine.vectors(), contexts, attention, state: machine.state };
  } finally {
    await machine.terminate();
  }
}

const sizes = [
  { numItems: 40, numRows: 50, dim: 4, window: 1, numTokens: 300, length: 6 },
  { numItems: 40, numRows: 43, dim: 16, window: 5, numTokens: 1000, length: 9 },
  { numItems: 90, numRows: 120, dim: 40, window: 5, numTokens: 777, length: 20 },
  { numItems: 7, numRows: 9, dim: 64, window: 2, numTokens: 600, length: 5 },
];
const cases = sizes.flatMap((size) => [true, false].map((attends) => ({ ...size, attends })));

test.each(cases)(
  "the kernel agrees with its twin to 1e-5: $numItems of $numRows rows, dim $dim, attention $attends",
  async ({ numItems, numRows, dim, window, numTokens, length, attends }) => {
    const stream = streamOf(drawnSessions(numItems, numTokens, length), window, window);
    const parts = drawnParts(numItems, numRows, attends);
    const input = { ...inputOf({ numRows, dim, window }, stream), parts };
    const twin = new ReferenceComposed(input, input.firstVectorHashes, seed);
    const numCentres = stream.left.filter((l, i) => l + stream.right[i]! > 0).length;
    const losses = [0, 1, 2].map((epoch) => twin.train(stream, noiseKey(seed, epoch), rates) / numCentres);
    const got = await trained(input, [stream, stream, stream]);
    expect(relativeError(got.rows, twin.rows)).toBeLessThan(1e-5);
    const composed = twin.composed();
    const isComposed = (at: number) => Math.floor(at / dim) < numItems;
    const ofItems = (numbers: ArrayLike<number>) => Array.from(numbers).filter((_, at) => isComposed(at));
    expect(relativeError(ofItems(got.vectors), ofItems(composed))).toBeLessThan(1e-5);
    expect(relativeError(got.contexts, twin.contexts)).toBeLessThan(1e-5);
    expect(relativeError(got.losses, losses)).toBeLessThan(1e-5);
    if (attends) expect(relativeError(got.attention, twin.attention)).toBeLessThan(1e-4);
    else expect(got.attention.every((a) => a === 0)).toBe(true);
  },
);

test.each([true, false])(
  "gradients of rows, contexts and attention are the derivatives of the loss, attention %s: central differences to 1e-6",
  (attends) => {
    const [numItems, numRows] = [9, 13];
    const stream = streamOf(drawnSessions(numItems, 60, 5), 2, 2);
    const parts = drawnParts(numItems, numRows, attends);
    const input = { ...inputOf({ numRows, dim: 5, window: 2 }, stream), parts };
    const twin = new ReferenceComposed(input, input.firstVectorHashes, seed);
    for (let epoch = 0; epoch < 5; epoch++) twin.train(stream, epoch, rates);
    const pairs = twin.pairs(stream, 0, 99);
    const gradients = twin.gradients(pairs);
    const differences = (numbers: Float64Array) =>
      Float64Array.from(numbers, (x, i) => {
        const lossAt = (value: number) => {
          numbers[i] = value;
          const loss = twin.loss(pairs);
          numbers[i] = x;
          return loss;
        };
        return (lossAt(x - 1e-5) - lossAt(x + 1e-5)) / 2e-5;
      });
    expect(relativeError(gradients.rows, differences(twin.rows))).toBeLessThan(1e-6);
    expect(relativeError(gradients.contexts, differences(twin.contexts))).toBeLessThan(1e-6);
    if (attends) expect(relativeError(gradients.attention, differences(twin.attention))).toBeLessThan(1e-6);
  },
);

test.each([true, false])("the same bytes at 1, 2 and 3 threads, attention %s", async (attends) => {
  const [numItems, numRows] = [180, 200];
  const stream = streamOf(drawnSessions(numItems, 5 * SGNS_BATCH + 77, 11), 5, 5);
  const parts = drawnParts(numItems, numRows, attends);
  const input = { ...inputOf({ numRows, dim: 64, window: 5 }, stream), parts };
  const [one, ...others] = await Promise.all(
    [1, 2, 3].map((threads) => trained(input, [stream, stream], threads)),
  );
  for (const other of others) expect(other).toEqual(one);
});

test("centres of their own row alone are those of a training that composes none, to 1e-6", async () => {
  const stream = streamOf(drawnSessions(60, 700, 9), 5, 5);
  const input = inputOf({ numRows: 60, dim: 32, window: 5 }, stream);
  const got = await trained({ ...input, parts: ownParts(60) }, [stream]);
  const machine = await SgnsMachine.start(input, 1);
  machine.load(stream);
  await machine.train(0, rates);
  expect(relativeError(got.rows, machine.vectors())).toBeLessThan(1e-6);
  expect(relativeError(got.contexts, machine.contexts())).toBeLessThan(1e-6);
  await machine.terminate();
});

test("a machine that takes another's state goes on as that one does", async () => {
  const stream = streamOf(drawnSessions(80, 600, 7), 5, 5);
  const parts = drawnParts(80, 100, true);
  const input = { ...inputOf({ numRows: 100, dim: 24, window: 5 }, stream), parts };
  const [first, second] = [await SgnsMachine.start(input, 1), await SgnsMachine.start(input, 2)];
  first.load(stream);
  second.load(stream);
  await first.train(1, rates);
  second.state = first.state;
  expect(await second.train(2, rates)).toBe(await first.train(2, rates));
  expect(second.state).toEqual(first.state);
  await Promise.all([first.terminate(), second.terminate()]);
});

test("parts out of range, and tokens without one, are refused", async () => {
  const stream = streamOf([[0, 1, 2, 3]], 2, 2);
  const input = inputOf({ numRows: 4, dim: 4, window: 2 }, stream);
  const parts = ownParts(4);
  const wrong: SgnsParts[] = [
    { ...parts, rows: Uint32Array.of(0, 1, 2, 4) },
    { ...parts, ends: Uint32Array.of(0, 1, 2, 4) },
    { ...parts, ends: Uint32Array.of(0, 2, 1, 3, 4) },
    { ...parts, kinds: Uint32Array.of(0, 0, 1, 2) },
    { ...parts, kinds: Uint32Array.of(0, 1, 2, 4) },
    { ...parts, weights: Float32Array.of(1, 1, 1) },
  ];
  for (const each of wrong)
    await expect(SgnsMachine.start({ ...input, parts: each }, 1)).rejects.toThrow(RangeError);
  const without = {
    ...parts,
    ...{ ends: Uint32Array.of(0, 1, 1, 3, 4), kinds: Uint32Array.of(0, 1, 1, 2) },
  };
  const machine = await SgnsMachine.start({ ...input, parts: without }, 1);
  expect(() => machine.load(stream)).toThrow("token 1 is row 1, which has no parts");
  await machine.terminate();
});
