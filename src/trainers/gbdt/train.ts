// The boosting loop.
//
//   input ──► machine (binned rows in shared memory, threads) ──► gradients ──► a tree for each class ──► the trees up to the best
//
// Source: Friedman 2001 (doi:10.1214/aos/1013203451), algorithms 1, 5 and 6 with Newton steps; He et al. 2014. Deviations:
// docs/algorithms/gbdt.md.

import { DataError, DivergedError, UsageError } from "../../errors.js";
import { MAX_ROWS } from "../../kernels/gbdt/binding.js";
import { log } from "../../numeric/exp.js";
import type { BinnedColumn, Feature } from "./features.js";
import type { Forest } from "./forest.js";
import { numClassesOf } from "./forest.js";
import { shifted, treeOf } from "./grown-tree.js";
import type { Loss } from "./gradients.js";
import { GbdtMachine } from "./machine.js";
import { checkGbdtOptions, type GbdtOptions } from "./options.js";
import { drawColumns, drawRows, isSampled, type Sample } from "./samples.js";
import type { Tree } from "./tree.js";
import { withMachine } from "../../workers/with-machine.js";

/** Rows of one part. */
export interface GbdtRows {
  /** by feature */
  columns: BinnedColumn[];
  /** u32: which rows of the columns */
  rows: Uint32Array;
  /** f32[rows.length]; of several classes their numbers */
  labels: Float32Array;
  /** f32[rows.length]; each counts once when absent */
  weights?: Float32Array;
  /** f32[numClasses][rows.length]: what an earlier forest says, where training goes on from one */
  scores?: Float32Array[];
}

export interface GbdtInput extends Pick<Forest, "objective" | "numClasses"> {
  features: Feature[];
  train: GbdtRows;
  valid?: GbdtRows;
}

/** What happened with an iteration; losses are means a row: nats, or (score - label)^2 for regression. */
export interface TreeEvent {
  /** iterations so far: trees, or as many for each class */
  epoch: number;
  trainLoss: number;
  validLoss?: number;
  rowsPerSecond: number;
  seconds: number;
  /** whether no fewer trees have a lower validation loss; without validation always true */
  best: boolean;
}

export interface GbdtModel {
  /** those of the first iteration carry the best constants, unless training went on from scores */
  trees: Tree[];
  /** iterations that the trees are of */
  numIterations: number;
  events: TreeEvent[];
  /** a signal ended the training before its time */
  interrupted: boolean;
}

/** Where a training stands after an iteration: with it, training goes on as if it had not stopped. */
export interface GbdtCheckpoint {
  trees: Tree[];
  /** f32: of all classes and rows, as the machine has them */
  scores: Float32Array;
  events: TreeEvent[];
  best: Best;
}

interface Best {
  iteration: number;
  /** null before the first */
  loss: number | null;
}

/** How a training is steered from outside. */
export interface GbdtControls {
  /** hears, after the first iteration, what ends the training early; returns what withdraws it */
  onInterrupt?: (finish: () => void) => () => void;
  checkpoint?: { every: number; save(checkpoint: GbdtCheckpoint): Promise<void> };
  resume?: GbdtCheckpoint;
}

const losses: Record<Forest["objective"], Loss> = {
  binary: "logistic",
  regression: "squared",
  multiclass: "softmax",
};

/**
 * Trains boosted trees.
 *
 * The same input, options and seed give the same trees at any number of threads. With a validation part and a patience above
 * 0, training stops after so many iterations without a lower validation loss, and the trees up to the best are the model.
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
  controls: GbdtControls = {},
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
    loss: losses[input.objective],
    numClasses: numClassesOf(input),
    weighted: (train.weights ?? valid?.weights) !== undefined,
    bagged: isSampled(options),
  });
  return await withMachine(machine, signal, async () => {
    const bases = train.scores ? train.scores.map(() => 0) : baseScores(input);
    load(machine, features, train, "train", bases);
    if (valid) load(machine, features, valid, "valid", bases);
    signal?.throwIfAborted();
    return await boost(machine, input, bases, options, observe, controls);
  });
}

function load(
  machine: GbdtMachine,
  features: Feature[],
  { columns, rows, labels, weights, scores }: GbdtRows,
  part: "train" | "valid",
  bases: number[],
): void {
  features.forEach((feature, f) => machine.bin(f, feature, columns[f]!, rows, part));
  machine.label(part === "train" ? 0 : machine.layout.numTrain, labels, weights, scores ?? bases);
}

async function boost(
  machine: GbdtMachine,
  { features, train, valid, ...input }: GbdtInput,
  bases: number[],
  options: GbdtOptions,
  observe: (event: TreeEvent) => void,
  { onInterrupt, checkpoint, resume }: GbdtControls,
): Promise<GbdtModel> {
  const numClasses = numClassesOf(input);
  const [trainWeight, validWeight] = [weightOf(train), valid ? weightOf(valid) : 0];
  const trees = [...(resume?.trees ?? [])];
  const events = [...(resume?.events ?? [])];
  let best: Best = resume?.best ?? { iteration: 0, loss: null };
  if (resume) machine.setScores(resume.scores);
  // an earlier forest may be better than any that goes on from it
  else if (valid?.scores) best = { iteration: 0, loss: (await machine.losses()).valid / validWeight };
  const stops = valid !== undefined && options.patience > 0;
  const hasWaited = () => stops && events.length - best.iteration >= options.patience;

  const ending = { isWanted: false };
  let withdraw: (() => void) | undefined;
  let sample: Sample | undefined;
  try {
    while (events.length < options.numTrees && !hasWaited() && !ending.isWanted) {
      const iteration = events.length + 1;
      const start = performance.now();
      await machine.takeGradients();
      sample = drawRows(machine, options, iteration, sample);
      const grown: Tree[] = [];
      for (let k = 0; k < numClasses; k++) {
        const columns = drawColumns(options, features.length, trees.length + k + 1);
        const tree = await machine.growTree({
          options,
          ofClass: k,
          ...sample,
          ...(columns && { features: columns }),
        });
        if (!tree) throw diverged(iteration, options);
        const own = treeOf(tree, features, options);
        grown.push(iteration === 1 ? shifted(own, bases[k]!) : own);
      }
      // no leaf can be split any more
      if (grown.every(({ nodes }) => nodes.length === 0)) break;
      trees.push(...grown);

      const sums = await machine.losses();
      const [trainLoss, validLoss] = [sums.train / trainWeight, sums.valid / validWeight];
      const isBest = !valid || best.loss === null || validLoss < best.loss;
      if (isBest) best = { iteration, loss: valid ? validLoss : null };
      const seconds = (performance.now() - start) / 1000;
      const event: TreeEvent = {
        epoch: iteration,
        trainLoss,
        ...(valid && { validLoss }),
        rowsPerSecond: train.rows.length / seconds,
        seconds,
        best: isBest,
      };
      events.push(event);
      observe(event);
      if (!Number.isFinite(trainLoss)) throw diverged(iteration, options);
      withdraw ??= onInterrupt?.(() => (ending.isWanted = true));
      if (checkpoint && iteration % checkpoint.every === 0)
        await checkpoint.save({ trees, scores: machine.scores(), events, best });
    }
  } finally {
    withdraw?.();
  }
  const numIterations = stops || ending.isWanted ? best.iteration : events.length;
  const kept = trees.slice(0, numIterations * numClasses);
  // nothing could be split
  const constants =
    events.length === 0 && !train.scores ? bases.map((base) => constantTree(base, train)) : [];
  return { trees: [...kept, ...constants], numIterations, events, interrupted: ending.isWanted };
}

function constantTree(base: number, { rows }: GbdtRows): Tree {
  return { nodes: [], leaves: [{ value: base, weight: 0, count: rows.length }], shrinkage: 1 };
}

/** The best constant scores: log-odds of the labels' mean, the mean itself, or the logs of the classes' shares. */
function baseScores({ train: { labels, weights }, ...input }: GbdtInput): number[] {
  const numClasses = numClassesOf(input);
  const sums = new Float64Array(numClasses);
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const w = weights ? weights[i]! : 1;
    if (input.objective === "multiclass") sums[labels[i]!]! += w;
    else sums[0]! += w * labels[i]!;
    total += w;
  }
  return Array.from(sums, (sum) => {
    const mean = sum / total;
    if (input.objective === "regression") return mean;
    return input.objective === "binary" ? log(mean / (1 - mean)) : log(Math.max(mean, 1e-15));
  });
}

function weightOf({ rows, weights }: GbdtRows): number {
  if (!weights) return rows.length;
  let sum = 0;
  for (const w of weights) sum += w;
  return sum;
}

function diverged(epoch: number, { learningRate }: GbdtOptions): DivergedError {
  return new DivergedError(
    `the loss is no longer finite at tree ${epoch}, at learning rate ${learningRate}: ` +
      `try --learning-rate ${learningRate / 5}, or labels of smaller range`,
  );
}
