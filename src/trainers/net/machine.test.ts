import type { NetArch, NetInputs } from "../../compute/kernels/net/shape.js";
import {
  referenceHidden,
  referenceNet,
  referenceNetScores,
  referenceNetStep,
  referenceValues,
} from "../../compute/kernels/net/net.reference.js";
import { draw } from "../../base/numeric/random.js";
import { netRows } from "../../testing/net-rows.js";
import { between, mulberry32 } from "../../testing/random.js";
import type { NamedArrays } from "../../training/epochs/named-arrays.js";
import { bytesOfNet, checkMemory, startNet } from "./machine.js";
import { rowsOfBatch } from "./rows.js";
import { initialParameters, type NetMachine, type NetDesign } from "./plan.js";

function planOf(arch: NetArch, more: Partial<NetDesign> = {}): NetDesign {
  return {
    arch,
    offsets: [0, 30, 45, 60],
    dim: 4,
    numNumeric: 1,
    hidden: [12, 8],
    activation: arch === "fnn" ? "tanh" : "relu",
    embeddingRelu: false,
    dropout: 0,
    layerNorm: false,
    numCrosses: arch === "wide-deep" ? 20 : 0,
    loss: "logistic",
    learningRate: 0.01,
    l2: 1e-3,
    embeddingLearningRate: 0.1,
    embeddingL2: 0,
    clipNorm: 0,
    learningRateDecay: 1,
    wideLearningRate: 0.1,
    wideL1: 0.01,
    wideL2: 0.1,
    seed: 1,
    batch: 16,
    ...more,
  };
}

/** Initial parameters whose bias w0 and wide part are not 0, as if they were initialized from a table. */
function firstOf(plan: NetDesign): Record<string, Float32Array> {
  const n = plan.offsets[plan.offsets.length - 1]!;
  const hashes = Uint32Array.from({ length: 2 * n }, (_, i) => draw(3, i));
  const first = initialParameters(plan, hashes, new Uint32Array(n).fill(1));
  const random = mulberry32(8);
  for (const name of ["embeddings", "w0", "wide"])
    first[name]?.forEach((_, i) => (first[name]![i] = between(-0.4, 0.4, random)));
  for (const name in first) {
    const from = name.endsWith(".scale") ? 0.5 : name.endsWith(".shift") ? -0.5 : undefined;
    if (from !== undefined)
      first[name]!.forEach((_, i) => (first[name]![i] = between(from, from + 1, random)));
  }
  return first;
}

async function withNet<R>(
  plan: NetDesign,
  threads: number,
  work: (net: NetMachine) => Promise<R>,
  first: NamedArrays = firstOf(plan),
): Promise<R> {
  const net = await startNet(plan, first, { threads });
  try {
    return await work(net);
  } finally {
    await net.terminate();
  }
}

async function trained(plan: NetDesign, threads: number, rows: NetInputs, epochs: readonly number[]) {
  return withNet(plan, threads, async (net) => {
    const losses: number[] = [];
    for (const epoch of epochs) losses.push(await net.train(rows, { epoch, first: 5 }));
    return { losses, state: net.state(), scores: await net.score(rows) };
  });
}

const asDoubles = (parameters: Record<string, Float32Array>) =>
  Object.fromEntries(Object.entries(parameters).map(([name, values]) => [name, Float64Array.from(values)]));

const maxDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (value, i) => Math.abs(value - b[i]!)).reduce((x, y) => Math.max(x, y), 0);

const plans = [
  ["fnn", planOf("fnn")],
  ["fnn of width 13 with ReLU", planOf("fnn", { dim: 12, activation: "relu", hidden: [40, 24] })],
  ["fnn with dropout", planOf("fnn", { dropout: 0.4 })],
  ["fnn without hidden layers", planOf("fnn", { hidden: [] })],
  ["fnn with a frozen table", planOf("fnn", { embeddingLearningRate: 0 })],
  ["wide-deep", planOf("wide-deep")],
  [
    "wide-deep of dim 6, no numbers, the squared loss",
    planOf("wide-deep", { dim: 6, numNumeric: 0, loss: "squared" }),
  ],
  ["wide-deep with dropout", planOf("wide-deep", { dropout: 0.25, hidden: [30, 20, 10] })],
  ["deep-crossing", planOf("deep-crossing")],
  ["deep-crossing with a ReLU on embeddings", planOf("deep-crossing", { embeddingRelu: true, dim: 8 })],
  [
    "fnn with layer normalization and L2 of the embeddings",
    planOf("fnn", { layerNorm: true, embeddingL2: 0.01 }),
  ],
  [
    "fnn with a frozen table, clipped",
    planOf("fnn", { embeddingLearningRate: 0, clipNorm: 0.05, layerNorm: true }),
  ],
  ["fnn clipped, with learning rates that decay", planOf("fnn", { clipNorm: 0.1, learningRateDecay: 0.5 })],
  [
    "wide-deep with layer normalization of 30 and 9 units, dropout, L2 and clipping",
    planOf("wide-deep", {
      layerNorm: true,
      dropout: 0.25,
      hidden: [30, 9],
      embeddingL2: 0.02,
      clipNorm: 0.1,
    }),
  ],
  [
    "deep-crossing with layer normalization, clipped",
    planOf("deep-crossing", { layerNorm: true, clipNorm: 0.2, learningRateDecay: 0.9 }),
  ],
  [
    "wide-deep with penalties by key, in part large ones",
    planOf("wide-deep", { dim: 6, keyPenalties: Float32Array.from({ length: 60 }, (_, i) => (i % 3) * i) }),
  ],
  ["deep-crossing with dropout, in one batch", planOf("deep-crossing", { dropout: 0.3, batch: 200 })],
] as const;

describe.each(plans)("%s", (_, plan) => {
  test.each([
    ["one feature a field", false],
    ["none to two features a field, with values and row weights", true],
  ])(
    "three epochs agree with the reference to 2e-5 in losses, scores and parameters: %s",
    async (_, general) => {
      const rows = netRows(plan, 100, { seed: 2, general });
      const twin = referenceNet(plan, { ...plan }, firstOf(plan));
      const epochs = [1, 2, 3];
      const losses = epochs.map((epoch) => {
        let loss = 0;
        const share = plan.learningRateDecay ** (epoch - 1);
        for (const rate of ["learningRate", "embeddingLearningRate"] as const)
          twin.learning[rate] = share * plan[rate];
        for (let from = 0; from < 100; from += plan.batch) {
          const batch = rowsOfBatch(rows, from, Math.min(plan.batch, 100 - from));
          loss += referenceNetStep(twin, batch, { epoch, first: 5 + from });
        }
        return loss;
      });
      const got = await trained(plan, 2, rows, epochs);
      const values = referenceValues(twin);
      expect(maxDifference(got.losses, losses) / losses[0]!).toBeLessThan(2e-5);
      expect(maxDifference(got.scores, referenceNetScores(plan, values, rows))).toBeLessThan(2e-5);
      const errors = Object.keys(values).map((name) =>
        maxDifference(got.state[name] as Float32Array, values[name]!),
      );
      expect(Math.max(...errors)).toBeLessThan(2e-5);
    },
  );
});

test.each(plans.filter(([name]) => !name.includes("without")))(
  "one, two and three threads give the same bytes: %s",
  async (_, plan) => {
    const rows = netRows(plan, 300, { seed: 4, general: true });
    const wide = { ...plan, hidden: [40, 24], batch: 128 };
    const one = await trained(wide, 1, rows, [1, 2]);
    expect(await trained(wide, 2, rows, [1, 2])).toEqual(one);
    expect(await trained(wide, 3, rows, [1, 2])).toEqual(one);
  },
);

const plan = planOf("wide-deep", { dropout: 0.25, layerNorm: true, learningRateDecay: 0.95, clipNorm: 0.3 });
const rows = netRows(plan, 100, { seed: 2, general: true });

test("rows given in pieces of whole batches are trained on as if given at once, and the loss falls", async () => {
  const [whole, losses] = await withNet(plan, 2, async (net) => {
    const losses: number[] = [];
    for (let epoch = 1; epoch <= 20; epoch++) losses.push(await net.train(rows, { epoch, first: 0 }));
    return [net.parameters(), losses] as const;
  });
  expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
  const pieces = await withNet(plan, 2, async (net) => {
    for (let epoch = 1; epoch <= 20; epoch++) {
      await net.train(rowsOfBatch(rows, 0, 64), { epoch, first: 0 });
      await net.train(rowsOfBatch(rows, 64, 36), { epoch, first: 64 });
    }
    return net.parameters();
  });
  expect(pieces).toEqual(whole);
});

test("a network given back its state goes on as if it had not stopped", async () => {
  const whole = await trained(plan, 1, rows, [1, 2, 3, 4]);
  const half = await trained(plan, 1, rows, [1, 2]);
  const resumed = await withNet(plan, 2, async (net) => {
    net.restore(half.state);
    for (const epoch of [3, 4]) await net.train(rows, { epoch, first: 5 });
    return net.state();
  });
  expect(resumed).toEqual(whole.state);
});

test("a network that only scores gives the scores of the one that its parameters are of", async () => {
  const { state, scores } = await trained(plan, 1, rows, [1]);
  const scorer = await startNet(plan, state, { threads: 2, trains: false });
  try {
    expect(await scorer.score(rows)).toEqual(scores);
    // Expects that rows after the first chunk have the scores that they have when scored alone.
    const many = netRows(plan, 1500, { seed: 9, general: false });
    const all = await scorer.score(many);
    const part = await scorer.score(rowsOfBatch(many, 700, 9));
    expect(part).toEqual(all.subarray(700, 709));
  } finally {
    await scorer.terminate();
  }
});

test.each([
  ["fnn", planOf("fnn", { dim: 6, machine: true })],
  ["wide-deep", planOf("wide-deep", { dim: 5, machine: true })],
])("a network with a machine's score scores as the reference to 1e-5: %s", async (_, plan) => {
  const first = firstOf(plan);
  for (const general of [false, true]) {
    const rows = netRows(plan, 700, { seed: 6, general });
    const scorer = await startNet(plan, first, { threads: 2, trains: false });
    try {
      const expected = referenceNetScores(plan, asDoubles(first), rows);
      expect(maxDifference(await scorer.score(rows), expected)).toBeLessThan(1e-5);
      const without = referenceNetScores({ ...plan, machine: false }, asDoubles(first), rows);
      expect(maxDifference(without, expected)).toBeGreaterThan(0.5);
    } finally {
      await scorer.terminate();
    }
  }
  await expect(startNet(plan, first, { threads: 1 })).rejects.toThrow(/only scores/);
});

test.each(plans)(
  "what the last layer reads agrees with the reference, and comes with the scores: %s",
  async (_, plan) => {
    const rows = netRows(plan, 700, { seed: 6, general: true });
    const [got, scores] = await withNet(plan, 1, async (net) => [
      await net.encode(rows),
      await net.score(rows),
    ]);
    const expected = referenceHidden(plan, asDoubles(firstOf(plan)), rows);
    expect(
      maxDifference(
        got.hidden,
        expected.flatMap((row) => [...row]),
      ),
    ).toBeLessThan(1e-5);
    expect(got.scores).toEqual(scores);
    expect(await withNet(plan, 3, (net) => net.encode(rows))).toEqual(got);
  },
);

test("tanh is within 2e-7 of what it is, from one end to the other", async () => {
  const one = planOf("fnn", { hidden: [1] });
  const first: NamedArrays = Object.fromEntries(
    Object.entries(firstOf(one)).map(([name, values]) => [name, new Float32Array(values.length)]),
  );
  // a network whose score is the tanh of its numeric input
  (first["layers.0.weight"] as Float32Array).set([1], first["layers.0.weight"]!.length - 1);
  (first["output.weight"] as Float32Array)[0] = 1;
  const numRows = 20_000;
  const numeric = Float32Array.from({ length: numRows }, (_, i) => (12 * (2 * i - numRows)) / numRows);
  const rows = { ...netRows(one, numRows, { seed: 2, general: false }), numeric };
  const scores = await withNet(one, 1, (net) => net.score(rows), first);
  expect(maxDifference(scores, numeric.map(Math.tanh))).toBeLessThan(2e-7);
  expect(Array.from(numeric, (x, i) => Math.sign(x) === Math.sign(scores[i]!))).not.toContain(false);
});

test("a network that does not fit 4 GiB is refused with what it needs and the flags that shrink it, before any of it is made", () => {
  const large = planOf("wide-deep", { offsets: [0, 40_000_000], dim: 16 });
  expect(() => checkMemory(large, { trains: true })).toThrow(
    /40,000,000 features of dim 16, .* needs 5\.[0-9] GiB of memory, the limit is 4 GiB: .*--dim.*--min-count/,
  );
  // The network must fit into memory if its embeddings are frozen, since it then needs no sums of AdaGrad.
  expect(() => checkMemory({ ...large, embeddingLearningRate: 0 }, { trains: true })).not.toThrow();
});

test("the memory foreseen is what the table, the layers and a batch take", () => {
  const more = planOf("deep-crossing", {
    offsets: [0, 1000],
    dim: 8,
    numNumeric: 0,
    hidden: [16],
    batch: 32,
  });
  const less = { ...more, offsets: [0, 999] };
  // an additional feature needs memory for its vector, for AdaGrad's sums, and for a u32 of the array `slots`
  expect(bytesOfNet(more, { trains: true }) - bytesOfNet(less, { trains: true })).toBe(2 * 8 * 4 + 4);
  expect(bytesOfNet(more, { trains: false }) - bytesOfNet(less, { trains: false })).toBe(8 * 4);
});
