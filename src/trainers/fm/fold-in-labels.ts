// Folds in new users or items of a run with labels, or with sampled negatives, from their events.

import { rowsAt, type FeatureRows } from "../../dataset/rows.js";
import type { LabelledTask } from "../../dataset/labels.js";
import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import type { Composer } from "../shared/factor-model/compose.js";
import { foldIn, type FoldInEvents } from "../shared/factor-model/fold-in.js";
import {
  foldInEvents,
  penaltiesOf,
  type PrepareFit,
  type FoldingModel,
  type NewEvents,
} from "../shared/factor-model/fold-in-events.js";
import type { FmParameters } from "../shared/factor-model/model.js";
import type { FmRun } from "../shared/factor-model/artifact.js";
import type { FoldingIn } from "../../training/capabilities/folded-keys.js";
import { wholeOf } from "../../training/reading/split-parts.js";
import { rowsToScore } from "../../training/split-metrics/evaluate-scores.js";
import type { TransformOptions } from "../../training/shared-options/transform-options.js";
import type { Watch } from "../../training/session/watch.js";

export async function foldInByLabels(run: Run, options: TransformOptions, watch: Watch): Promise<FoldingIn> {
  return await foldInEvents(run, options, watch, fitLabels(), undefined, drawsByPlace);
}

/** Returns the reason why a folded-in vector depends on row positions, if the run samples negatives; else undefined. */
export function drawsByPlace({ preprocess: { negatives } }: Pick<FmRun, "preprocess">): string | undefined {
  return negatives ? "its negatives depend on row positions in the log" : undefined;
}

/** Factorization machines with which a run predicts: a single one, or the posterior draws of a Markov chain. */
export interface Machines {
  machines: { parameters: FmParameters; composer: Composer }[];
  /** factor by which the scores of the mean of the draws were multiplied when the table was written */
  tableScale: number;
}

/**
 * Returns a function that fits vectors to rows with labels, or with negatives sampled as in training.
 * @param machinesOf reads the run's factorization machines; posterior draws must be rotated to match each other
 */
export function fitLabels(
  machinesOf: (run: Run, model: FoldingModel) => Promise<Machines> | Machines = (_, model) => ({
    machines: [model],
    tableScale: 1,
  }),
): PrepareFit {
  return async (run, model, options) => {
    // the draws of a chain: the vector of a key is fitted to each draw, and the mean of the fitted vectors is returned,
    // as for the keys of the table
    const machines = await machinesOf(run, model);
    return async (events) => await foldInLabels(run, model, machines, events, options);
  };
}

async function foldInLabels(
  run: Run,
  model: FoldingModel,
  { machines: all, tableScale }: Machines,
  { dataset, ...fresh }: NewEvents,
  options: TransformOptions,
): Promise<Float64Array[]> {
  const { preprocess } = model;
  const { negatives, task } = preprocess;
  if (fresh.side === "item" && negatives) {
    throw new UsageError(
      "--fold-in of items needs labels: sampled negatives are other items and carry no information about a " +
        "new one",
    );
  }
  const { rows } = await rowsToScore(run, model, task as LabelledTask, wholeOf(dataset));
  // index of each event's row; the rows of an event's negatives follow its row
  const starts: number[] = [];
  for (let row = 0; row < rows.numRows; row++) if (!negatives || rows.labels[row] === 1) starts.push(row);
  starts.push(rows.numRows);
  const machines = all.map((machine) => ({
    ...machine,
    penalties: penaltiesOf(run, { ...model, ...machine }, fresh, options),
  }));
  const oov = model.space.offsets[fresh.f]!;
  return fresh.rows.map((own) => {
    const pairs = own.flatMap((event) =>
      Array.from({ length: starts[event + 1]! - starts[event]! }, (_, i) => starts[event]! + i),
    );
    const events = rowsAt(rows, pairs);
    const mean = meanArray(machines.map((one) => foldIn(eventsOf(one.composer, events, oov), one.penalties)));
    return mean.map((x, i) => x * (i === 0 ? tableScale : Math.sqrt(tableScale)));
  });
}

function meanArray(all: readonly Float64Array[]): Float64Array {
  return all[0]!.map((_, i) => all.reduce((sum, each) => sum + each[i]!, 0) / all.length);
}

function eventsOf(composer: Composer, rows: FeatureRows, own: number): FoldInEvents {
  return {
    ...composer.events(rows, own),
    labels: Float64Array.from(rows.labels),
    weights: rows.weights ? Float64Array.from(rows.weights) : new Float64Array(rows.numRows).fill(1),
  };
}
