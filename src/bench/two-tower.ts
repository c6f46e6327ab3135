// `npm run bench -- two-tower`: examples per second in one epoch of two towers: histories of up to 50 items, 64
// dimensions, a tower of 256,128, 1,024 shared negatives, batches of 2,048, Adam, two threads, on random events.
//
// Peer: PyTorch with the same network, examples and threads, alternately in the same run; `EMBED_PEER_PYTHON` names a
// Python with torch. Its embeddings are sparse and updated by SparseAdam, its layers by Adam.

import { ascending } from "../base/numeric/indices.js";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { draw } from "../base/numeric/random.js";
import { TowersMachine } from "../trainers/two-tower/machine.js";
import { firstLayers, networkOf } from "../trainers/two-tower/network.js";
import { median, run } from "./ctr-logs.js";

const [DIM, REPEATS, THREADS] = [64, 3, 2];
const [numItems, numExamples, longest] = [40_000, 204_800, 50];
const hidden = [256, 128];

export async function bench(): Promise<void> {
  console.log(`${numExamples} examples, ${numItems} items, ${DIM} dimensions, ${THREADS} threads`);
  const python = process.env["EMBED_PEER_PYTHON"];
  if (!python) console.log("PyTorch: skipped, EMBED_PEER_PYTHON names no Python that has it");
  const tokens = Uint32Array.from({ length: numExamples + longest }, (_, i) =>
    Math.floor((draw(1, i) / 2 ** 32) ** 2 * numItems),
  );
  const lengths = Uint32Array.from({ length: numExamples }, (_, e) => 1 + (draw(2, e) % longest));
  const work = mkdtempSync(join(tmpdir(), "embed-two-tower-"));
  try {
    writeFileSync(join(work, "tokens"), tokens);
    writeFileSync(join(work, "lengths"), lengths);
    for (const tower of [[], hidden]) {
      const [ours, theirs]: [number[], number[]] = [[], []];
      for (let repeat = 0; repeat < REPEATS; repeat++) {
        ours.push(await perSecond(tokens, lengths, tower));
        if (!python) continue;
        const args = [work, numItems, DIM, tower.join(","), THREADS].map(String);
        theirs.push(Number((await run(python, ["-c", peer, ...args])).stdout));
      }
      const name = tower.length === 0 ? "no tower" : `tower ${tower.join(",")}`;
      const ratio = python
        ? `, ${(median(ours) / median(theirs)).toFixed(2)} times PyTorch's ${text(theirs)}`
        : "";
      console.log(`${name}: ${text(ours)} examples/s${ratio}`);
    }
    console.log(`peak memory of this process: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`);
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function perSecond(
  tokens: Uint32Array,
  lengths: Uint32Array,
  tower: readonly number[],
): Promise<number> {
  const shape = networkOf(
    {
      ...{
        dim: DIM,
        similarity: "cosine",
        userTower: tower,
        skipConnection: false,
        itemTower: [],
        dropout: 0,
      },
      history: { of: "before", most: longest },
    },
    { user: 1, item: 0 },
  );
  const begins = ascending(numExamples);
  const firstHistoryRow = tower.length > 0 ? numItems : 0;
  const numRows = firstHistoryRow + numItems;
  const machine = await TowersMachine.start(
    {
      ...{ numRows, numItems, firstHistoryRow },
      histories: [{ tokens, begins, ends: begins.map((begin, e) => begin + lengths[e]!) }],
      context: { width: 0, ids: new Uint32Array(), rowEnds: Uint32Array.of(numRows) },
      users: new Uint32Array(numExamples).fill(1),
      items: Uint32Array.from({ length: numExamples }, (_, e) => tokens[e + lengths[e]!]!),
      taken: { indptr: new Uint32Array(1), items: new Uint32Array() },
    },
    shape,
    {
      ...{ threads: THREADS, seed: 1, batchSize: 2048, negatives: 1024, inBatch: false, negativeWeight: 1 },
      ...{ temperature: 0.1, l2: 0, dropout: 0 },
    },
  );
  try {
    const vectors = Float32Array.from({ length: numRows * DIM }, (_, i) => (draw(3, i) / 2 ** 32 - 0.5) / 10);
    machine.load({ vectors, ...firstLayers(shape, 1) });
    const began = performance.now();
    await machine.train({ key: 1, negativeKey: 2, epoch: 1 }, () => 0.01);
    return numExamples / ((performance.now() - began) / 1000);
  } finally {
    await machine.terminate();
  }
}

const text = (values: readonly number[]) =>
  `${median(values).toFixed(0)} (${values.map((value) => value.toFixed(0)).join(", ")})`;

const peer = `
import sys, time
import numpy as np, torch
work, items, dim, tower, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
torch.set_num_threads(threads)
torch.manual_seed(1)
tokens = torch.from_numpy(np.fromfile(work + "/tokens", dtype=np.uint32).astype(np.int64))
lengths = torch.from_numpy(np.fromfile(work + "/lengths", dtype=np.uint32).astype(np.int64))
n = len(lengths)
hidden = [int(x) for x in tower.split(",")] if tower else []
out = torch.nn.Embedding(items, dim, sparse=True)
rows = torch.nn.EmbeddingBag(items, dim, mode="mean", sparse=True)
if not hidden: rows.weight = out.weight
layers, width = [], dim
for units in hidden:
    layers += [torch.nn.Linear(width, units), torch.nn.ReLU()]
    width = units
net = torch.nn.Sequential(*layers, *([torch.nn.Linear(width, dim)] if hidden else []))
tables = [out.weight] + ([rows.weight] if hidden else [])
steps = [torch.optim.SparseAdam(tables, lr=0.01)] + ([torch.optim.Adam(net.parameters(), lr=0.01)] if hidden else [])
order = torch.randperm(n)
began = time.time()
for at in range(0, n, 2048):
    batch = order[at : at + 2048]
    own = lengths[batch]
    ends = torch.cumsum(own, 0)
    starts = ends - own
    flat = torch.arange(int(ends[-1])) - torch.repeat_interleave(starts, own) + torch.repeat_interleave(batch, own)
    user = net(rows(tokens[flat], starts))
    target = tokens[batch + own]
    negative = torch.randint(items, (1024,))
    u = torch.nn.functional.normalize(user, dim=1)
    p = torch.nn.functional.normalize(out(target), dim=1)
    q = torch.nn.functional.normalize(out(negative), dim=1)
    s = (u * p).sum(1, keepdim=True) / 0.1
    z = (u @ q.T) / 0.1
    z = z.masked_fill(target[:, None] == negative[None, :], -1e30)
    loss = (torch.logsumexp(z, 1) - s[:, 0]).sum()
    for step in steps: step.zero_grad()
    loss.backward()
    for step in steps: step.step()
print(n / (time.time() - began))
`;
