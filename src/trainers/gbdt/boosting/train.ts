// Gradient boosting. An epoch is an iteration, which grows one tree, or one tree per class.
//
//   input ──► machine (binned rows in shared memory, threads) ──► gradients ──► a tree per class ──► the best trees
//
// Source: Friedman 2001 (doi:10.1214/aos/1013203451), algorithms 1, 5 and 6 with Newton steps; He et al. 2014.
// Deviations: docs/algorithms/gbdt.md.

import { weightOf } from "../../../base/numeric/indices.js";
import { DataError, DivergedError, UsageError } from "../../../base/errors.js";
import { MAX_ROWS } from "../../../compute/kernels/gbdt/binding.js";
import { list } from "../../../base/io/json-shape.js";
import { log } from "../../../base/numeric/exp.js";
import {
  type Controls,
  runEpochs,
  type EpochsDone,
  type Steered,
  type EpochEvent,
} from "../../../training/epochs/epoch-loop.js";
import { floatsOf, jsonBytes, jsonOf } from "../../../training/epochs/named-arrays.js";
import type { BinnedColumn, Feature } from "../features.js";
import { type Forest, numClassesOf } from "../forest/forest.js";
import { shifted, treeOf } from "./growing-tree.js";
import type { Loss } from "./gradients.js";
import { GbdtMachine } from "./machine.js";
import { checkGbdtOptions, type GbdtOptions } from "../options.js";
import { drawColumns, drawRows, isSampled, type Sample } from "./samples.js";
import { treeShape, type Tree } from "../forest/tree.js";
import { withMachine } from "../../../compute/threads/with-machine.js";

export interface GbdtRows {
  /** one per feature */
  columns: BinnedColumn[];
  /** u32: the split's rows, as row numbers of the binned columns */
  rows: Uint32Array;
  /** f32[rows.length]: labels; class numbers if there are several classes */
  labels: Float32Array;
  /** f32[rows.length]: weights; all 1 when absent */
  weights?: Float32Array;
  /** f32[numClasses][rows.length]: scores of an earlier forest that the training continues */
  scores?: Float32Array[];
}

export interface GbdtInput extends Pick<Forest, "objective" | "numClasses"> {
  features: Feature[];
  train: GbdtRows;
  valid?: GbdtRows;
}

export interface GbdtModel extends EpochsDone {
  /** those of the first iteration include the best constants, unless the training continues an earlier forest */
  trees: Tree[];
  /** trees up to this iteration belong to the model */
  bestEpoch: number;
}

const losses: Record<Forest["objective"], Loss> = {
  binary: "logistic",
  regression: "squared",
  multiclass: "softmax",
};

/**
 * Trains boosted trees.
 *
 * The same input, options and seed give the same trees at any number of threads. With a validation split and a patience
 * above 0, training stops after that many iterations without a lower validation loss, and the trees up to the best are
 * the model.
 *
 * @throws {UsageError} an option is out of range, or the rows do not fit into 4 GiB
 * @throws {DataError} there are no training rows
 * @throws {DivergedError} a gradient became infinite
 */
export async function trainGbdt(
  input: GbdtInput,
  options: GbdtOptions,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
  controls: Controls = {},
): Promise<GbdtModel> {
  checkGbdtOptions(options);
  signal?.throwIfAborted();
  const { features, train, valid } = input;
  const [numTrain, numValid] = [train.rows.length, valid?.rows.length ?? 0];
  if (numTrain === 0) throw new DataError("no training rows");
  if (numTrain > MAX_ROWS)
    throw new UsageError(`the training split has ${numTrain} rows, at most ${MAX_ROWS} are supported`);
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
    await load(machine, features, train, 0, bases);
    if (valid) await load(machine, features, valid, numTrain, bases);
    signal?.throwIfAborted();
    return await boost(machine, input, bases, options, observe, controls);
  });
}

/** @param first index of the split's first row among the rows of both splits */
async function load(
  machine: GbdtMachine,
  features: Feature[],
  { columns, rows, labels, weights, scores }: GbdtRows,
  first: number,
  bases: number[],
): Promise<void> {
  await machine.bin(features, columns, rows, first);
  machine.label(first, labels, weights, scores ?? bases);
}

async function boost(
  machine: GbdtMachine,
  { features, train, valid, ...input }: GbdtInput,
  bases: number[],
  options: GbdtOptions,
  observe: (event: EpochEvent) => void,
  controls: Controls,
): Promise<GbdtModel> {
  const numClasses = numClassesOf(input);
  const weightOfPart = ({ rows, weights }: GbdtRows) => weightOf({ numRows: rows.length, weights });
  const [trainWeight, validWeight] = [weightOfPart(train), valid ? weightOfPart(valid) : 0];
  let trees: Tree[] = [];
  let sample: Sample | undefined;
  let first: Promise<void> | undefined;

  // computes the validation loss of the earlier forest first, since no continuation may be better
  let toBeat: number | undefined;
  if (valid?.scores && !controls.resume) {
    await (first ??= machine.takeGradients());
    toBeat = machine.losses().valid / validWeight;
  }
  const training: Steered = {
    async epoch(iteration) {
      const began = performance.now();
      // computes the gradients of the first iteration; later ones are computed together with the last tree of the
      // previous iteration
      await (first ??= machine.takeGradients());
      sample = drawRows(machine, options, iteration, sample);
      const grown: Tree[] = [];
      for (let k = 0; k < numClasses; k++) {
        const columns = drawColumns(options, features.length, trees.length + k + 1);
        const task = { options, ofClass: k, ...sample, features: columns };
        const tree = await machine.growTree(task, k === numClasses - 1);
        if (!tree) throw diverged(iteration, options);
        const own = treeOf(tree, features, options);
        grown.push(iteration === 1 ? shifted(own, bases[k]!) : own);
      }
      // no leaf can be split any more, so boosting ends
      if (grown.every(({ nodes }) => nodes.length === 0)) return undefined;
      trees.push(...grown);

      const sums = machine.losses();
      const [trainLoss, validLoss] = [sums.train / trainWeight, sums.valid / validWeight];
      if (!Number.isFinite(trainLoss)) throw diverged(iteration, options);
      const rowsPerSecond = (train.rows.length / (performance.now() - began)) * 1000;
      if (!valid) return { event: { trainLoss, rowsPerSecond } };
      return { event: { trainLoss, validLoss, rowsPerSecond }, stoppingValue: validLoss };
    },
    // nothing is copied, since all trees are kept; the number of trees in the model is chosen at the end
    keep: () => undefined,
    save: () => ({ scores: machine.scores(), trees: jsonBytes(trees) }),
    restore(arrays) {
      machine.setScores(floatsOf(arrays, "scores", machine.scores().length));
      trees = jsonOf(arrays, "trees", list(treeShape)) as Tree[];
    },
    terminate: () => machine.terminate(),
    threadsInUse: () => machine.threadsInUse,
    better: "lower",
    validates: valid !== undefined,
    toBeat,
  };
  const { numTrees: epochs, patience } = options;
  const done = await runEpochs(training, { epochs, patience }, controls, observe);

  // an interrupted training returns the trees up to the best iteration, even without early stopping
  const best = done.epochs.findLast((event) => event.best)?.epoch ?? 0;
  const bestEpoch = done.interrupted ? best : done.bestEpoch;
  const kept = trees.slice(0, bestEpoch * numClasses);
  // if no tree was grown, the model is the best constant
  const constantTree = (value: number): Tree => ({
    nodes: [],
    leaves: [{ value, weight: 0, count: train.rows.length }],
    shrinkage: 1,
  });
  const constants = done.epochs.length === 0 && !train.scores ? bases.map(constantTree) : [];
  return { ...done, bestEpoch, trees: [...kept, ...constants] };
}

/** The log-odds of the labels' mean, the mean itself, or the logarithms of the classes' shares. */
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

function diverged(epoch: number, { learningRate }: GbdtOptions): DivergedError {
  return new DivergedError(
    `the loss is not finite at tree ${epoch} with learning rate ${learningRate}: try --learning-rate ` +
      `${learningRate / 5}, or scale the labels to a smaller range`,
  );
}
