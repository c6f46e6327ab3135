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
import { ReferenceSgns } from "./sgns.reference.js";

const oneTable = (shape: Pick<SgnsInput, "numRows" | "dim" | "window">, stream: SgnsStream): SgnsInput => ({
  ...inputOf(shape, stream),
  oneTable: true,
});

const shapes: [name: string, shape: Pick<SgnsInput, "numRows" | "dim" | "window">, SgnsStream][] = [
  ["pairs, window 1", { numRows: 60, dim: 40, window: 1 }, streamOf(drawnSessions(60, 900, 2), 1, 1)],
  ["looking ahead", { numRows: 60, dim: 16, window: 1 }, streamOf(drawnSessions(60, 900, 2), 0, 1)],
  ["dim 64, window 5", { numRows: 300, dim: 64, window: 5 }, streamOf(drawnSessions(300, 800, 33), 5, 5)],
  ["three rows", { numRows: 3, dim: 4, window: 1 }, streamOf(drawnSessions(3, 600, 2), 1, 1)],
];

test.each(shapes)("one table agrees with its twin to 1e-5: %s", async (_, shape, stream) => {
  const input = oneTable(shape, stream);
  const twin = new ReferenceSgns(input, input.firstVectorHashes, seed);
  const numCentres = stream.left.filter((l, i) => l + stream.right[i]! > 0).length;
  const losses = [0, 1, 2].map((epoch) => twin.train(stream, noiseKey(seed, epoch), rates) / numCentres);
  const got = await trained(input, [stream, stream, stream]);
  expect(relativeError(got.centres, twin.vectors.centres)).toBeLessThan(1e-5);
  expect(got.contexts).toEqual(got.centres);
  expect(relativeError(got.losses, losses)).toBeLessThan(1e-5);
});

test("pairs beside the band share the table, too", async () => {
  const stream = streamOf(drawnSessions(50, 600, 4), 2, 2);
  const lists = Uint32Array.from(stream.tokens, (_, i) => Math.floor(i / 4) % 2);
  const input = {
    ...oneTable({ numRows: 50, dim: 24, window: 2 }, stream),
    pairs: {
      lists: {
        ends: Uint32Array.of(0, 2, 3),
        rows: Uint32Array.of(3, 40, 7),
        weights: Float32Array.of(1, -0.5, 2),
      },
    },
  };
  const listed = { ...stream, lists };
  const twin = new ReferenceSgns(input, input.firstVectorHashes, seed);
  for (const epoch of [0, 1]) twin.train(listed, noiseKey(seed, epoch), rates);
  const got = await trained(input, [listed, listed]);
  expect(relativeError(got.centres, twin.vectors.centres)).toBeLessThan(1e-5);
});

test("the twin's gradients are the derivatives of its loss: central differences to 1e-6", () => {
  const stream = streamOf(drawnSessions(9, 60, 2), 1, 1);
  const input = oneTable({ numRows: 9, dim: 5, window: 1 }, stream);
  const twin = new ReferenceSgns(input, input.firstVectorHashes, seed);
  for (let epoch = 0; epoch < 5; epoch++) twin.train(stream, epoch, rates);
  const pairs = twin.pairs(stream, 0, 99);
  // some pairs consist of a row with itself
  expect(pairs.some(({ centre, context }) => centre === context)).toBe(true);
  const { centres } = twin.gradients(pairs);
  expect(relativeError(centres, differencesOf(twin, pairs, "centres"))).toBeLessThan(1e-6);
});

test("one table is the same bytes at 1, 2 and 3 threads, and another machine goes on from its state", async () => {
  const stream = streamOf(drawnSessions(200, 5 * SGNS_BATCH + 77, 2), 1, 1);
  const input = oneTable({ numRows: 200, dim: 64, window: 1 }, stream);
  const [one, ...others] = await Promise.all(
    [1, 2, 3].map((threads) => trained(input, [stream, stream], threads)),
  );
  for (const other of others) expect(other).toEqual(one);
  expect(Object.keys(one!.state)).toEqual(["centres", "centreSquares"]);
  const machine = await SgnsMachine.start(input, 2);
  machine.load(stream);
  await machine.train(0, rates);
  const second = await SgnsMachine.start(input, 1);
  second.state = machine.state;
  second.load(stream);
  await second.train(1, rates);
  expect(second.vectors()).toEqual(one!.centres);
  await Promise.all([machine.terminate(), second.terminate()]);
});

test("frozen rows of one table stay as they are, bit for bit, and the others move", async () => {
  const stream = streamOf(drawnSessions(50, 600, 2), 1, 1);
  const input = oneTable({ numRows: 50, dim: 24, window: 1 }, stream);
  const { centres } = await trained(input, [stream]);
  const known = Uint8Array.from({ length: 50 }, (_, row) => (row % 3 === 0 ? 0 : 1));
  const machine = await SgnsMachine.start(input, 2);
  const ignored = new Float32Array(centres.length).fill(9);
  machine.startFrom({ known, vectors: centres, contexts: ignored, freezes: true });
  machine.load(stream);
  await machine.train(1, rates);
  const after = machine.vectors();
  await machine.terminate();
  const same = Array.from(after, (x, at) => x === centres[at]);
  expect(same.filter((_, at) => known[Math.floor(at / 24)] === 1)).not.toContain(false);
  expect(same.filter((_, at) => known[Math.floor(at / 24)] === 0)).not.toContain(true);
});
