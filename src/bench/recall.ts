// `npm run bench -- recall`: finds the 100 best of a million items by dot product, for many queries at once, 64
// dimensions, two threads. If the log exists, it also compares the whole `embed recall` on gowalla with the search of
// the same vectors alone.
//
// Peer: faiss's IndexFlatIP, alternately in the same run; `EMBED_PEER_PYTHON` names a Python with faiss.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRun } from "../embedding/run-directory.js";
import { rowsOf } from "../embedding/table.js";
import { draw } from "../numeric/random.js";
import { ItemSearch } from "../retrieval/top-items.js";
import { projectFolder } from "../testing/places.js";
import { median, run } from "./ctr-logs.js";
import type { Duel } from "./duel.js";
import { timed } from "./read.js";

const [DIM, THREADS, REPEATS, TOP] = [64, 2, 5, 100];
const [numItems, numQueries] = [1_000_000, 4096];
const GOWALLA = join(projectFolder, "../shared/data/gowalla/train.csv");

export async function bench(): Promise<void> {
  await ofMillion();
  if (existsSync(GOWALLA)) await wholeJob();
  else console.log("the whole job: skipped, there is no gowalla log beside the project");
}

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

async function ofMillion(): Promise<void> {
  const python = process.env["EMBED_PEER_PYTHON"];
  if (!python) console.log("faiss: skipped, EMBED_PEER_PYTHON names no Python that has it");
  const { search, queries, masks, work } = await million();
  try {
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      ours.push(await timed(() => search.best(0, { queries, masks, top: TOP })));
      if (python) theirs.push(await faissSeconds(python, work));
    }
    await search.terminate();
    const gflops = (2 * numItems * numQueries * DIM) / median(ours) / 1e9;
    const beside = python
      ? `; faiss ${median(theirs).toFixed(2)} s, ours ${(median(ours) / median(theirs)).toFixed(2)} times as long`
      : "";
    console.log(
      `best ${TOP} of ${numItems} x ${DIM}, ${numQueries} queries: ${median(ours).toFixed(2)} s (${gflops.toFixed(0)} GFLOP/s)${beside}`,
    );
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Trains, and compares `embed recall` for lists of 20 with the search of its vectors alone. */
async function wholeJob(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "embed-recall-"));
  const program = join(projectFolder, "bin/embed.js");
  const embed = async (...args: string[]) => await run(process.execPath, [program, ...args, "--quiet"]);
  try {
    const path = join(work, "run");
    await embed(
      "train-als",
      GOWALLA,
      "--user",
      "user",
      "--item",
      "item",
      "--dim",
      String(DIM),
      "--epochs",
      "1",
      "-o",
      path,
    );
    const table = await (await openRun(path)).readTable();
    const of = (field: string) => {
      const { first, last } = rowsOf(table, field);
      return table.vectors.slice(first * DIM, last * DIM);
    };
    const [items, queries] = [of("item"), of("user")];
    const masks = { indptr: new Uint32Array(queries.length / DIM + 1), items: new Uint32Array() };
    const search = await ItemSearch.start(DIM, [{ items }], THREADS);
    const [whole, bare]: [number[], number[]] = [[], []];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      let start = performance.now();
      await search.best(0, { queries, masks, top: 20 });
      bare.push((performance.now() - start) / 1000);
      start = performance.now();
      await embed(
        "recall",
        path,
        "--k",
        "20",
        "--threads",
        String(THREADS),
        "-o",
        join(work, "lists.csv"),
        "--force",
      );
      whole.push((performance.now() - start) / 1000);
    }
    await search.terminate();
    console.log(
      `gowalla, ${queries.length / DIM} users x ${items.length / DIM} items, lists of 20: the whole job ${median(whole).toFixed(2)} s, ` +
        `the bare search ${median(bare).toFixed(2)} s, ${(median(whole) / median(bare)).toFixed(2)} times`,
    );
  } finally {
    rmSync(work, { recursive: true });
  }
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
