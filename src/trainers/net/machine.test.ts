import { netRows } from "../../testing/net-rows.js";
import { draw } from "../../kernels/reference/random.js";
import { rowsOfBatch } from "./batches.js";
import { startNet } from "./machine.js";
import { initialParameters, type NetMachine, type NetPlan } from "./plan.js";

const plan: NetPlan = {
  arch: "wide-deep",
  offsets: [0, 30, 45, 60],
  dim: 4,
  numNumeric: 1,
  hidden: [12, 8],
  activation: "relu",
  embeddingRelu: false,
  dropout: 0.25,
  numCrosses: 20,
  loss: "logistic",
  learningRate: 0.01,
  l2: 1e-3,
  embeddingLearningRate: 0.1,
  wideLearningRate: 0.1,
  wideL1: 0.01,
  wideL2: 0.1,
  seed: 1,
  batch: 16,
};
const first = initialParameters(
  plan,
  Uint32Array.from({ length: 120 }, (_, i) => draw(3, i)),
  new Uint32Array(60).fill(1),
);
const rows = netRows(plan, 100, { seed: 2, general: true });

async function withNet<R>(work: (net: NetMachine) => Promise<R>): Promise<R> {
  const net = await startNet(plan, first, { threads: 1 });
  try {
    return await work(net);
  } finally {
    await net.terminate();
  }
}

test("several epochs lower the loss, and rows given in pieces of whole batches are trained on as if given at once", async () => {
  const [whole, losses] = await withNet(async (net) => {
    const losses: number[] = [];
    for (let epoch = 1; epoch <= 20; epoch++) losses.push(await net.train(rows, { epoch, first: 0 }));
    return [net.parameters(), losses] as const;
  });
  expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
  const pieces = await withNet(async (net) => {
    for (let epoch = 1; epoch <= 20; epoch++) {
      await net.train(rowsOfBatch(rows, 0, 64), { epoch, first: 0 });
      await net.train(rowsOfBatch(rows, 64, 36), { epoch, first: 64 });
    }
    return net.parameters();
  });
  expect(pieces).toEqual(whole);
});

test("a network given back its state goes on as if it had not stopped", async () => {
  const train = async (net: NetMachine, epochs: number[]) => {
    for (const epoch of epochs) await net.train(rows, { epoch, first: 0 });
    return net;
  };
  const whole = await withNet(async (net) => (await train(net, [1, 2, 3, 4])).state());
  const half = await withNet(async (net) => (await train(net, [1, 2])).state());
  const resumed = await withNet(async (net) => {
    net.restore(half);
    return (await train(net, [3, 4])).state();
  });
  expect(resumed).toEqual(whole);
});

test("a network of loaded parameters scores as the one that they are of", async () => {
  const [parameters, scores] = await withNet(async (net) => {
    await net.train(rows, { epoch: 1, first: 0 });
    return [net.parameters(), await net.score(rows)] as const;
  });
  const loaded = await withNet(async (net) => {
    net.load(parameters);
    return net.score(rows);
  });
  // what is loaded is f32
  expect(Math.max(...loaded.map((score, r) => Math.abs(score - scores[r]!)))).toBeLessThan(1e-6);
});
