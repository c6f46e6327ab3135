// `npm run bench -- graph`: walks on a graph and skip-grams over them with PecanPy's settings (80 nodes per walk,
// window 10, 128 dimensions, 5 negatives, one epoch), on one and two threads, each in its own process with its peak
// memory.
//
//   drawn   100,000 nodes, 2 million edges, power-law degrees (exponent 2.5), 20 groups; nine of ten edges stay in the
//           group. Trains on 39,321 of its million walks, in random order, because gensim takes many minutes for all:
//           three chunks of embed's walks. EMBED_BENCH_CHUNKS sets another number of chunks (77: all). The peers'
//           memory grows with it, embed's does not
//   wiki    2,405 nodes, all 10 walks per node, if ../shared/data exists
//
// Times start with the graph in memory. Ours include the copy of the graph, the start of threads, an epoch of walks
// whose visits give the noise distribution, and the training. The peers' include walks and `Word2Vec`, without
// compilation of the walks. Vectors are compared by the AUC of the cosine, pairs within a group or class against pairs
// across.
//
// Peers: PecanPy's SparseOTF and gensim's Word2Vec with as many workers, alternately in the same run.
// `EMBED_PEER_PYTHON` names a Python with both.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { walksOfChunk, type WalkGraph } from "../compute/kernels/walks/binding.js";
import { aliasTable } from "../base/numeric/alias.js";
import { pow } from "../base/numeric/exp.js";
import { draw } from "../base/numeric/random.js";
import { projectFolder } from "../testing/places.js";
import { run } from "./ctr-logs.js";
import { runChild, type WalkSetting, type Reported } from "./graph-child.js";

const NUM_NODES = 100_000;
const NUM_EDGES = 2_000_000;
const NUM_GROUPS = 20;
const PAIRS = 20_000;
/** Number of walks from each node, and number of nodes in a walk. */
const [WALKS, LENGTH] = [10, 80];
const folder = join(projectFolder, "..", "shared", "data", "graphs");

/** A graph, and for each node the index of its group or class; nodes without one have the index NONE. */
interface Grouped {
  graph: WalkGraph;
  groups: Uint32Array;
}

const NONE = 0xffffffff;

export async function bench(): Promise<void> {
  if (process.argv.includes("--child")) return await runChild();
  const python = process.env["EMBED_PEER_PYTHON"];
  if (!python) console.log("PecanPy and gensim: skipped, EMBED_PEER_PYTHON names no Python that has them");
  const work = mkdtempSync(join(tmpdir(), "embed-graph-"));
  try {
    if (existsSync(folder))
      await compare(join(work, "wiki"), wiki(), { mostChunks: 1000, rate: 0.2 }, python);
    else console.log(`wiki: skipped, ${folder} is not here`);
    const mostChunks = Number(process.env["EMBED_BENCH_CHUNKS"] ?? 3);
    await compare(join(work, "drawn"), drawnGraph(), { mostChunks, rate: 0.8 }, python);
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function compare(
  files: string,
  grouped: Grouped,
  { mostChunks, rate }: { mostChunks: number; rate: number },
  python: string | undefined,
): Promise<void> {
  const { numNodes, offsets, neighbors } = grouped.graph;
  mkdirSync(files);
  const write = (name: string, numbers: Uint32Array) => writeFileSync(join(files, name), numbers);
  write("offsets", offsets);
  write("neighbors", neighbors);
  write("pairs", pairsOf(grouped));
  const mostWalks = Math.min(numNodes * WALKS, mostChunks * walksOfChunk({ length: LENGTH }));
  console.log(
    `${files.split("/").at(-1)}: ${numNodes} nodes, ${neighbors.length / 2} edges, ${mostWalks} walks`,
  );
  const child = ["graph", "--child"];
  for (const threads of [1, 2]) {
    const setting: WalkSetting = {
      ...{ files, walks: WALKS, mostChunks, rate, threads },
      ...{ length: LENGTH, window: 10, dim: 128 },
    };
    const reported = JSON.stringify({ ...setting, mostWalks });
    const main = join(import.meta.dirname, "main.js");
    const ours = reportedOf(await run(process.execPath, [main, ...child, reported]));
    console.log(`  ${threads} threads  ours                 ${described(ours)}`);
    if (!python) continue;
    const env = { ...process.env, OPENBLAS_NUM_THREADS: "1", NUMBA_NUM_THREADS: String(threads) };
    const theirs = reportedOf(await run(python, ["-c", peer, reported], { env }));
    console.log(`             PecanPy and gensim   ${described(theirs)}`);
    const times = (name: "walks" | "biased" | "all" | "processor") => (theirs[name] / ours[name]).toFixed(2);
    console.log(
      `             ${times("all")} times as fast (processor ${times("processor")}): walks ${times("walks")}, biased walks ${times("biased")}; ` +
        `${((100 * ours.peakMb) / theirs.peakMb).toFixed(0)} % of the memory`,
    );
  }
}

function reportedOf({ stdout }: { stdout: string }): Reported {
  const reported: Reported = JSON.parse(stdout.trim().split("\n").at(-1)!);
  return reported;
}

function described({ walks, biased, all, processor, peakMb, auc }: Reported): string {
  return (
    `${all.toFixed(1)} s (processor ${processor.toFixed(1)} s), of which walks ${walks.toFixed(2)} s; walks of p 0.25, q 4 alone ${biased.toFixed(2)} s; ` +
    `peak ${peakMb.toFixed(0)} MB; AUC ${auc.toFixed(3)}`
  );
}

/**
 * Returns the compressed sparse rows of an undirected graph.
 * @param codes the number a * numNodes + b for each edge between nodes a < b, once
 */
function rowsOf(numNodes: number, codes: ReadonlySet<number>): WalkGraph {
  const ends = (code: number) => [Math.floor(code / numNodes), code % numNodes] as const;
  const offsets = new Uint32Array(numNodes + 1);
  for (const code of codes) for (const end of ends(code)) offsets[end + 1]!++;
  for (let v = 0; v < numNodes; v++) offsets[v + 1]! += offsets[v]!;
  const next = offsets.slice();
  const neighbors = new Uint32Array(2 * codes.size);
  for (const code of codes) {
    const [a, b] = ends(code);
    neighbors[next[a]!++] = b;
    neighbors[next[b]!++] = a;
  }
  for (let v = 0; v < numNodes; v++) neighbors.subarray(offsets[v], offsets[v + 1]).sort();
  return { numNodes, offsets, neighbors, directed: false };
}

/**
 * Generates a Chung-Lu graph with groups: node i is an end of an edge with weight (i + 1)^(-2/3), and nine of ten edges
 * connect nodes of the same group.
 */
function drawnGraph(): Grouped {
  const weights = Float64Array.from({ length: NUM_NODES }, (_, i) => pow(i + 1, -2 / 3));
  const groups = Uint32Array.from(weights, (_, i) => draw(1, i) % NUM_GROUPS);
  const members = Array.from({ length: NUM_GROUPS }, (_, group) =>
    Uint32Array.from(groups.keys()).filter((i) => groups[i] === group),
  );
  const tableOf = (nodes: Uint32Array) => {
    const own = Float64Array.from(nodes, (i) => weights[i]!);
    const sum = own.reduce((a, b) => a + b, 0);
    return { nodes, alias: aliasTable(own.map((weight) => weight / sum)) };
  };
  const all = tableOf(Uint32Array.from(weights.keys()));
  const within = members.map(tableOf);
  let draws = 0;
  const next = () => draw(2, draws++);
  const drawn = ({ nodes, alias }: typeof all) => {
    const i = Math.floor((next() * nodes.length) / 2 ** 32);
    return nodes[next() <= alias[2 * i]! ? i : alias[2 * i + 1]!]!;
  };
  const codes = new Set<number>();
  for (let i = 0; codes.size < NUM_EDGES; i++) {
    // each of the first NUM_NODES edges starts at another node, so that every node has an edge
    const a = i < NUM_NODES ? i : drawn(all);
    const b = drawn(next() < 0.9 * 2 ** 32 ? within[groups[a]!]! : all);
    if (a !== b) codes.add(Math.min(a, b) * NUM_NODES + Math.max(a, b));
  }
  return { graph: rowsOf(NUM_NODES, codes), groups };
}

function wiki(): Grouped {
  const read = (name: string) =>
    readFileSync(join(folder, name), "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.split(","));
  const classes = new Map(read("wiki-labels.csv").map(([node, label]) => [node!, label!]));
  const edges = read("wiki-edges.csv");
  const numbers = new Map<string, number>();
  const numberOf = (node: string) => {
    if (!numbers.has(node)) numbers.set(node, numbers.size);
    return numbers.get(node)!;
  };
  const pairs = edges.map(([a, b]) => [numberOf(a!), numberOf(b!)] as const).filter(([a, b]) => a !== b);
  const codes = new Set(pairs.map(([a, b]) => Math.min(a, b) * numbers.size + Math.max(a, b)));
  const names = [...new Set(classes.values())];
  const groups = Uint32Array.from(numbers.keys(), (node) => {
    const label = classes.get(node);
    return label === undefined ? NONE : names.indexOf(label);
  });
  return { graph: rowsOf(numbers.size, codes), groups };
}

/**
 * Samples pairs of nodes; half of the pairs are within a group. @returns u32[PAIRS][2], the pairs within a group first
 */
function pairsOf({ graph: { numNodes }, groups }: Grouped): Uint32Array {
  const pairs = new Uint32Array(2 * PAIRS);
  let [same, other] = [0, PAIRS / 2];
  for (let i = 0; same < PAIRS / 2 || other < PAIRS; i++) {
    const [a, b] = [draw(3, 2 * i) % numNodes, draw(3, 2 * i + 1) % numNodes];
    if (a === b || groups[a] === NONE || groups[b] === NONE) continue;
    if (groups[a] === groups[b] ? same === PAIRS / 2 : other === PAIRS) continue;
    pairs.set([a, b], 2 * (groups[a] === groups[b] ? same++ : other++));
  }
  return pairs;
}

const peer = `
import json, resource, sys, time
import numpy as np
from gensim.models import Word2Vec
from numba_progress import ProgressBar
from pecanpy.pecanpy import SparseOTF
told = json.loads(sys.argv[1])
read = lambda name: np.fromfile(told["files"] + "/" + name, dtype=np.uint32)

def clocks():
    return np.array([time.time(), time.process_time()])

def graph(p, q):
    g = SparseOTF(p=p, q=q, workers=told["threads"], random_state=1)
    g.indptr, g.indices = read("offsets"), read("neighbors")
    g.data = np.ones(len(g.indices), dtype=np.float32)
    g.set_node_ids(None, implicit_ids=True, num_nodes=len(g.indptr) - 1)
    return g

def walked(g):
    # as simulate_walks does it, but compiled first: it compiles at each call
    starts = np.concatenate([np.arange(g.num_nodes, dtype=np.uint32)] * told["walks"])
    np.random.seed(1)
    np.random.shuffle(starts)
    starts = starts[:told["mostWalks"]]
    nodes, forward = g.get_has_nbrs(), g.get_move_forward()
    with ProgressBar(total=len(starts), disable=True) as progress:
        # a walk of so many steps has one node more
        run = lambda starts: g._random_walks(len(starts), told["length"] - 1, 1, starts, nodes, forward, progress)
        run(starts[:2])
        start = clocks()
        walks = [g._map_walk(walk) for walk in run(starts)]
    return walks, clocks() - start

g = graph(1, 1)
walks, seconds = walked(g)
start = clocks()
model = Word2Vec(walks, vector_size=told["dim"], window=told["window"], sg=1, min_count=0, workers=told["threads"], epochs=1, seed=1)
all_ = seconds + clocks() - start
# nodes that no walk of a share visits have none
unit = np.zeros((g.num_nodes, told["dim"]), dtype=np.float32)
known = [int(key) for key in model.wv.index_to_key]
unit[known] = model.wv.vectors / np.linalg.norm(model.wv.vectors, axis=1, keepdims=True)
pairs = read("pairs").reshape(-1, 2)
scores = (unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(axis=1)
half = len(scores) // 2
ranks = np.argsort(np.argsort(scores)) + 1
auc = (ranks[:half].sum() - half * (half + 1) / 2) / half ** 2
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
_, biased = walked(graph(0.25, 4))
print(json.dumps({"walks": seconds[0], "biased": biased[0], "all": all_[0], "processor": all_[1], "peakMb": peak, "auc": float(auc)}))
`;
