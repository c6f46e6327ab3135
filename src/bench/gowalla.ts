// Training pairs per second of BPR on gowalla's check-ins with 64 dimensions. Peer: implicit's BPR on as many threads.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { train as trainOnLog } from "../testing/train-by-command.js";
import { run } from "./ctr-logs.js";
import { gowalla } from "./implicit.js";

const THREADS = 2;
const train = join(gowalla, "train.csv");

/**
 * Returns the training pairs per second of the fastest epoch, without the first, in which code is still being
 * optimized.
 */
export async function pairsPerSecond(optimizer: "adagrad" | "sgd" = "adagrad"): Promise<number> {
  const out = mkdtempSync(join(tmpdir(), "embed-gowalla-"));
  const speeds: number[] = [];
  try {
    const columns = { user: "user", item: "item", split: "random", test: 0 } as const;
    await trainOnLog(
      "train-ranking",
      [train],
      { ...columns, loss: "bpr", optimizer, epochs: 12, threads: THREADS, out: join(out, "run") },
      {
        observe: (progress) => progress.stage === "epoch" && speeds.push(progress.rowsPerSecond),
        signal: new AbortController().signal,
      },
    );
  } finally {
    rmSync(out, { recursive: true });
  }
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
