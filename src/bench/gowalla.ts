// `npm run bench -- gowalla [speed|loss...]`: trains on gowalla's check-ins with the split of NGCF, LightGCN and BARS:
// only user and item, 64 dimensions, all items ranked, training items masked. The options of each loss, below, were
// chosen on a subset of the training split (docs/algorithms/ranking.md says which), never on the test split.
//
// Published results on this split (BARS gowalla_m1; chosen on the test split), Recall@20 / NDCG@20:
//
//   ItemCF 0.1570 / 0.1214     MF-BPR 0.1627 / 0.1378     MF-CCL 0.1837 / 0.1493     LightGCN 0.1820 / 0.1547
//
// Peer: implicit's BPR on as many threads, pairs per second in the same run; `EMBED_PEER_PYTHON` names a Python with
// implicit.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { train as trainOnLog } from "../testing/train-by-command.js";
import { draw } from "../numeric/random.js";
import { topItems } from "../retrieval/top-items.js";
import { projectFolder } from "../testing/places.js";
import type { GivenRanking } from "../trainers/ranking/options.js";
import { median, run } from "./ctr-logs.js";

const THREADS = 2;
const folder = join(projectFolder, "..", "shared", "data", "gowalla");
const [train, test] = [join(folder, "train.csv"), join(folder, "test.csv")];

const settings: Record<string, GivenRanking> = {
  bpr: { loss: "bpr" },
  "bpr by sgd": { loss: "bpr", optimizer: "sgd" },
  "bpr of 32": { loss: "bpr", negatives: 32 },
  warp: { loss: "warp" },
  "sampled-softmax": { loss: "sampled-softmax" },
  ccl: { loss: "ccl" },
  // options that the authors of the loss chose for this data
  "ccl 0.9": { loss: "ccl", margin: 0.9, negativeWeight: 150 },
};

export async function bench(): Promise<void> {
  if (!existsSync(train)) {
    console.log(`skipped: no check-ins in ${folder}`);
    return;
  }
  const named = process.argv.slice(3);
  const wanted = (name: string) => named.length === 0 || named.includes(name);
  if (wanted("speed")) {
    await timeSearch();
    await comparePairs();
  }
  for (const [name, setting] of Object.entries(settings)) if (wanted(name)) await evaluation(name, setting);
}

/** Times the search of an evaluation: all items for all users, with random vectors. */
async function timeSearch(): Promise<void> {
  const [numUsers, numItems, dim] = [29_858, 40_981, 64];
  const vectors = (n: number, key: number) =>
    Float32Array.from({ length: n * dim }, (_, i) => draw(key, i) / 2 ** 31 - 1);
  const [queries, items] = [vectors(numUsers, 1), vectors(numItems, 2)];
  const masks = { indptr: new Uint32Array(numUsers + 1), items: new Uint32Array() };
  const seconds: number[] = [];
  for (let repeat = 0; repeat < 3; repeat++) {
    const start = performance.now();
    await topItems({ dim, queries, items, masks }, 20, THREADS);
    seconds.push((performance.now() - start) / 1000);
  }
  console.log(
    `the best 20 of ${numItems} items for ${numUsers} users, ${dim} dimensions, ${THREADS} threads: ` +
      `${median(seconds).toFixed(2)} s (${Math.min(...seconds).toFixed(2)} to ${Math.max(...seconds).toFixed(2)})`,
  );
}

/** Measures alternately the training pairs per second of embed and of the Python package implicit. */
async function comparePairs(): Promise<void> {
  const python = process.env["EMBED_PEER_PYTHON"];
  if (!python) console.log("implicit: skipped, EMBED_PEER_PYTHON names no Python that has it");
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let repeat = 0; repeat < 3; repeat++) {
    ours.push(await pairsPerSecond());
    if (python) theirs.push(await implicitPairs(python));
  }
  console.log(`bpr, 64 dimensions, ${THREADS} threads: ${millions(ours)} M pairs/s`);
  if (python) {
    console.log(
      `implicit's: ${millions(theirs)} M pairs/s; ours is ${(median(ours) / median(theirs)).toFixed(2)} of it`,
    );
  }
}

/**
 * Returns the training pairs per second of the fastest epoch, without the first, in which code is still being
 * optimized.
 */
export async function pairsPerSecond(optimizer: "adagrad" | "sgd" = "adagrad"): Promise<number> {
  const { speeds } = await trainOn({ loss: "bpr", optimizer, epochs: 12 });
  return Math.max(...speeds.slice(1));
}

export async function implicitPairs(python: string): Promise<number> {
  return Number((await run(python, ["-c", peer, train, String(THREADS)])).stdout);
}

/** Python program: prints the pairs per second of the fastest short training; 63 factors and a bias make 64. */
const peer = `
import sys, time, numpy as np, scipy.sparse as sp
from implicit.bpr import BayesianPersonalizedRanking as BPR
pairs = np.loadtxt(sys.argv[1], delimiter=",", skiprows=1, dtype=np.int64)
events = sp.csr_matrix((np.ones(len(pairs), dtype=np.float32), (pairs[:, 0], pairs[:, 1])))
best = 0
for _ in range(3):
    model = BPR(factors=63, iterations=4, num_threads=int(sys.argv[2]), random_state=1)
    start = time.time()
    model.fit(events, show_progress=False)
    best = max(best, 4 * events.nnz / (time.time() - start))
print(best)
`;

async function evaluation(name: string, setting: GivenRanking): Promise<void> {
  const { metrics, seconds, epochs } = await trainOn(setting, test);
  const { recallAt20, ndcgAt20 } = metrics["test"] as Record<string, number>;
  console.log(
    `${name}: Recall@20 ${recallAt20!.toFixed(4)}, NDCG@20 ${ndcgAt20!.toFixed(4)}, ` +
      `${epochs} epochs, ${seconds.toFixed(0)} s with reading and evaluation`,
  );
}

async function trainOn(setting: GivenRanking, held: string | number = 0) {
  const out = mkdtempSync(join(tmpdir(), "embed-gowalla-"));
  const speeds: number[] = [];
  try {
    const options = { user: "user", item: "item", split: "random", test: held, threads: THREADS } as const;
    const summary = await trainOnLog(
      "train-ranking",
      [train],
      { ...options, ...setting, out: join(out, "run") },
      {
        observe: (progress) => progress.stage === "epoch" && speeds.push(progress.rowsPerSecond),
        signal: new AbortController().signal,
      },
    );
    return { ...summary, speeds, epochs: speeds.length };
  } finally {
    rmSync(out, { recursive: true });
  }
}

function millions(speeds: number[]): string {
  const [low, middle, high] = [Math.min(...speeds), median(speeds), Math.max(...speeds)];
  return `${(middle / 1e6).toFixed(2)} (${(low / 1e6).toFixed(2)} to ${(high / 1e6).toFixed(2)})`;
}
