// `npm run bench -- index`: builds indexes of a million vectors of dimension 64 on one and two threads, and searches
// them on one.
//
//   clusters   2,000 centres, falling deviation of the coordinates, vectors of length 1; 1,000 queries of the same
//              kind, by cosine
//   lengths    a tenth as many of these vectors, with lengths e^z (z standard normal), by dot product
//
// Build times start with the vectors in memory and include the start of threads; search times are those of the second
// of two searches, without the start of threads. Recall is of the ten nearest vectors by exact search. EMBED_BENCH_ROWS
// sets another number of vectors.
//
// Peer: hnswlib with the same M, efConstruction and ef, on the same files in the same run. `EMBED_PEER_PYTHON` names a
// Python with hnswlib. Processor seconds are printed too; on a busy machine only these are comparable.

import { ascending } from "../base/numeric/indices.js";
import { encodeKeys } from "../log/keys.js";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { NO_ITEM } from "../compute/kernels/top-items/binding.js";
import { buildHnsw, buildMixed } from "../table/retrieval/hnsw/build.js";
import { levelsOf, type HnswGraph } from "../table/retrieval/hnsw/graph.js";
import { hnswChunks } from "../table/retrieval/hnsw/file.js";
import { searchGraph } from "../table/retrieval/hnsw/search.js";
import { unitRows } from "../table/retrieval/nearest.js";
import { ItemSearch } from "../table/retrieval/top-items.js";
import { mulberry32, type Random } from "../testing/random.js";
import { run } from "./ctr-logs.js";

const ROWS = Number(process.env["EMBED_BENCH_ROWS"] ?? 1_000_000);
const [DIM, QUERIES, TOP, CENTRES] = [64, 1000, 10, 2000];
const [M, EF_CONSTRUCTION] = [16, 200];
const EFS = [32, 64, 128];

export async function bench(): Promise<void> {
  const python = process.env["EMBED_PEER_PYTHON"];
  if (!python) console.log("hnswlib: skipped, EMBED_PEER_PYTHON names no Python that has it");
  const work = mkdtempSync(join(tmpdir(), "embed-index-"));
  try {
    await ofClusters(work, python);
    await ofLengths();
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function ofClusters(work: string, python: string | undefined): Promise<void> {
  const random = mulberry32(7);
  const draw = drawer(random);
  const items = unitRows(draw(ROWS), DIM);
  const queries = unitRows(draw(QUERIES), DIM);
  const exact = await exactOf(items, queries);
  console.log(`clusters: ${ROWS} vectors of ${DIM}, M ${M}, efConstruction ${EF_CONSTRUCTION}, by cosine`);
  const sums = new Set<string>();
  for (const threads of [1, 2, 3]) {
    const graph = await timed(`  ours, ${threads} threads`, () =>
      buildHnsw({ ...inputOf(items), nearness: "dot" }, { m: M, efConstruction: EF_CONSTRUCTION, threads }),
    );
    sums.add(checksumOf(graph));
    if (threads === 1) await search(graph, queries, exact);
  }
  console.log(`  ours, 1, 2 and 3 threads: ${sums.size === 1 ? "the same bytes" : "DIFFERENT BYTES"}`);
  if (!python) return;
  const files = { items, queries, exact };
  for (const [name, array] of Object.entries(files))
    writeFileSync(join(work, name), new Uint8Array(array.buffer));
  const { stdout } = await run(python, ["-c", PEER, work, ...[DIM, TOP, M, EF_CONSTRUCTION].map(String)]);
  console.log(`${stdout.trimEnd()}\n  load ${loadavg()[0]!.toFixed(1)}`);
}

async function ofLengths(): Promise<void> {
  const random = mulberry32(8);
  const draw = drawer(random);
  const items = draw(Math.ceil(ROWS / 10));
  for (let row = 0; row < items.length; row += DIM) {
    const length = Math.exp(normal(random));
    for (let d = 0; d < DIM; d++) items[row + d]! *= length;
  }
  const queries = draw(QUERIES);
  console.log(`lengths: ${items.length / DIM} vectors, by product`);
  const graph = await timed("  ours, 2 threads", () =>
    buildMixed(inputOf(items), { m: M, efConstruction: EF_CONSTRUCTION, threads: 2 }),
  );
  await search(graph, queries, await exactOf(items, queries));
}

/** Returns a function that samples vectors around random centres, which are the same for all calls. */
function drawer(random: Random): (count: number) => Float32Array {
  const centres = Float32Array.from({ length: CENTRES * DIM }, () => normal(random));
  return (count) => {
    const vectors = new Float32Array(count * DIM);
    for (let row = 0; row < count; row++) {
      const centre = Math.floor(random() * CENTRES) * DIM;
      for (let d = 0; d < DIM; d++)
        vectors[row * DIM + d] = (centres[centre + d]! + 0.8 * normal(random)) / Math.sqrt(1 + d / 4);
    }
    return vectors;
  };
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function inputOf(vectors: Float32Array) {
  const labels = ascending(vectors.length / DIM);
  return { dim: DIM, vectors, labels, ...levelsOf(encodeKeys(Array.from(labels, String)), labels, M, 1) };
}

async function exactOf(items: Float32Array, queries: Float32Array): Promise<Uint32Array> {
  const masks = { indptr: new Uint32Array(QUERIES + 1), items: new Uint32Array() };
  const search = await ItemSearch.start(DIM, [{ items }], 2);
  try {
    const start = performance.now();
    const found = await search.best(0, { queries, masks, top: TOP });
    const speed = (1000 * QUERIES) / (performance.now() - start);
    console.log(`  every vector looked at, 2 threads: ${speed.toFixed(0)} queries/s`);
    return found.items;
  } finally {
    await search.terminate();
  }
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${what}: built in ${seconds.toFixed(1)} s (processor ${((user + system) / 1e6).toFixed(1)} s)`,
  );
  return result;
}

async function search(graph: HnswGraph, queries: Float32Array, exact: Uint32Array): Promise<void> {
  for (const ef of EFS) {
    const options = { top: TOP, ef, threads: 1 };
    await searchGraph(graph, queries, options);
    const { items, seconds, numDistances } = await searchGraph(graph, queries, options);
    let hits = 0;
    for (let q = 0; q < QUERIES; q++) {
      const list = new Set(items.subarray(q * TOP, (q + 1) * TOP));
      for (const item of exact.subarray(q * TOP, (q + 1) * TOP))
        if (item !== NO_ITEM && list.has(item)) hits++;
    }
    console.log(
      `    ef ${ef}: recall@${TOP} ${(hits / exact.length).toFixed(4)}, ${(QUERIES / seconds).toFixed(0)} queries/s, ` +
        `${(numDistances / QUERIES).toFixed(0)} distances a query`,
    );
  }
}

function checksumOf(graph: HnswGraph): string {
  const hash = createHash("sha256");
  for (const chunk of hnswChunks(graph)) hash.update(chunk);
  return hash.digest("hex");
}

const PEER = `
import sys, time, hnswlib, numpy
folder, dim, top, m, ef_construction = sys.argv[1], *map(int, sys.argv[2:])
items, queries = (numpy.fromfile(f"{folder}/{name}", numpy.float32).reshape(-1, dim) for name in ["items", "queries"])
exact = numpy.fromfile(f"{folder}/exact", numpy.uint32).reshape(-1, top)
for threads in [1, 2]:
    index = hnswlib.Index(space="ip", dim=dim)
    index.init_index(max_elements=len(items), M=m, ef_construction=ef_construction, random_seed=1)
    start, processor = time.perf_counter(), time.process_time()
    index.add_items(items, num_threads=threads)
    print(f"  hnswlib, {threads} threads: built in {time.perf_counter() - start:.1f} s (processor {time.process_time() - processor:.1f} s)")
    for ef in [32, 64, 128] if threads == 1 else []:
        index.set_ef(ef)
        index.knn_query(queries, k=top, num_threads=1)
        start = time.perf_counter()
        found, _ = index.knn_query(queries, k=top, num_threads=1)
        seconds = time.perf_counter() - start
        hits = sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), exact.tolist()))
        print(f"    ef {ef}: recall@{top} {hits / exact.size:.4f}, {len(queries) / seconds:.0f} queries/s")
`;
