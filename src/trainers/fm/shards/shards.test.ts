// Training on shards, in this process: what a server would do is done by the same program here.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { FeatureRows } from "../../../dataset/rows.js";
import type { FmModel } from "../../../factors/model.js";
import { Answers, COMMAND } from "../../../engine/program.js";
import { BATCH_ROWS } from "../../../kernels/fm/binding.js";
import { referenceBatch, referenceFm, type ReferenceRow } from "../../../kernels/fm/fm.reference.js";
import { kernelInverseSqrt } from "../../../kernels/shared/inverse-sqrt.reference.js";
import { loadKernel } from "../../../kernels/shared/load.js";
import { maxDifference, repeatedIn } from "../../../testing/kernel-machine.js";
import { defaultFmOptions, type FmOptions, type GivenFm } from "../options.js";
import { inputOf, numFeatures, plantedRows } from "../planted.test.rows.js";
import { type PassesElsewhere, trainFm } from "../train.js";
import { average, shardedPasses, type Executors } from "./passes.js";
import { checkSharded } from "./learn.js";
import { cutRows, shardAt } from "./partition-rows.js";
import { type Frame, frameOf, framesIn } from "./messages.js";
import { rowsFrame, trainShard } from "./program.js";

const options = (rest: Partial<FmOptions> = {}): FmOptions => ({
  ...defaultFmOptions("logistic"),
  ...{ dim: 12, epochs: 3, threads: 2 },
  ...rest,
});
/** Users are the first field of planted rows, without an unknown one. */
const users = { unknown: -1, end: 20 };

const hashOf = ({ w0, w, vectors, epochs }: FmModel) =>
  createHash("sha256")
    .update(new Uint8Array(Float32Array.of(w0).buffer))
    .update(new Uint8Array(w.buffer))
    .update(new Uint8Array(vectors.buffer))
    .update(epochs.map(({ trainLoss, validLoss }) => `${trainLoss} ${validLoss}`).join())
    .digest("hex");

/** Passes on shards of the rows, in this process; answers may be changed on their way. */
async function passesOf(
  rows: FeatureRows,
  most: number,
  fm: FmOptions,
  changed: (answers: Uint8Array[]) => Uint8Array[] = (answers) => answers,
  run?: (messages: readonly Uint8Array[], sent: readonly Uint8Array[]) => Promise<Uint8Array[]>,
): Promise<PassesElsewhere> {
  const kernel = await loadKernel("fm");
  const { featureHashes } = inputOf(rows);
  const shards = cutRows(rows, most, featureHashes, users).map((order) => shardAt(rows, order, numFeatures));
  const sent = shards.map((shard) => rowsFrame(shard.rows));
  const executors: Executors = {
    shown: "sc://test",
    run: (messages) =>
      run?.(messages, sent) ??
      Promise.resolve(
        changed(messages.map((message, s) => trainShard(Buffer.concat([message, sent[s]!]), kernel))),
      ),
    stop: () => undefined,
  };
  const held = shards.map(({ rows: { numRows }, ...shard }) => ({ ...shard, numRows, weight: numRows }));
  return shardedPasses(held, executors, fm, numFeatures);
}

test.each([true, false])(
  "one shard is training here, the same bytes; rows of any width: %s",
  async (general) => {
    const [rows, valid] = [
      plantedRows(9000, "logistic", 3, general),
      plantedRows(2000, "logistic", 4, general),
    ];
    const fm = options();
    const here = await trainFm(inputOf(rows, valid), fm);
    const there = await trainFm({ ...inputOf(rows, valid), elsewhere: await passesOf(rows, 1, fm) }, fm);
    expect(hashOf(there)).toBe(hashOf(here));
  },
);

test("all rows of a user go to one shard, in the log's order; those without a user are spread", () => {
  const rows = plantedRows(3000, "logistic", 5, true);
  const { featureHashes } = inputOf(rows);
  const orders = cutRows(rows, 3, featureHashes, users);
  expect(orders.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 3000 }, (_, r) => r));
  const shardOf = new Map<number, Set<number>>();
  orders.forEach((order, s) => {
    expect(order).toEqual([...order].sort((a, b) => a - b));
    for (const r of order) {
      const user = rows.ids[rows.indptr![r]!]!;
      shardOf.set(user, (shardOf.get(user) ?? new Set()).add(s));
    }
  });
  expect([...shardOf.values()].every(({ size }) => size === 1)).toBe(true);
  // a shard without rows is none
  expect(cutRows(rows, 200, featureHashes, users).length).toBeLessThanOrEqual(20);
  // the first user stands for unknown ones, and names no shard
  const unknown = cutRows(rows, 3, featureHashes, { unknown: 0, end: 20 });
  const places = unknown.map((order) => order.filter((r) => rows.ids[rows.indptr![r]!] === 0).length);
  expect(Math.min(...places)).toBeGreaterThan(0);
});

test("a shard has its rows by its own numbers, with the features that they stand for and their counts", () => {
  const rows = plantedRows(500, "logistic", 6, true);
  const order = [3, 7, 8, 400];
  const shard = shardAt(rows, order, numFeatures);
  const idsOf = (of: FeatureRows, r: number) => [...of.ids.subarray(of.indptr![r], of.indptr![r + 1])];
  order.forEach((row, r) =>
    expect(idsOf(shard.rows, r).map((id) => shard.features[id])).toEqual(idsOf(rows, row)),
  );
  const all = order.flatMap((row) => idsOf(rows, row));
  expect([...shard.features]).toEqual([...new Set(all)].sort((a, b) => a - b));
  expect([...shard.counts]).toEqual(
    [...shard.features].map((feature) => all.filter((id) => id === feature).length),
  );
});

test("features are averaged by the rows that hold them, w0 by rows; one shard's are taken as they are", () => {
  const before = {
    factors: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    linear: Float32Array.of(1, 2, 3, 4),
    bias: Float32Array.of(0, 1),
  };
  const shards = [
    {
      ...{ features: Uint32Array.of(0, 2), counts: Uint32Array.of(3, 1), numRows: 30 },
      state: {
        factors: Float32Array.of(10, 20, 0.1, 0.2),
        linear: Float32Array.of(4, 0.3),
        bias: Float32Array.of(1, 2),
      },
    },
    {
      ...{ features: Uint32Array.of(0, 1), counts: Uint32Array.of(1, 5), numRows: 10 },
      state: {
        factors: Float32Array.of(2, 4, 0.7, 0.9),
        linear: Float32Array.of(8, 0.6),
        bias: Float32Array.of(5, 6),
      },
    },
  ];
  const { factors, linear, bias } = average(before, shards, 4);
  // (3 * 10 + 2) / 4, (3 * 20 + 4) / 4; one holder each; none
  expect(factors).toEqual(Float32Array.of(8, 16, 0.7, 0.9, 0.1, 0.2, 7, 8));
  expect(linear).toEqual(Float32Array.of(5, 0.6, 0.3, 4));
  expect(bias).toEqual(Float32Array.of(2, 3));
});

test("the kernel on two shards and their average is what plain f64 makes of them, to 1e-5", async () => {
  const rows = plantedRows(600, "logistic", 7, true);
  const fm = options({ epochs: 1, shuffle: false, patience: 0 });
  const input = inputOf(rows);
  const untrained = await trainFm({ ...input, elsewhere: nothingOf(rows) }, fm);
  const model = await trainFm({ ...input, elsewhere: await passesOf(rows, 2, fm) }, fm);

  const { dim } = fm;
  const numbers = { v: new Float64Array(numFeatures * dim), w: new Float64Array(numFeatures) };
  const counts = new Float64Array(numFeatures);
  let w0 = 0;
  for (const order of cutRows(rows, 2, input.featureHashes, users)) {
    const twin = referenceFm(dim, untrained.w0, untrained.vectors, "adagrad");
    const plain = order.map((r) => rowOf(rows, r));
    for (let at = 0; at < plain.length; at += BATCH_ROWS)
      referenceBatch(twin, plain.slice(at, at + BATCH_ROWS), {
        ...{ ...fm, method: "adagrad", isRepeated: repeatedIn(plain), inverseSqrt: kernelInverseSqrt },
        vectorRate: fm.learningRate * fm.vectorRate,
      });
    w0 += (twin.w0 * order.length) / rows.numRows;
    for (const id of plain.flatMap(({ ids }) => ids)) {
      counts[id]!++;
      numbers.w[id]! += twin.w[id]!;
      for (let d = 0; d < dim; d++) numbers.v[id * dim + d]! += twin.v[id * dim + d]!;
    }
  }
  const share = (x: number, i: number, width: number, first: ArrayLike<number>) => {
    const count = counts[Math.floor(i / width)]!;
    return count === 0 ? first[i]! : x / count;
  };
  const v = numbers.v.map((x, i) => share(x, i, dim, untrained.vectors));
  const w = numbers.w.map((x, i) => share(x, i, 1, untrained.w));
  const errors = [maxDifference(model.vectors, v), maxDifference(model.w, w), Math.abs(model.w0 - w0)];
  expect(Math.max(...errors)).toBeLessThan(1e-5);
  expect(maxDifference(untrained.w, w)).toBeGreaterThan(0.01);
});

/** Passes that leave everything as it is. */
function nothingOf({ numRows }: FeatureRows): PassesElsewhere {
  return { train: () => Promise.resolve({ numRows, weight: numRows, loss: 0 }), stop: () => undefined };
}

function rowOf({ ids, values, labels, indptr }: FeatureRows, r: number): ReferenceRow {
  const [from, to] = [indptr![r], indptr![r + 1]];
  return { ids: [...ids.subarray(from, to)], values: [...values!.subarray(from, to)], label: labels[r]! };
}

test("more shards learn, too, and give the same bytes each time", async () => {
  const [rows, valid] = [plantedRows(9000, "logistic", 3), plantedRows(2000, "logistic", 4)];
  const fm = options({ epochs: 40 });
  const trained = async (most: number) =>
    await trainFm({ ...inputOf(rows, valid), elsewhere: await passesOf(rows, most, fm) }, fm);
  const [here, four, again] = [await trainFm(inputOf(rows, valid), fm), await trained(4), await trained(4)];
  expect(hashOf(again)).toBe(hashOf(four));
  const lossOf = ({ epochs, bestEpoch }: FmModel) => epochs[bestEpoch - 1]!.validLoss!;
  expect(lossOf(four) - lossOf(here)).toBeLessThan(0.03);
  expect(four.epochs[0]!.validLoss! - lossOf(four)).toBeGreaterThan(0.01);
});

describe("an answer that is none ends the training", () => {
  const rows = plantedRows(300, "logistic", 8);
  const answerOf = ([frame]: Frame[], header: object, arrays: object = {}) =>
    frameOf({ ...frame!.header, ...header }, { ...frame!.arrays, ...arrays });
  const changes: Record<string, [(answers: Uint8Array[]) => Uint8Array[], RegExp, number]> = {
    "a shard is missing": [(all) => all.slice(1), /1 of 2 shards/, 74],
    nothing: [([, b]) => [new Uint8Array(), b!], /0 messages instead of one/, 74],
    "cut off": [([a, b]) => [a!.subarray(0, -4), b!], /shard 1 is damaged: a frame of/, 74],
    noise: [([a, b]) => [a!.map((x, i) => (i < 30 ? x ^ 85 : x)), b!], /shard 1 is damaged/, 74],
    twice: [([a, b]) => [a!, Buffer.concat([b!, b!])], /shard 2 is damaged: 2 messages/, 74],
    "the answer of the other shard": [([a, b]) => [b!, a!], /rows were trained on, not/, 74],
    "fewer parameters": [
      ([a, b]) => [answerOf(framesIn(a!), {}, { linear: new Float32Array(8) }), b!],
      /8 numbers of linear, not/,
      74,
    ],
    "numbers of another kind": [
      ([a, b]) => [answerOf(framesIn(a!), {}, { bias: new Uint32Array(2) }), b!],
      /numbers of bias/,
      74,
    ],
    "a parameter that is no number": [
      ([a, b]) => [answerOf(framesIn(a!), {}, { bias: Float32Array.of(NaN, 1) }), b!],
      /a parameter is not finite in epoch 1/,
      80,
    ],
    "a loss that is no number": [
      ([a, b]) => [answerOf(framesIn(a!), { loss: null }), b!],
      /loss is not finite in epoch 1/,
      80,
    ],
  };
  test.each(Object.entries(changes))("%s", async (_, [changed, message, exitCode]) => {
    const fm = options();
    const training = trainFm({ ...inputOf(rows), elsewhere: await passesOf(rows, 2, fm, changed) }, fm);
    await expect(training).rejects.toMatchObject({
      exitCode,
      message: expect.stringMatching(message) as string,
    });
  });
});

test.each([
  [{ model: "ffm" }, /trains --model fm with --method adagrad/],
  [{ model: "lr" }, /trains --model fm/],
  [{ method: "mcmc" }, /got --model fm with --method mcmc/],
  [{ init: "run" }, /--init cannot be combined with --engine-train/],
  [{ keepState: true }, /--keep-state/],
  [{ negatives: 4 }, /--negatives/],
  [{ oovDropout: 0.1 }, /--oov-dropout/],
  [{ l2Field: { user: 1 } }, /--l2-field/],
  [{ refit: true }, /--refit/],
  [{ search: 3 }, /--search/],
  [{ checkpointEvery: 1 }, /--checkpoint-every/],
  [{ resume: true }, /--resume/],
  [{ shards: undefined }, /needs --shards N/],
] as const)("what executors do not do is refused before the server is asked: %o", async (given, message) => {
  const all = { engine: "sc://localhost:1", engineTrain: true, shards: 2, ...given } as GivenFm;
  await expect(checkSharded(all)).rejects.toMatchObject({
    ...{ exitCode: 64, message: expect.stringMatching(message) as string },
  });
});

test("an interruption that keeps the best epoch stops what runs elsewhere", async () => {
  const rows = plantedRows(300, "logistic", 9);
  const fm = options({ epochs: 50 });
  const passes = await passesOf(rows, 2, fm);
  let [finish, stopped, runs] = [() => undefined as void, 0, 0];
  const elsewhere: PassesElsewhere = {
    async train(...of) {
      if (++runs === 3) finish();
      return await passes.train(...of);
    },
    stop: () => void stopped++,
  };
  const onInterrupt = (end: () => void) => ((finish = end), () => undefined);
  const model = await trainFm({ ...inputOf(rows, rows), elsewhere, controls: { onInterrupt } }, fm);
  expect(model).toMatchObject({ interrupted: true, bestEpoch: 2 });
  expect([stopped, runs]).toEqual([1, 3]);
});

test("the bundled program, as an executor starts it, trains the shards that come to it", async () => {
  const rows = plantedRows(5000, "logistic", 10);
  const fm = options({ epochs: 2 });
  const run = (messages: readonly Uint8Array[], sent: readonly Uint8Array[]): Promise<Uint8Array[]> => {
    // pieces of a few lines each, as Spark sorts them
    const lines = messages.flatMap((message, s) => {
      const bytes = Buffer.concat([message, sent[s]!]);
      const half = bytes.length >> 1;
      const program = readFileSync(new URL("./program.bundle.js", import.meta.url));
      return [program, bytes.subarray(0, half), bytes.subarray(half)].map(
        (part, number) => `${s + 5}\t${number}\t${part.toString("base64")}\n`,
      );
    });
    const { stdout, stderr } = spawnSync("sh", ["-c", COMMAND.replace("node", `'${process.execPath}'`)], {
      input: lines.join(""),
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    expect(stderr).toBe("");
    const answers = new Answers(
      "sc://test",
      messages.map((_, s) => s + 5),
      messages,
    );
    for (const line of stdout.trim().split("\n")) {
      const [shard, number, payload] = line.split("\t");
      answers.take({ shard: Number(shard), number: Number(number), payload: payload! });
    }
    return Promise.resolve(answers.all());
  };
  const here = await trainFm({ ...inputOf(rows), elsewhere: await passesOf(rows, 3, fm) }, fm);
  const there = await trainFm(
    { ...inputOf(rows), elsewhere: await passesOf(rows, 3, fm, (a) => a, run) },
    fm,
  );
  expect(hashOf(there)).toBe(hashOf(here));
});
