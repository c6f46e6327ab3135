// --ctr, --ctr-pairs: columns of ids and their combinations become columns of target statistics, in the parts that trees are
// trained and evaluated on.

import { keyAt } from "../../../log/keys.js";
import type { Dataset } from "../../../dataset/dataset.js";
import { UsageError } from "../../../errors.js";
import { columnsOf } from "./combinations.js";
import { choosePairs, type ChosenPair } from "./ctr-pairs.js";
import {
  fitTargetStatistics,
  idColumn,
  rowOrders,
  withTargetStatistics,
  type CtrOptions,
  type TargetStatistics,
  type Targets,
} from "./target-statistics.js";
import type { Part, Parts } from "../../../training/examples/examples.js";
import type { GivenGbdt } from "../options.js";
import type { Target } from "../target.js";

export interface CtrFlags extends Omit<CtrOptions, "seed"> {
  /** pairs that are chosen, at most */
  pairs?: number;
  /** of a refit: the pairs of the first training, whose number of trees goes with them */
  chosen?: ChosenPair[] | undefined;
  /** the user set the number of permutations */
  permutationsGiven: boolean;
}

/** Pairs that `--ctr-pairs auto` chooses at most. */
const AUTO_PAIRS = 8;

/** As CatBoost has it (permutation_count). With many, a row's value is nearly the mean of all others, which gives its label away. */
const PERMUTATIONS = 4;

/** Target statistics, where some columns have them. @throws {UsageError} options do not go together */
export function ctrOf({
  ctr,
  ctrPairs,
  ctrKeep,
  ctrPrior,
  ctrPriorWeight,
  ctrPermutations,
}: GivenGbdt): CtrFlags | undefined {
  if (!ctr && ctrPairs === undefined) {
    const alone = Object.entries({
      "--ctr-prior": ctrPrior,
      "--ctr-prior-weight": ctrPriorWeight,
      "--ctr-permutations": ctrPermutations,
    }).find(([, value]) => value !== undefined);
    if (alone) throw new UsageError(`${alone[0]} needs --ctr COLUMNS or --ctr-pairs N`);
    return undefined;
  }
  return {
    columns: distinct(ctr ?? []),
    ...(ctrPairs !== undefined && { pairs: ctrPairs === "auto" ? AUTO_PAIRS : ctrPairs }),
    keep: ctrKeep ?? false,
    prior: ctrPrior,
    priorWeight: ctrPriorWeight ?? 1,
    permutationsGiven: ctrPermutations !== undefined,
    permutations: ctrPermutations ?? PERMUTATIONS,
  };
}

/** user*hour and hour*user are one: the first that is named stays. */
function distinct(names: readonly string[]): string[] {
  const byColumns = new Map<string, string>();
  for (const name of names) {
    const columns = JSON.stringify(columnsOf(name).sort());
    if (!byColumns.has(columns)) byColumns.set(columns, name);
  }
  return [...byColumns.values()];
}

/** Columns of the log that statistics are of, to be read as ids. */
export function ctrColumns({ columns }: CtrFlags): string[] {
  return [...new Set(columns.flatMap(columnsOf))];
}

/** The parts with the columns that are made. */
export interface CtrParts {
  parts: Parts;
  statistics: TargetStatistics[];
  /** of --ctr-pairs */
  pairs?: ChosenPair[];
}

/**
 * Makes the columns; statistics are those of the training part alone: in a refit, of all rows in their order.
 *
 * @param note hears which pairs were chosen
 */
export function withCtr(
  parts: Parts,
  target: Target,
  ctr: CtrFlags | undefined,
  seed: number,
  { note, warn }: Record<"note" | "warn", (text: string) => void>,
): CtrParts {
  if (!ctr) return { parts, statistics: [] };
  const train = target.weighed(parts.train).train;
  for (const text of numberWarnings(train.dataset, ctr.columns)) warn(text);
  const { time } = train.dataset.roles;
  if (ctr.permutationsGiven && time !== undefined)
    warn(`--ctr-permutations has no effect: rows are ordered by time ('${time}')`);
  const pairs =
    ctr.pairs === undefined ? undefined : (ctr.chosen ?? pairsOf(train, target, ctr, ctr.pairs, seed, note));
  const columns = [...ctr.columns, ...(pairs ?? []).map(({ pair }) => pair)];
  const { statistics, values } = fitTargetStatistics(train, { ...ctr, columns, seed }, target.classes);
  const made = statistics.map(({ name }) => name);
  // a combination takes no column's place: what its columns say alone is not in it
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
    pairs,
  };
}

function pairsOf(
  train: Targets,
  { task, classes }: Target,
  { columns: named }: CtrFlags,
  most: number,
  seed: number,
  note: (text: string) => void,
): ChosenPair[] {
  const { fields } = train.dataset.roles;
  if (fields.length < 2)
    throw new UsageError(
      `--ctr-pairs needs at least two categorical columns, but there ${fields.length === 1 ? `is only '${fields[0]!}'` : "is none"}: ` +
        "name them with --fields, or with --ctr",
    );
  const [order] = rowOrders(train, 1, seed);
  const squared = task === "regression";
  const { pairs, considered } = choosePairs(train, order!, {
    columns: fields,
    without: named,
    most,
    squared,
    classes,
  });
  if (considered)
    note(
      `--ctr-pairs considered ${considered.length} of ${fields.length} columns, those with the largest effects: ${considered.join(", ")}`,
    );
  const loss = squared ? "squared error" : "log loss";
  const chosen = pairs.map(({ pair, gain }) => `${pair} (${loss} -${gain.toPrecision(2)})`);
  note(
    pairs.length > 0
      ? `--ctr-pairs chose ${chosen.join(", ")}`
      : "--ctr-pairs chose no pair: none predicts training rows better than its columns do",
  );
  return pairs;
}

/** Columns of combinations that would be numbers: their ranges are lost to the trees, as they are read as ids. */
function numberWarnings(dataset: Dataset, names: readonly string[]): string[] {
  const combined = new Set(names.map(columnsOf).flatMap((columns) => (columns.length > 1 ? columns : [])));
  return [...combined].flatMap((name) => {
    const { dictionary } = idColumn(dataset, name);
    for (let code = 0; code < dictionary.size; code++)
      if (!Number.isFinite(Number(keyAt(dictionary, code)))) return [];
    return [
      `column '${name}' holds numbers and is read as categories, as --ctr combines it with others: trees do not split ` +
        "it by ranges any more; add a copy of the column to the log to have both",
    ];
  });
}
