// `npm run bench -- implicit`: implicit-feedback least squares on gowalla's check-ins (29,858 users, 40,981 items,
// 810,128 events) with 64 and 256 dimensions: time of the training alone, and Recall@20 and NDCG@20 on the test split
// over all items, training items masked. The options are the defaults, which were chosen on a tenth of the training
// split, never on the test split.
//
// Peer: implicit's AlternatingLeastSquares (conjugate gradients, 15 iterations, alpha 10, regularization 0.01) on as
// many threads, alternately in the same run. `EMBED_PEER_PYTHON` names a Python with implicit. Processor seconds are
// printed too, because wall time includes what other programs take.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { interactionsOf } from "../dataset/sequences/interactions.js";
import { namedMean, rankedByUser } from "../metrics/ranking.js";
import type { SparseRows } from "../compute/kernels/als/binding.js";
import type { StoredVectors } from "../trainers/shared/factor-model/stored-vectors.js";
import { draw } from "../base/numeric/random.js";
import { projectFolder } from "../testing/places.js";
import { alsOptionsOf, defaultUnobservedWeight } from "../trainers/als/options.js";
import { BEFORE_DATA } from "../training/session/feature-training.js";
import { trainImplicit } from "../trainers/als/train.js";
import { medianText, run } from "./ctr-logs.js";

const THREADS = 2;
const REPEATS = 3;
const [numUsers, numItems] = [29_858, 40_981];
/** Row 0 of each side is for unknown keys. */
const [user, item] = [
  { first: 0, count: numUsers + 1 },
  { first: numUsers + 1, count: numItems + 1 },
];
/** Folder with gowalla's check-ins. */
export const gowalla = join(projectFolder, "..", "shared", "data", "gowalla");

export async function bench(): Promise<void> {
  if (!existsSync(gowalla)) {
    console.log(`skipped: no check-ins in ${gowalla}`);
    return;
  }
  const python = process.env["EMBED_PEER_PYTHON"];
  if (!python) console.log("implicit: skipped, EMBED_PEER_PYTHON names no Python that has it");
  const [train, test] = [eventsOf("train"), eventsOf("test")];
  for (const dim of [64, 256]) {
    const [ours, theirs]: [Times, Times] = [noTimes(), noTimes()];
    let model: StoredVectors | undefined;
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      model = await trainOurs(dim, train, ours);
      if (python) add(theirs, await trainTheirs(python, dim));
    }
    const { recallAt20, ndcgAt20 } = await evaluation(model!, train, test);
    console.log(
      `dim ${dim}, ${alsOptionsOf({}, BEFORE_DATA).epochs} epochs, ${THREADS} threads: ${given(ours)}; ` +
        `Recall@20 ${recallAt20!.toFixed(4)}, NDCG@20 ${ndcgAt20!.toFixed(4)}`,
    );
    if (python) console.log(`dim ${dim}, implicit, 15 iterations: ${given(theirs)}`);
  }
}

export interface Times {
  clock: number[];
  processor: number[];
}

export const noTimes = (): Times => ({ clock: [], processor: [] });

export function add(times: Times, [clock, processor]: readonly [number, number]): void {
  times.clock.push(clock);
  times.processor.push(processor);
}

export function given({ clock, processor }: Times): string {
  return `${medianText(clock)} s by the clock, ${medianText(processor)} s of processors`;
}

/** Returns the events grouped by user. */
export function eventsOf(part: string): SparseRows {
  const lines = readFileSync(join(gowalla, `${part}.csv`), "utf8")
    .trimEnd()
    .split("\n")
    .slice(1);
  const ids = Uint32Array.from(
    lines.flatMap((line) => {
      const [u, i] = line.split(",");
      return [user.first + 1 + Number(u), item.first + 1 + Number(i)];
    }),
  );
  const rows = { numRows: lines.length, width: 2, ids, labels: new Float32Array() };
  return interactionsOf(rows, user, item).users;
}

export async function trainOurs(dim: number, users: SparseRows, times: Times): Promise<StoredVectors> {
  const size = { confidence: users.indices.length, numUsers, numItems };
  const unobservedWeight = defaultUnobservedWeight(size);
  const itemHashes = Uint32Array.from({ length: 2 * (numItems + 1) }, (_, i) => draw(1, i));
  const numFeatures = item.first + item.count;
  const [start, used] = [performance.now(), process.cpuUsage()];
  // the training removes the events of its input
  const { model } = await trainImplicit(
    { users: { ...users }, itemHashes, user, item, numFeatures },
    { ...alsOptionsOf({ dim, threads: THREADS }, BEFORE_DATA), unobservedWeight },
  );
  const cpu = process.cpuUsage(used);
  add(times, [(performance.now() - start) / 1000, (cpu.user + cpu.system) / 1e6]);
  return model;
}

async function evaluation(
  { dim, vectorsOf }: StoredVectors,
  train: SparseRows,
  test: SparseRows,
): Promise<Record<string, number>> {
  const listsOf = ({ indptr, indices }: SparseRows) => ({ indptr, items: indices });
  const [queries, items] = [user, item].map(({ first, count }) => vectorsOf({ first, last: first + count }));
  const input = { dim, queries: queries!, items: items!, masks: listsOf(train) };
  return Object.fromEntries(
    (await rankedByUser(input, listsOf(test), { k: 20, threads: THREADS })).map(namedMean),
  );
}

export async function trainTheirs(python: string, dim: number): Promise<[number, number]> {
  const { stdout } = await run(python, ["-c", peer, join(gowalla, "train.csv"), `${dim}`, `${THREADS}`], {
    env: { ...process.env, OPENBLAS_NUM_THREADS: "1", MKL_NUM_THREADS: "1" },
  });
  const [clock, processor] = stdout.trim().split("\n").at(-1)!.split(" ").map(Number);
  return [clock!, processor!];
}

const peer = `
import sys, time, numpy as np, scipy.sparse as sp
from implicit.als import AlternatingLeastSquares as ALS
pairs = np.loadtxt(sys.argv[1], delimiter=",", skiprows=1, dtype=np.int64)
events = sp.csr_matrix((np.ones(len(pairs), dtype=np.float32), (pairs[:, 0], pairs[:, 1])))
model = ALS(factors=int(sys.argv[2]), regularization=0.01, alpha=10, iterations=15, num_threads=int(sys.argv[3]), random_state=1)
clock, processor = time.time(), time.process_time()
model.fit(events, show_progress=False)
print(time.time() - clock, time.process_time() - processor)
`;
