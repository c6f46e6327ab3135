// The boosting loop.
//
//   input ──► machine (binned rows in shared memory, threads) ──► a tree at a time ──► the trees up to the best
//
// Source: Friedman 2001 (doi:10.1214/aos/1013203451), algorithms 1 and 5 with Newton steps; He et al. 2014. Deviations:
// docs/algorithms/gbdt.md.

import { DataError, DivergedError, UsageError } from "../../errors.js";
import { MAX_ROWS } from "../../kernels/gbdt.js";
import { log } from "../../kernels/reference/exp.js";
import { draw, permutation } from "../../kernels/reference/random.js";
import type { BinnedColumn, Feature } from "./features.js";
import type { GrowOptions, GrownTree, GrowTask } from "./grow.js";
import { leafValue } from "./leaf-values.js";
import { GbdtMachine } from "./machine.js";
import { checkGbdtOptions, type GbdtOptions } from "./options.js";
import type { Node, Test, Tree } from "./tree.js";
import { withMachine } from "../../workers/with-machine.js";

export type Objective = "binary" | "regression";

/** Rows of one part. */
export interface GbdtRows {
  /** by feature */
  columns: BinnedColumn[];
  /** u32: which rows of the columns */
  rows: Uint32Array;
  /** f32[rows.length] */
  labels: Float32Array;
  /** f32[rows.length]; each counts once when absent */
  weights?: Float32Array;
}

export interface GbdtInput {
  features: Feature[];
  objective: Objective;
  train: GbdtRows;
  valid?: GbdtRows;
}

/** What happened with a tree; losses are means a row: nats for binary, (score - label)^2 for regression. */
export interface TreeEvent {
  /** trees so far */
  epoch: number;
  trainLoss: number;
  validLoss?: number;
  rowsPerSecond: number;
  seconds: number;
  /** whether no fewer trees have a lower validation loss; without validation always true */
  best: boolean;
}

export interface GbdtModel {
  objective: Objective;
  /** the first one carries the best constant */
  trees: Tree[];
  events: TreeEvent[];
}

/**
 * Trains boosted trees.
 *
 * The same input, options and seed give the same trees at any number of threads. With a validation part and a patience above
 * 0, training stops after so many trees without a lower validation loss, and the trees up to the best are the model.
 *
 * @throws {UsageError} an option is out of range, or the rows do not fit 4 GiB
 * @throws {DataError} there are no training rows
 * @throws {DivergedError} a gradient became infinite
 */
export async function trainGbdt(
  input: GbdtInput,
  options: GbdtOptions,
  observe: (event: TreeEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<GbdtModel> {
  checkGbdtOptions(options);
  signal?.throwIfAborted();
  const { features, train, valid } = input;
  const [numTrain, numValid] = [train.rows.length, valid?.rows.length ?? 0];
  if (numTrain === 0) throw new DataError("no training rows: nothing to learn from");
  if (numTrain > MAX_ROWS)
    throw new UsageError(`trees are grown on ${MAX_ROWS} rows at most, the training part has ${numTrain}`);
  const machine = await GbdtMachine.start({
    features,
    numTrain,
    numValid,
    numLeaves: options.numLeaves,
    threads: options.threads,
    weighted: (train.weights ?? valid?.weights) !== undefined,
    bagged: isBagged(options),
  });
  return await withMachine(machine, signal, () => {
    const base = baseScore(input);
    load(machine, features, train, "train", base);
    if (valid) load(machine, features, valid, "valid", base);
    signal?.throwIfAborted();
    return boost(machine, input, base, options, observe);
  });
}

function load(
  machine: GbdtMachine,
  features: Feature[],
  { columns, rows, labels, weights }: GbdtRows,
  part: "train" | "valid",
  base: number,
): void {
  features.forEach((feature, f) => machine.bin(f, feature, columns[f]!, rows, part));
  machine.label(part === "train" ? 0 : machine.layout.numTrain, labels, weights, base);
}

async function boost(
  machine: GbdtMachine,
  { features, objective, train, valid }: GbdtInput,
  base: number,
  options: GbdtOptions,
  observe: (event: TreeEvent) => void,
): Promise<GbdtModel> {
  const grow: GrowOptions = { ...options, squared: objective === "regression" };
  const [trainWeight, validWeight] = [weightOf(train), valid ? weightOf(valid) : 0];
  const trees: Tree[] = [];
  const events: TreeEvent[] = [];
  let best = { epoch: 0, loss: Infinity };
  let bagged: number | undefined;
  for (let epoch = 1; epoch <= options.numTrees; epoch++) {
    const start = performance.now();
    if (isBagged(options) && (epoch - 1) % options.baggingFreq === 0)
      bagged = drawBag(machine, options, epoch);
    const step = await machine.step(taskOf(grow, options, features.length, epoch, bagged));
    if (!step) throw diverged(epoch, options);

    // no leaf can be split any more
    if (step.tree.nodes.length === 0) break;
    const tree = treeOf(step.tree, features, options);
    if (trees.length === 0) for (const part of [...tree.leaves, ...tree.nodes]) part.value += base;
    trees.push(tree);
    const [trainLoss, validLoss] = [step.trainLoss / trainWeight, step.validLoss / validWeight];
    const isBest = !valid || validLoss < best.loss;
    if (isBest) best = { epoch, loss: validLoss };
    const seconds = (performance.now() - start) / 1000;
    const event: TreeEvent = {
      epoch,
      trainLoss,
      ...(valid && { validLoss }),
      rowsPerSecond: train.rows.length / seconds,
      seconds,
      best: isBest,
    };
    events.push(event);
    observe(event);
    if (!Number.isFinite(trainLoss)) throw diverged(epoch, options);
    if (valid && options.patience > 0 && epoch - best.epoch >= options.patience) break;
  }
  const kept = valid && options.patience > 0 ? trees.slice(0, best.epoch) : trees;
  return { objective, trees: kept.length > 0 ? kept : [constantTree(base, train)], events };
}

/** A tree of one leaf: nothing could be split. */
function constantTree(base: number, { rows }: GbdtRows): Tree {
  return { nodes: [], leaves: [{ value: base, weight: 0, count: rows.length }], shrinkage: 1 };
}

function isBagged({ baggingFraction, baggingFreq }: GbdtOptions): boolean {
  return baggingFreq > 0 && baggingFraction < 1;
}

/** Draws a share of the rows, ascending. @returns how many */
function drawBag(machine: GbdtMachine, { baggingFraction, seed }: GbdtOptions, epoch: number): number {
  const key = draw(draw(seed, 0xba9), epoch);
  const { numTrain } = machine.layout;
  const bound = baggingFraction * 2 ** 32;
  const rows = Uint32Array.from({ length: numTrain }, (_, row) => row).filter(
    (row) => draw(key, row) < bound,
  );
  machine.setBag(rows);
  return rows.length;
}

function taskOf(
  grow: GrowOptions,
  { featureFraction, seed }: GbdtOptions,
  numFeatures: number,
  epoch: number,
  bagged: number | undefined,
): GrowTask {
  const task: GrowTask = { options: grow, ...(bagged !== undefined && { bagged }) };
  if (featureFraction === 1) return task;
  const kept = Math.max(1, Math.round(featureFraction * numFeatures));
  const features = new Uint8Array(numFeatures);
  for (const f of permutation(numFeatures, draw(draw(seed, 0xfea), epoch)).subarray(0, kept)) features[f] = 1;
  return { ...task, features };
}

/** The best constant score: log-odds of the labels' mean, or the mean itself. */
function baseScore({ objective, train: { labels, weights } }: GbdtInput): number {
  let [sum, total] = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    const w = weights ? weights[i]! : 1;
    sum += w * labels[i]!;
    total += w;
  }
  const mean = sum / total;
  return objective === "binary" ? log(mean / (1 - mean)) : mean;
}

function weightOf({ rows, weights }: GbdtRows): number {
  if (!weights) return rows.length;
  let sum = 0;
  for (const w of weights) sum += w;
  return sum;
}

/** The grown tree in numbers and categories instead of bins. */
function treeOf(grown: GrownTree, features: readonly Feature[], options: GbdtOptions): Tree {
  const { learningRate, lambdaL1, lambdaL2 } = options;
  const leaves = grown.leaves.map(({ value, sumH, count }) => ({ value, weight: sumH, count }));
  // sums of nodes from their children's: a child has a greater number than its parent
  const sums = grown.nodes.map(() => ({ g: 0, h: 0, count: 0 }));
  const sumsOf = (child: number) => {
    if (child >= 0) return sums[child]!;
    const { sumG: g, sumH: h, count } = grown.leaves[~child]!;
    return { g, h, count };
  };
  for (let i = grown.nodes.length - 1; i >= 0; i--) {
    const [l, r] = [sumsOf(grown.nodes[i]!.left), sumsOf(grown.nodes[i]!.right)];
    sums[i] = { g: l.g + r.g, h: l.h + r.h, count: l.count + r.count };
  }
  const nodes = grown.nodes.map((node, i): Node => {
    const { feature, left, right, gain } = node;
    const { g, h, count } = sums[i]!;
    const value = learningRate * leafValue(g, h, lambdaL1, lambdaL2);
    return { feature, test: testOf(node, features[feature]!), left, right, gain, value, weight: h, count };
  });
  return { nodes, leaves, shrinkage: learningRate };
}

/** A threshold above all numbers. */
const ABOVE_ALL = Number.MAX_VALUE;

function testOf({ bin, missingLeft, goesLeft }: GrownTree["nodes"][number], feature: Feature): Test {
  if (feature.kind === "number")
    return { kind: "number", threshold: feature.edges[bin] ?? ABOVE_ALL, missingLeft };
  const left: number[] = [];
  goesLeft?.forEach((goes, b) => goes === 1 && left.push(b - 1));
  return { kind: "category", left };
}

function diverged(epoch: number, { learningRate }: GbdtOptions): DivergedError {
  return new DivergedError(
    `the loss is no longer finite at tree ${epoch}, at learning rate ${learningRate}: ` +
      `try --learning-rate ${learningRate / 5}, or labels of smaller range`,
  );
}
