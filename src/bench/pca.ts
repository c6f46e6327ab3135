// `npm run bench -- pca [speed|quality|scale...]`: truncated singular value decompositions.
//
//   speed     gowalla's check-ins, 29,858 x 40,981 with 810,128 entries, 64 components on two threads, default
//             tolerance: seconds of the decomposition alone, including threads and copies, and the share of explained
//             variance. Peers: scikit-learn's TruncatedSVD (randomized, 5 and 7 iterations) and scipy's svds,
//             alternately in the same run; `EMBED_PEER_PYTHON` names a Python with both. Processor seconds are printed
//             too, because wall time includes what other programs take
//   quality   Recall@20 and NDCG@20 of the degree-normalized matrix at 64, 256 and 512 dimensions, training items
//             masked
//   scale     2,000,000 x 500,000 with 50,000,000 entries, 64 components: users in 256 groups of different sizes, items
//             by Zipf's law, seven of ten draws within the group; seconds of the decomposition alone, and peak memory
//             of the process

import { existsSync } from "node:fs";
import { join } from "node:path";
import { transpose } from "../dataset/sequences/interactions.js";
import type { SparseRows } from "../kernels/als/binding.js";
import { draw } from "../numeric/random.js";
import { columnMoments, degreeNormalized, totalVariance, type SvdMatrix } from "../solvers/svd/matrix.js";
import { truncatedSvd, type TruncatedSvd } from "../solvers/svd/truncated-svd.js";
import { projectFolder } from "../testing/places.js";
import { run } from "./ctr-logs.js";
import { add, eventsOf, evaluation, noTimes, given, type Times } from "./implicit.js";

const THREADS = 2;
const REPEATS = 3;
const peerThreads = {
  PATH: process.env["PATH"],
  ...{ OPENBLAS_NUM_THREADS: `${THREADS}`, OMP_NUM_THREADS: `${THREADS}` },
};
const folder = join(projectFolder, "..", "shared", "data", "gowalla");

export async function bench(): Promise<void> {
  const named = process.argv.slice(3);
  const wanted = (name: string) => named.length === 0 || named.includes(name);
  if (!existsSync(folder)) console.log(`speed and quality: skipped, no check-ins in ${folder}`);
  else {
    if (wanted("speed")) await timeGowalla();
    if (wanted("quality")) await evaluateGowalla();
  }
  if (wanted("scale")) await timeScale();
}

async function timeGowalla(): Promise<void> {
  const users = known(eventsOf("train").users);
  const matrix = { rows: users, columns: transpose(users, 40_981) };
  const python = process.env["EMBED_PEER_PYTHON"];
  if (!python) console.log("peers: skipped, EMBED_PEER_PYTHON names no Python that has them");
  const ours = noTimes();
  const theirs: Record<string, Times> = {};
  let svd: TruncatedSvd | undefined;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const [start, used] = [performance.now(), process.cpuUsage()];
    svd = await truncatedSvd(matrix, { dim: 64, tolerance: 0.01, seed: 1, threads: THREADS });
    const { user, system } = process.cpuUsage(used);
    add(ours, [(performance.now() - start) / 1000, (user + system) / 1e6]);
    if (!python) continue;
    const { stdout } = await run(python, ["-c", peers, join(folder, "train.csv")], {
      env: peerThreads,
    });
    for (const line of stdout.trim().split("\n")) {
      const [name, clock, processor, ratio] = line.split("\t");
      add((theirs[`${name}, variance explained ${ratio}`] ??= noTimes()), [Number(clock), Number(processor)]);
    }
  }
  console.log(
    `gowalla, 64 components: ${given(ours)}, variance explained ${explained(matrix, svd!).toFixed(5)}, ` +
      `residual ${svd!.residual.toExponential(1)}`,
  );
  for (const [name, times] of Object.entries(theirs)) console.log(`${name}: ${given(times)}`);
}

async function evaluateGowalla(): Promise<void> {
  const [train, test] = [eventsOf("train"), eventsOf("test")];
  const matrix = degreeNormalized(train.users, train.items);
  for (const dim of [64, 256, 512]) {
    const options = { dim, tolerance: 0.01, seed: 1, threads: THREADS };
    const start = performance.now();
    const svd = await truncatedSvd(matrix, options);
    const seconds = (performance.now() - start) / 1000;
    const users = svd.left.map((x, at) => x * svd.singularValues[at % dim]!);
    const items = svd.right.map((x, at) => x / (matrix.columnScale![Math.floor(at / dim)]! || 1));
    const { recallAt20, ndcgAt20 } = await evaluation({ dim, users, items }, train.users, test.users);
    console.log(
      `degree, ${dim} dimensions: Recall@20 ${recallAt20!.toFixed(4)}, NDCG@20 ${ndcgAt20!.toFixed(4)} in ${seconds.toFixed(1)} s`,
    );
  }
}

async function timeScale(): Promise<void> {
  const [numUsers, numItems, numEntries] = [2_000_000, 500_000, 50_000_000];
  const rows = zipfEvents(numUsers, numItems, numEntries);
  const matrix = { rows, columns: transpose(rows, numItems) };
  const [start, used] = [performance.now(), process.cpuUsage()];
  const svd = await truncatedSvd(matrix, { dim: 64, tolerance: 0.01, seed: 1, threads: THREADS });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(used);
  const { maxRSS } = process.resourceUsage();
  console.log(
    `${numUsers} x ${numItems} with ${rows.indices.length} entries, 64 components: ${seconds.toFixed(1)} s by the clock, ` +
      `${((user + system) / 1e6).toFixed(1)} s of processors, ` +
      `${svd.restarts} restarts, residual ${svd.residual.toExponential(1)}, singular values ${svd.singularValues[0]!.toFixed(1)} ` +
      `to ${svd.singularValues.at(-1)!.toFixed(1)}; peak memory of the process ${(maxRSS / 2 ** 20).toFixed(2)} GiB`,
  );
}

/**
 * Generates for each user a sorted list of distinct items, `numEntries` items in all lists together. Each user has at
 * least eight; the others are divided among the users at random, in very different numbers.
 */
function zipfEvents(numUsers: number, numItems: number, numEntries: number): SparseRows {
  const uniform = (key: number, counter: number): number => (draw(key, counter) + 0.5) / 2 ** 32;
  const GROUPS = 256;
  const indptr = new Uint32Array(numUsers + 1);
  const appetite = Float64Array.from({ length: numUsers }, (_, u) =>
    Math.min(40, 1 / Math.sqrt(uniform(1, u))),
  );
  const total = appetite.reduce((sum, x) => sum + x, 0);
  let carried = 0;
  for (let u = 0; u < numUsers; u++) {
    carried += (appetite[u]! * (numEntries - 8 * numUsers)) / total;
    indptr[u + 1] = Math.min(numEntries, 8 * (u + 1) + Math.floor(carried));
  }
  indptr[numUsers] = numEntries;
  const indices = new Uint32Array(numEntries);
  for (let u = 0; u < numUsers; u++) {
    const group = Math.floor(GROUPS * uniform(2, u) ** 2);
    const row = indices.subarray(indptr[u], indptr[u + 1]);
    const key = draw(3, u);
    for (let e = 0, trial = 0; e < row.length; trial++) {
      // by Zipf's law, the logarithm of the rank is uniform
      const rank = Math.floor(numItems ** uniform(key, 2 * trial)) - 1;
      const isOwn = uniform(key, 2 * trial + 1) < 0.7;
      const own = rank - (rank % GROUPS) + group;
      const item = isOwn && own < numItems ? own : rank;
      if (!row.subarray(0, e).includes(item)) row[e++] = item;
    }
    row.sort();
  }
  return { indptr, indices };
}

/** Returns the share of variance that the components explain, as defined by scikit-learn. */
function explained(matrix: SvdMatrix, { dim, left, singularValues }: TruncatedSvd): number {
  const numRows = left.length / dim;
  const variance = singularValues.reduce((sum, s, d) => {
    let mean = 0;
    for (let at = d; at < left.length; at += dim) mean += left[at]! / numRows;
    return sum + s * s * (1 / numRows - mean * mean);
  }, 0);
  return variance / totalVariance(matrix, columnMoments(matrix));
}

/** Removes row 0 and column 0, which are for unknown keys. */
export function known({ indptr, indices }: SparseRows): SparseRows {
  return { indptr: indptr.subarray(1), indices: indices.map((item) => item - 1) };
}

/** Returns the seconds of scipy's svds on gowalla's check-ins. */
export async function svdsSeconds(python: string): Promise<number> {
  const { stdout } = await run(python, ["-c", `${matrixOf}${svdsOf}`, join(folder, "train.csv")], {
    env: peerThreads,
  });
  return Number(stdout.split("\t")[1]);
}

const matrixOf = `
import sys, time, numpy as np, scipy.sparse as sp
from scipy.sparse.linalg import svds
pairs = np.loadtxt(sys.argv[1], delimiter=",", skiprows=1, dtype=np.int64)
events = sp.csr_matrix((np.ones(len(pairs), dtype=np.float32), (pairs[:, 0], pairs[:, 1])))
total = events.multiply(events).sum() / events.shape[0] - (np.asarray(events.mean(axis=0)) ** 2).sum()
`;
const svdsOf = `
start, used = time.time(), time.process_time()
u, s, vt = svds(events, 64, random_state=1)
print("scipy svds", time.time() - start, time.process_time() - used, f"{(events @ vt.T).var(axis=0).sum() / total:.5f}", sep="\\t")
`;
const peers = `${matrixOf}
from sklearn.decomposition import TruncatedSVD
for n_iter in (5, 7):
    start, used = time.time(), time.process_time()
    model = TruncatedSVD(64, n_iter=n_iter, random_state=1).fit(events)
    print(f"scikit-learn TruncatedSVD, {n_iter} iterations", time.time() - start, time.process_time() - used, f"{model.explained_variance_ratio_.sum():.5f}", sep="\\t")
${svdsOf}`;
