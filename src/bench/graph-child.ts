// The process of `npm run bench -- graph` that measures embed; prints its measurements as JSON.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { NO_NODE, type WalkGraph } from "../compute/kernels/walks/binding.js";
import { pow } from "../base/numeric/exp.js";
import { draw } from "../base/numeric/random.js";
import { SgnsMachine, type WalkInput } from "../trainers/shared/skip-grams/machine.js";

export interface WalkSetting {
  /** folder with the files of the graph and of the node pairs whose cosines are compared */
  files: string;
  /** number of walks from each node */
  walks: number;
  /** maximum number of chunks of walks that are trained on, in random order */
  mostChunks: number;
  /** learning rate at the start of the training */
  rate: number;
  threads: number;
  length: number;
  window: number;
  dim: number;
}

/**
 * Seconds, peak memory, and the AUC with which the cosine of two vectors tells pairs within a group from other pairs.
 */
export interface Reported {
  walks: number;
  /** seconds of an epoch of walks with p = 0.25 and q = 4 */
  biased: number;
  /** seconds of walks and training */
  all: number;
  /** processor seconds of walks and training, which hardly depend on the load of the machine */
  processor: number;
  peakMb: number;
  auc: number;
}

/** Runs one measurement, with the settings in the last command-line argument, and prints the figures. */
export async function runChild(): Promise<void> {
  const setting: WalkSetting = JSON.parse(process.argv.at(-1)!);
  const graph = readGraph(setting);
  const [began, used] = [performance.now(), process.cpuUsage()];
  const machine = await SgnsMachine.start(inputOf(setting, graph, { p: 1, q: 1 }), setting.threads);
  const numChunks = Math.min(setting.mostChunks, machine.numChunks);
  const counts = new Float64Array(graph.numNodes);
  const walks = await secondsOfWalks(machine, numChunks, (nodes) => {
    for (const node of nodes) if (node !== NO_NODE) counts[node]!++;
  });
  machine.noise = noiseOf(counts);
  let loss = 0;
  for (let chunk = 0; chunk < numChunks; chunk++) {
    await machine.walk(1, chunk);
    const rateAt = (done: number) => setting.rate * Math.max(1e-4, 1 - done / numChunks);
    loss += await machine.train(1, { from: rateAt(chunk), to: rateAt(chunk + 1) });
  }
  const all = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(used);
  const vectors = machine.vectors();
  await machine.terminate();
  if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
  const peakMb = process.resourceUsage().maxRSS / 1024;
  const processor = (user + system) / 1e6;
  const biased = await secondsOfBiased(setting, graph);
  const reported: Reported = { walks, biased, all, processor, peakMb, auc: aucOf(setting, vectors) };
  console.log(JSON.stringify(reported));
}

function read({ files }: WalkSetting, name: string): Uint32Array {
  const { buffer, byteOffset, byteLength } = readFileSync(join(files, name));
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

function readGraph(setting: WalkSetting): WalkGraph {
  const offsets = read(setting, "offsets");
  return { numNodes: offsets.length - 1, offsets, neighbors: read(setting, "neighbors"), directed: false };
}

function inputOf(
  { walks, length, window, dim }: WalkSetting,
  graph: WalkGraph,
  parameters: { p: number; q: number },
): WalkInput {
  const { numNodes } = graph;
  return {
    ...{ numRows: numNodes, dim, window, negatives: 5, seed: 1 },
    noise: new Float64Array(numNodes).fill(1 / numNodes),
    firstVectorHashes: Uint32Array.from({ length: 2 * numNodes }, (_, i) => draw(4, i)),
    walks: { graph, length, starts: { nodes: walks }, ...parameters, before: window, after: window },
  };
}

async function secondsOfWalks(
  machine: SgnsMachine,
  numChunks: number,
  visit: (nodes: Uint32Array) => void,
): Promise<number> {
  const start = performance.now();
  for (let chunk = 0; chunk < numChunks; chunk++) visit(await machine.walk(1, chunk));
  return (performance.now() - start) / 1000;
}

async function secondsOfBiased(setting: WalkSetting, graph: WalkGraph): Promise<number> {
  const input = inputOf({ ...setting, dim: 32 }, graph, { p: 0.25, q: 4 });
  const machine = await SgnsMachine.start(input, setting.threads);
  const seconds = await secondsOfWalks(
    machine,
    Math.min(setting.mostChunks, machine.numChunks),
    () => undefined,
  );
  await machine.terminate();
  return seconds;
}

function noiseOf(visits: Float64Array): Float64Array {
  const shares = visits.map((count) => (count === 0 ? 0 : pow(count, 0.75)));
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / sum);
}

/**
 * Returns the AUC of the cosine: the probability that the nodes of a pair within a group have a greater cosine than
 * those of a pair across groups. The file `pairs` has the pairs within groups first.
 */
function aucOf(setting: WalkSetting, vectors: Float32Array): number {
  const { dim } = setting;
  const pairs = read(setting, "pairs");
  const inner = (a: number, b: number) => {
    let sum = 0;
    for (let d = 0; d < dim; d++) sum += vectors[a * dim + d]! * vectors[b * dim + d]!;
    return sum;
  };
  const half = pairs.length / 4;
  const scored = Array.from({ length: 2 * half }, (_, i) => {
    const [a, b] = [pairs[2 * i]!, pairs[2 * i + 1]!];
    return { same: i < half, score: inner(a, b) / Math.sqrt(inner(a, a) * inner(b, b)) };
  });
  scored.sort((x, y) => x.score - y.score);
  const ranks = scored.reduce((sum, { same }, i) => sum + (same ? i + 1 : 0), 0);
  return (ranks - (half * (half + 1)) / 2) / half ** 2;
}
