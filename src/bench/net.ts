// `npm run bench -- net`: a training step of networks on embeddings, 16 fields of dim 16, hidden layers 256 and 128,
// batches of 1,024 rows.
//
// It isolates the step: rows are in memory as feature ids, and reading is not timed. It first checks that one and two
// threads give the same bytes, and that the loss of a step equals the reference's to 1e-5. Processor time is printed
// too, because wall time is longer on a busy machine. Peer: torch on as many threads if `EMBED_PEER_PYTHON` names a
// Python with torch, else only the step's matrix products in numpy, on one thread.
//
// Target: 18 ms on one thread, 11 ms on two.

import { createHash } from "node:crypto";
import type { NetArch, NetInputs } from "../compute/kernels/net/shape.js";
import { referenceNet, referenceNetStep } from "../compute/kernels/net/net.reference.js";
import { draw } from "../base/numeric/random.js";
import { mulberry32 } from "../testing/random.js";
import { rowsOfBatch } from "../trainers/net/rows.js";
import { startNet } from "../trainers/net/machine.js";
import { initialParameters, type NetMachine, type NetDesign } from "../trainers/net/plan.js";
import { medianText, run } from "./ctr-logs.js";
import { add, noTimes, type Times } from "./implicit.js";

const REPEATS = 7;
export const STEPS = 20;
const NUM_FIELDS = 16;
const KEYS = 10_000;

export async function bench(): Promise<void> {
  for (const arch of ["fnn", "wide-deep", "deep-crossing"] as const) {
    const plan = planOf(arch);
    const rows = rowsOf(plan);
    await checkReference(plan, rows);
    await timeSteps(plan, rows);
  }
  await timePeer();
}

export function planOf(arch: NetArch): NetDesign {
  return {
    arch,
    offsets: Uint32Array.from({ length: NUM_FIELDS + 1 }, (_, f) => f * KEYS),
    dim: 16,
    numNumeric: 0,
    hidden: [256, 128],
    activation: "relu",
    embeddingRelu: false,
    dropout: 0,
    numCrosses: 0,
    loss: "logistic",
    learningRate: 0.001,
    l2: 1e-5,
    embeddingLearningRate: 0.05,
    embeddingL2: 0,
    clipNorm: 0,
    learningRateDecay: 1,
    layerNorm: false,
    wideLearningRate: 0.1,
    wideL1: 0,
    wideL2: 0,
    seed: 1,
    batch: 1024,
  };
}

/** Generates rows with falling frequencies of keys: the cube of a uniform draw. */
export function rowsOf({ batch }: NetDesign): NetInputs {
  const random = mulberry32(1);
  const numRows = batch * STEPS;
  return {
    numRows,
    width: NUM_FIELDS,
    ids: Uint32Array.from(
      { length: numRows * NUM_FIELDS },
      (_, i) => (i % NUM_FIELDS) * KEYS + Math.floor(KEYS * random() ** 3),
    ),
    labels: Float32Array.from({ length: numRows }, () => Number(random() < 0.2)),
  };
}

export function firstOf(plan: NetDesign): Record<string, Float32Array> {
  const n = NUM_FIELDS * KEYS;
  const hashes = Uint32Array.from({ length: 2 * n }, (_, i) => draw(3, i));
  return initialParameters(plan, hashes, new Uint32Array(n).fill(1));
}

/** Checks the losses of two steps against those of the reference. @throws {Error} a loss differs */
async function checkReference(plan: NetDesign, rows: NetInputs): Promise<void> {
  const small = { ...plan, batch: 64 };
  const twin = referenceNet(small, small, firstOf(small));
  const net = await startNet(small, firstOf(small), { threads: 2 });
  try {
    for (const from of [0, 64]) {
      const batch = rowsOfBatch(rows, from, 64);
      const expected = referenceNetStep(twin, batch, { epoch: 1, first: from });
      const got = await net.train(batch, { epoch: 1, first: from });
      if (!(Math.abs(got - expected) < 1e-5 * expected))
        throw new Error(`${plan.arch}: loss ${got}, not ${expected}`);
    }
  } finally {
    await net.terminate();
  }
}

/** Times steps of the network with one and with two threads, alternately. */
async function timeSteps(plan: NetDesign, rows: NetInputs): Promise<void> {
  const threads = [1, 2];
  const nets = await Promise.all(threads.map((n) => startNet(plan, firstOf(plan), { threads: n })));
  const times = threads.map(noTimes);
  try {
    // warm-up: the engine compiles the kernels during the first steps
    for (const net of nets) await net.train(rows, { epoch: 1, first: 0 });
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      for (const [i, net] of nets.entries()) {
        const [start, used] = [performance.now(), process.cpuUsage()];
        await net.train(rows, { epoch: 2 + repeat, first: 0 });
        const { user, system } = process.cpuUsage(used);
        add(times[i]!, [(performance.now() - start) / STEPS, (user + system) / 1000 / STEPS]);
      }
    }
    if (new Set(nets.map(digest)).size !== 1)
      throw new Error("one and two threads differ: the times mean nothing");
  } finally {
    for (const net of nets) await net.terminate();
  }
  times.forEach((each, i) => console.log(`${plan.arch}, ${threads[i]} thread(s): ${given(each)}`));
}

function digest(net: NetMachine): string {
  const hash = createHash("sha256");
  for (const [name, { buffer }] of Object.entries(net.state()))
    hash.update(name).update(new Uint8Array(buffer));
  return hash.digest("hex");
}

function given({ clock, processor }: Times): string {
  return `${medianText(clock, 1)} ms a step by the clock, ${medianText(processor, 1)} ms of processors`;
}

async function timePeer(): Promise<void> {
  const python = process.env["EMBED_PEER_PYTHON"];
  if (!python) {
    console.log("peer: skipped, EMBED_PEER_PYTHON names no Python with torch or numpy");
    return;
  }
  console.log((await run(python, ["-c", peer], { env: peerThreads })).stdout.trimEnd());
}

const peerThreads = {
  ...process.env,
  ...{ OPENBLAS_NUM_THREADS: "1", MKL_NUM_THREADS: "1", OMP_NUM_THREADS: "2" },
};

/** Returns the milliseconds that numpy takes for the matrix products of a step, on one thread. */
export async function productsMilliseconds(python: string): Promise<number> {
  const { stdout } = await run(python, ["-c", `${preamble}\n${products}`], { env: peerThreads });
  return Number(/: ([\d.]+) \(/.exec(stdout)![1]);
}

const preamble = `
import time, statistics
import numpy as np
def reported(name, step):
  for _ in range(10): step()
  clock, processor = [], []
  for _ in range(${REPEATS}):
    c, p = time.perf_counter(), time.process_time()
    for _ in range(${STEPS}): step()
    clock.append((time.perf_counter() - c) * 1000 / ${STEPS}); processor.append((time.process_time() - p) * 1000 / ${STEPS})
  print(f"{name}: {statistics.median(clock):.2f} ({min(clock):.2f} to {max(clock):.2f}) ms a step by the clock, {statistics.median(processor):.1f} of processors")
rng = np.random.default_rng(1)
`;
const products = `
sizes = [(256, 256), (256, 128), (128, 1)]
x = [rng.standard_normal((1024, i), dtype=np.float32) for i, _ in sizes]
w = [rng.standard_normal(s, dtype=np.float32) for s in sizes]
d = [rng.standard_normal((1024, o), dtype=np.float32) for _, o in sizes]
def products():
  for l in range(3): x[l] @ w[l]; d[l] @ w[l].T; x[l].T @ d[l]
reported("numpy, matrix products alone, 1 thread", products)
`;
const peer = `${preamble}
try:
  import torch
except ImportError:
  ${products.trim().replaceAll("\n", "\n  ")}
else:
  for threads in (1, 2):
    torch.set_num_threads(threads)
    table = torch.nn.Embedding(${NUM_FIELDS * KEYS}, 16, sparse=True)
    layers = torch.nn.Sequential(torch.nn.Linear(256, 256), torch.nn.ReLU(), torch.nn.Linear(256, 128), torch.nn.ReLU(), torch.nn.Linear(128, 1))
    dense = torch.optim.Adam(layers.parameters(), lr=0.001)
    sparse = torch.optim.Adagrad(table.parameters(), lr=0.05)
    ids = torch.from_numpy((${KEYS} * rng.random((1024, ${NUM_FIELDS})) ** 3).astype(np.int64) + ${KEYS} * np.arange(${NUM_FIELDS}))
    labels = torch.from_numpy((rng.random(1024) < 0.2).astype(np.float32))
    def step():
      dense.zero_grad(); sparse.zero_grad()
      loss = torch.nn.functional.binary_cross_entropy_with_logits(layers(table(ids).view(1024, 256)).squeeze(1), labels)
      loss.backward(); dense.step(); sparse.step()
    reported(f"torch {torch.__version__}, deep part, {threads} thread(s)", step)
`;
