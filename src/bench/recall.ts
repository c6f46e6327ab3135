// Finds the 100 best of a million items by dot product, for many queries at once, 64 dimensions, two threads. Peer:
// faiss's IndexFlatIP.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { draw } from "../base/numeric/random.js";
import { ItemSearch } from "../table/retrieval/top-items.js";
import { run } from "./ctr-logs.js";
import type { Duel } from "./duel.js";
import { timed } from "./read.js";

const [DIM, THREADS, TOP] = [64, 2, 100];
const [numItems, numQueries] = [1_000_000, 4096];

const numbers = (length: number, key: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => draw(key, i) / 2 ** 31 - 1);

/** Compares the search among a million items with faiss. @param faiss a Python with faiss */
export async function searchDuel(
  faiss: { name: string; python: string } | { missing: string },
): Promise<Duel> {
  const { search, queries, masks, work } = await million();
  return {
    rows: [
      {
        work: `the ${TOP} best of a million items of dim ${DIM}, ${numQueries} queries, two threads`,
        unit: "s",
        target: 0.7,
      },
    ],
    ours: async () => [await timed(() => search.best(0, { queries, masks, top: TOP }))],
    peer:
      "missing" in faiss
        ? faiss
        : {
            name: `${faiss.name}, IndexFlatIP`,
            figures: async () => [await faissSeconds(faiss.python, work)],
          },
    async end() {
      await search.terminate();
      rmSync(work, { recursive: true });
    },
  };
}

async function faissSeconds(python: string, work: string): Promise<number> {
  return Number((await run(python, ["-c", peer, work, ...[DIM, TOP, THREADS].map(String)])).stdout);
}

/** Generates items and queries, starts a search of them, and writes both to a folder. */
async function million() {
  const [items, queries] = [numbers(numItems * DIM, 1), numbers(numQueries * DIM, 2)];
  const work = mkdtempSync(join(tmpdir(), "embed-recall-"));
  writeFileSync(join(work, "items"), items);
  writeFileSync(join(work, "queries"), queries);
  const search = await ItemSearch.start(DIM, [{ items }], THREADS);
  const masks = { indptr: new Uint32Array(numQueries + 1), items: new Uint32Array() };
  return { search, queries, masks, work };
}

const peer = `
import sys, time, numpy as np, faiss
work, dim, top, threads = sys.argv[1], *map(int, sys.argv[2:])
faiss.omp_set_num_threads(threads)
items = np.fromfile(work + "/items", dtype=np.float32).reshape(-1, dim)
queries = np.fromfile(work + "/queries", dtype=np.float32).reshape(-1, dim)
index = faiss.IndexFlatIP(dim)
index.add(items)
start = time.perf_counter()
index.search(queries, top)
print(time.perf_counter() - start)
`;
