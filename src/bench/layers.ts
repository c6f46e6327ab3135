// `npm run bench -- layers`: one propagation of 64 dimensions along gowalla's check-ins, from users to items and back,
// on one and two threads. Without the check-ins, random ones of the same numbers of users, items and pairs are used.
//
// Peer: scipy's product of the same normalized CSR matrix with a dense one, alternately in the same run, on one thread.
// `EMBED_PEER_PYTHON` names a Python with scipy.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { draw } from "../numeric/random.js";
import { projectFolder } from "../testing/places.js";
import { RankingMachine } from "../trainers/ranking/machine.js";
import { median, run } from "./ctr-logs.js";

const DIM = 64;
const REPEATS = 5;
/** Number of propagations through the layers that are timed, after as many for warm-up. */
const TIMES = 20;
const log = join(projectFolder, "..", "shared", "data", "gowalla", "train.csv");

interface Pairs {
  numUsers: number;
  numItems: number;
  users: Uint32Array;
  items: Uint32Array;
}

export async function bench(): Promise<void> {
  const pairs = existsSync(log) ? checkIns() : randomPairs();
  if (!existsSync(log)) console.log(`no check-ins at ${log}: pairs are drawn`);
  const { numUsers, numItems, users } = pairs;
  console.log(`${numUsers} users, ${numItems} items, ${users.length} pairs, ${DIM} dimensions`);
  const python = process.env["EMBED_PEER_PYTHON"];
  if (!python) console.log("scipy: skipped, EMBED_PEER_PYTHON names no Python that has it");
  const work = mkdtempSync(join(tmpdir(), "embed-layers-"));
  try {
    writeFileSync(join(work, "users"), pairs.users);
    writeFileSync(join(work, "items"), pairs.items);
    const [ours, theirs]: [Record<number, number[]>, number[]] = [{ 1: [], 2: [] }, []];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      for (const threads of [1, 2]) ours[threads]!.push(await milliseconds(pairs, threads));
      if (python)
        theirs.push(
          Number(
            (await run(python, ["-c", peer, work, String(numUsers), String(numItems), String(DIM)])).stdout,
          ),
        );
    }
    for (const threads of [1, 2]) {
      const ratio = python ? `, ${(median(theirs) / median(ours[threads]!)).toFixed(2)} times scipy` : "";
      console.log(`${threads} threads: ${text(ours[threads]!)} ms${ratio}`);
    }
    if (python) console.log(`scipy: ${text(theirs)} ms`);
    console.log(`peak memory of this process: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`);
  } finally {
    rmSync(work, { recursive: true });
  }
}

function checkIns(): Pairs {
  const rows = readFileSync(log, "utf8").trimEnd().split("\n").slice(1);
  const pairs = rows.map((row) => row.split(",").map(Number) as [number, number]);
  const most = (side: 0 | 1) => pairs.reduce((high, pair) => Math.max(high, pair[side]), 0) + 1;
  return {
    numUsers: most(0),
    numItems: most(1),
    users: Uint32Array.from(pairs, ([user]) => user),
    items: Uint32Array.from(pairs, ([, item]) => item),
  };
}

/** Generates distinct pairs, user by user; the square of a uniform number makes some items frequent. */
function randomPairs(): Pairs {
  const [numUsers, numItems, perUser] = [30_000, 40_000, 27];
  const [users, items]: [number[], number[]] = [[], []];
  for (let user = 0; user < numUsers; user++) {
    const own = Array.from(
      { length: perUser },
      (_, i) => (draw(1, user * perUser + i) / 2 ** 32) ** 2 * numItems,
    );
    for (const item of new Set(own.map(Math.floor))) {
      users.push(user);
      items.push(item);
    }
  }
  return { numUsers, numItems, users: Uint32Array.from(users), items: Uint32Array.from(items) };
}

async function milliseconds({ numUsers, numItems, users, items }: Pairs, threads: number): Promise<number> {
  const numFeatures = numUsers + numItems;
  const lists = Array.from({ length: numFeatures }, (): number[] => []);
  users.forEach((user, e) => {
    lists[user]!.push(numUsers + items[e]!);
    lists[numUsers + items[e]!]!.push(user);
  });
  const ends = new Uint32Array(numFeatures + 1);
  lists.forEach((list, f) => (ends[f + 1] = ends[f]! + list.length));
  const none = { indptr: new Uint32Array(numUsers + 1), items: new Uint32Array() };
  const machine = await RankingMachine.start(
    {
      ...{ numFeatures, numItems, users, items, history: none },
      context: { width: 1, ids: users },
      templates: { width: 1, ids: Uint32Array.from({ length: numItems }, (_, i) => numUsers + i) },
      graph: { layers: 1, through: true, ends, neighbors: Uint32Array.from(lists.flat()) },
    },
    {
      ...{ dim: DIM, threads, loss: "sampled-softmax", cosine: true, method: "adam", batchSize: 256 },
      ...{
        negatives: 8,
        hardNegatives: [1, 1],
        inBatch: false,
        averages: false,
        learningRate: 0.01,
        l2Weight: 0,
        l2Vector: 0,
      },
      ...{ margin: 0, negativeWeight: 1, temperature: 0.1 },
    },
  );
  try {
    const counts = new Uint32Array(numFeatures).fill(1);
    const hashes = Uint32Array.from({ length: 2 * numFeatures }, (_, i) => draw(2, i));
    await machine.initialize(hashes, counts, { seed: 1, spread: 0.1, accumulator: 1 });
    for (let time = 0; time < TIMES; time++) await machine.propagate();
    const start = performance.now();
    for (let time = 0; time < TIMES; time++) await machine.propagate();
    return (performance.now() - start) / TIMES;
  } finally {
    await machine.terminate();
  }
}

const peer = `
import sys, time, numpy as np, scipy.sparse as sp
folder, U, I, dim = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
users, items = (np.fromfile(folder + "/" + name, dtype=np.uint32) for name in ("users", "items"))
R = sp.csr_matrix((np.ones(len(users), dtype=np.float32), (users, items)), shape=(U, I))
A = sp.bmat([[None, R], [R.T, None]], format="csr", dtype=np.float32)
d = np.asarray(A.sum(1)).ravel()
s = sp.diags(np.where(d > 0, 1 / np.sqrt(np.maximum(d, 1)), 0).astype(np.float32))
A = (s @ A @ s).tocsr().astype(np.float32)
E = np.random.default_rng(1).standard_normal((U + I, dim)).astype(np.float32)
for _ in range(3): A @ E
start = time.time()
for _ in range(${TIMES}): A @ E
print((time.time() - start) / ${TIMES} * 1000)
`;

function text(values: readonly number[]): string {
  return `${median([...values]).toFixed(1)} (${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)})`;
}
