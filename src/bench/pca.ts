// Truncated singular value decomposition of gowalla's check-ins by scipy's svds.

import { join } from "node:path";
import type { SparseRows } from "../compute/kernels/als/binding.js";
import { run } from "./ctr-logs.js";
import { gowalla } from "./implicit.js";

const THREADS = 2;
const peerThreads = {
  PATH: process.env["PATH"],
  ...{ OPENBLAS_NUM_THREADS: `${THREADS}`, OMP_NUM_THREADS: `${THREADS}` },
};

/** Removes row 0 and column 0, which are for unknown keys. */
export function known({ indptr, indices }: SparseRows): SparseRows {
  return { indptr: indptr.subarray(1), indices: indices.map((item) => item - 1) };
}

/** Returns the seconds of scipy's svds on gowalla's check-ins. */
export async function svdsSeconds(python: string): Promise<number> {
  const { stdout } = await run(python, ["-c", peer, join(gowalla, "train.csv")], {
    env: peerThreads,
  });
  return Number(stdout);
}

const peer = `
import sys, time, numpy as np, scipy.sparse as sp
from scipy.sparse.linalg import svds
pairs = np.loadtxt(sys.argv[1], delimiter=",", skiprows=1, dtype=np.int64)
events = sp.csr_matrix((np.ones(len(pairs), dtype=np.float32), (pairs[:, 0], pairs[:, 1])))
start = time.time()
svds(events, 64, random_state=1)
print(time.time() - start)
`;
