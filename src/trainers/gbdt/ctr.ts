// --ctr: columns of ids become columns of target statistics, in the parts that trees are trained and evaluated on.

import { UsageError } from "../../errors.js";
import {
  fitTargetStatistics,
  withTargetStatistics,
  type CtrOptions,
  type TargetStatistics,
} from "./target-statistics.js";
import type { Part, Parts } from "../../training/examples.js";
import type { GivenGbdt } from "./options.js";
import type { Target } from "./target.js";

export type CtrFlags = Omit<CtrOptions, "seed">;

/** Target statistics, where some columns have them. @throws {UsageError} of a training that goes on */
export function ctrOf({
  ctr,
  ctrKeep,
  ctrPrior,
  ctrPriorWeight,
  init,
  refit,
}: GivenGbdt): CtrFlags | undefined {
  if (!ctr) return undefined;
  if (init !== undefined || refit)
    throw new UsageError(
      "--ctr cannot be combined with --init or --refit: its statistics belong to a single " +
        "training split",
    );
  return {
    columns: [...new Set(ctr)],
    keep: ctrKeep ?? false,
    ...(ctrPrior !== undefined && { prior: ctrPrior }),
    priorWeight: ctrPriorWeight ?? 1,
  };
}

/** The parts with the columns that are made; statistics are those of the training part alone. */
export function withCtr(
  parts: Parts,
  target: Target,
  ctr: CtrFlags | undefined,
  seed: number,
): { parts: Parts; statistics?: TargetStatistics[] } {
  if (!ctr) return { parts };
  const train = target.weighed(parts.train).train;
  const { statistics, values } = fitTargetStatistics(train, { ...ctr, seed }, target.classes);
  const made = statistics.map(({ name }) => name);
  const gone = new Set(ctr.keep ? [] : ctr.columns);
  const derived = new Map<Part["dataset"], Part["dataset"]>();
  const derive = (part: Part): Part => {
    const { dataset } = part;
    let own = derived.get(dataset);
    if (!own) {
      const clash = dataset.columns.find(({ name }) => made.includes(name));
      if (clash)
        throw new UsageError(
          `--ctr creates a column '${clash.name}', but the log already has a column of that name`,
        );
      const { roles } = dataset;
      const fields = roles.fields.filter((name) => !gone.has(name));
      own = {
        ...withTargetStatistics(dataset, statistics, dataset === train.dataset ? values : undefined),
        roles: { ...roles, fields, numeric: [...roles.numeric, ...made] },
      };
      derived.set(dataset, own);
    }
    return { ...part, dataset: own };
  };
  const { valid, test } = parts;
  return {
    parts: { train: derive(parts.train), valid: valid && derive(valid), test: test && derive(test) },
    statistics,
  };
}
