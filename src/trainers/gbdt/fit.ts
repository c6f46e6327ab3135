// Trains trees on the splits of a log and, if requested, a head: a logistic regression on the leaves of the trees.
//
//   no head            trees on all training rows
//   --head lr          trees on most of the rows, the head on the others, which the trees have not seen
//   --cross-fit K      K forests, each trained without one of K folds, and a head fitted on that fold; averaged

import { averaged, trainHead, type Head, foldsOf, splitHead } from "./leaf-heads/head.js";
import type { HeadOptions } from "./options.js";
import type { Controls } from "../../training/epochs/epoch-loop.js";
import type { Part, LogParts } from "../../training/examples/examples.js";
import {
  fitColumns,
  growForest,
  refitForest,
  type GrowJob,
  type GrownForest,
  forestsInTurn,
  type GrowNext,
} from "./forest-of-log.js";
import type { LabelledPart, Target } from "./target.js";

export interface FittedModel {
  grown: GrownForest;
  /** with --cross-fit: number of iterations of each forest up to its best */
  forestTrees?: number[];
  /** with the rows on which the head was fitted */
  fitted: { head: Head; rows: LabelledPart } | undefined;
  /** a split with the row weights that the training used */
  weighed: (part: Part) => LabelledPart;
}

export interface ModelJob extends GrowJob {
  prediction: Target;
  head: HeadOptions | undefined;
  /** share of its value that each leaf keeps when leaves are refitted; absent if trees are added */
  decay?: number | undefined;
  /** in a refit with --cross-fit: iterations of each forest; absent: --num-trees for all forests */
  forestTrees?: readonly number[] | undefined;
  note: (text: string) => void;
}

export async function fitModel(
  { train, valid }: Omit<LogParts, "test">,
  job: ModelJob,
  controls: Controls = {},
): Promise<FittedModel> {
  const { head, prediction: target, gbdt, note, watch } = job;
  if (head?.crossFit !== undefined) {
    // an interrupted cross-fit has no complete model, so an interrupt is not handled
    const { onInterrupt: _, ...others } = controls;
    return await crossFit({ train, valid }, head, head.crossFit, job, forestsInTurn(others, watch.signal));
  }
  const split = head && splitHead(train, head.headSplit, gbdt.seed);
  const { train: grownOn, of: weighed } = target.weighed(split?.trees ?? train);
  const features = await fitColumns(grownOn, job);
  const { decay } = job;
  const growNext = forestsInTurn(controls, watch.signal);
  const grown =
    decay === undefined
      ? await growForest(features, grownOn, valid && weighed(valid), job, growNext)
      : await refitForest(features, grownOn, decay, job);
  if (!head) return { grown, fitted: undefined, weighed };

  const rows = weighed(split!.head);
  const fitted = await trainHead(grown, rows, head, gbdt.threads);
  note(
    `trees are grown on ${grownOn.rows.length} rows, the head is fitted on ${rows.rows.length} other rows`,
  );
  job.lap("head");
  return { grown, fitted: { head: fitted, rows }, weighed };
}

async function crossFit(
  { train, valid }: Omit<LogParts, "test">,
  head: HeadOptions,
  numFolds: number,
  job: ModelJob,
  growNext: GrowNext,
): Promise<FittedModel> {
  const { prediction: target, gbdt, note, forestTrees } = job;
  const { train: all, of: weighed } = target.weighed(train);
  // bins and categories are fitted on all rows, so that the forests have the same columns
  const features = await fitColumns(all, job);
  const each: { grown: GrownForest; forest: GrownForest["forest"]; head: Head }[] = [];
  for (const { trees, head: fold } of foldsOf(train, numFolds, gbdt.seed)) {
    // in a refit, each forest has its own number of trees
    const numTrees = Math.max(1, forestTrees?.[each.length] ?? gbdt.numTrees);
    const own = { ...job, gbdt: { ...gbdt, numTrees } };
    const grown = await growForest(features, weighed(trees), valid && weighed(valid), own, growNext);
    each.push({
      grown,
      forest: grown.forest,
      head: await trainHead(grown, weighed(fold), head, gbdt.threads),
    });
    job.lap("head");
    note(
      `forest ${each.length} of ${numFolds}: trees grown on ${trees.rows.length} rows, head fitted on ` +
        `${fold.rows.length} other rows`,
    );
  }
  const [first] = each.map(({ grown }) => grown);
  const together = averaged(each, first!.vocabularies);
  const losses = each.flatMap(({ grown }) => grown.trainLoss ?? []);
  const grown: GrownForest = {
    ...first!,
    forest: together.forest,
    epochs: each.flatMap(({ grown: { epochs } }, forest) => epochs.map((event) => ({ ...event, forest }))),
    bestEpoch: each.reduce((sum, { grown: { bestEpoch } }) => sum + bestEpoch, 0),
    ...(losses.length > 0 && { trainLoss: losses.reduce((a, b) => a + b, 0) / losses.length }),
  };
  return {
    ...{ grown, weighed },
    forestTrees: each.map((one) => one.grown.bestEpoch),
    fitted: { head: together.head, rows: all },
  };
}
