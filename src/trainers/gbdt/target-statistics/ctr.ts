// --ctr, --ctr-pairs: replaces id columns and their combinations by target statistics, in all splits.

import { keyAt } from "../../../log/keys.js";
import { type Dataset, columnNamed } from "../../../dataset/dataset.js";
import { UsageError } from "../../../base/errors.js";
import { parseCombination } from "./combinations.js";
import { choosePairs, KEY_SHARE, type ChosenPair } from "./ctr-pairs.js";
import { mostCandidates, pairsByTrees, withHeldOutRows, type PairsByTrees } from "./pairs-by-trees.js";
import {
  fitTargetStatistics,
  idColumn,
  MAX_COMBINATIONS,
  rowOrders,
  withTargetStatistics,
  type CtrOptions,
  type GroupedRowOrder,
  type TargetStatistics,
  type Targets,
} from "./target-statistics.js";
import type { Part, LogParts } from "../../../training/examples/examples.js";
import { MAX_PAIRS, type GivenGbdt } from "../options.js";
import type { LabelledPart, Target } from "../target.js";

interface CtrFlags extends Omit<CtrOptions, "seed"> {
  /** pairs to choose; auto: also pairs that are significant only together */
  most?: number | "auto";
  /** in a refit: pairs that the first training chose, for which alone its number of trees is valid */
  chosen?: ChosenPair[] | undefined;
  permutationsGiven: boolean;
}

/** Significant pairs that `--ctr-pairs auto` chooses. */
const AUTO_PAIRS = 8;
/** Pairs that a note to the user names. */
const MOST_NAMED = 3;

/** As in CatBoost (permutation_count). With many, a row's value is nearly the mean of all others, which reveals its label. */
const PERMUTATIONS = 4;

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
    ...(ctrPairs !== undefined && { most: ctrPairs }),
    keep: ctrKeep ?? false,
    prior: ctrPrior,
    priorWeight: ctrPriorWeight ?? 1,
    permutationsGiven: ctrPermutations !== undefined,
    permutations: ctrPermutations ?? PERMUTATIONS,
  };
}

/** Removes repeated combinations: user*hour and hour*user are the same; the first name is kept. */
function distinct(names: readonly string[]): string[] {
  const byColumns = new Map<string, string>();
  for (const name of names) {
    const columns = JSON.stringify(parseCombination(name).sort());
    if (!byColumns.has(columns)) byColumns.set(columns, name);
  }
  return [...byColumns.values()];
}

export function ctrColumns({ columns }: CtrFlags): string[] {
  return [...new Set(columns.flatMap(parseCombination))];
}

interface CtrParts {
  parts: LogParts;
  statistics: TargetStatistics[];
  pairs?: ChosenPair[];
}

interface CtrJob {
  threads: number;
  seed: number;
  signal: AbortSignal;
  note: (text: string) => void;
  warn: (text: string) => void;
}

/** Statistics are computed from the training split alone; in a refit, from all rows. */
export async function withCtr(
  parts: LogParts,
  target: Target,
  ctr: CtrFlags | undefined,
  job: CtrJob,
): Promise<CtrParts> {
  if (!ctr) return { parts, statistics: [] };
  const { train, of } = target.weighed(parts.train);
  for (const text of numberWarnings(train.dataset, ctr.columns)) job.warn(text);
  const { time } = train.dataset.roles;
  if (ctr.permutationsGiven && time !== undefined)
    job.warn(`--ctr-permutations has no effect: rows are ordered by time ('${time}')`);
  const valid = parts.valid && of(parts.valid);
  const pairs =
    ctr.most === undefined
      ? undefined
      : (ctr.chosen ?? (await chooseCtrPairs({ train, valid }, target, ctr, job)));
  const columns = [...ctr.columns, ...(pairs ?? []).map(({ pair }) => pair)];
  const { statistics, of: derived } = madeColumns(train, columns, ctr, job.seed, target.classes);
  for (const text of keyWarnings(statistics, train.rows.length)) job.warn(text);
  const derive = (part: Part): Part => ({ ...part, dataset: derived(part.dataset) });
  return {
    parts: {
      train: derive(parts.train),
      valid: parts.valid && derive(parts.valid),
      test: parts.test && derive(parts.test),
    },
    statistics,
    pairs,
  };
}

function madeColumns(
  train: Targets,
  columns: string[],
  ctr: CtrFlags,
  seed: number,
  classes: readonly string[] | undefined,
): { statistics: TargetStatistics[]; of: (dataset: Dataset) => Dataset } {
  const { statistics, values } = fitTargetStatistics(train, { ...ctr, columns, seed }, classes);
  const made = statistics.map(({ name }) => name);
  // only a column's own target statistics replace the column; those of a combination may not contain its effect
  const gone = new Set(ctr.keep ? [] : ctr.columns);
  const derived = new Map<Dataset, Dataset>();
  const of = (dataset: Dataset): Dataset => {
    let own = derived.get(dataset);
    if (!own) {
      const clash = dataset.columns.find(({ name }) => made.includes(name));
      if (clash)
        throw new UsageError(
          `--ctr creates a column '${clash.name}', but the log already has a column of that name`,
        );
      const { roles } = dataset;
      const [fields, numeric] = [roles.fields, roles.numeric].map((names) =>
        names.filter((name) => !gone.has(name)),
      ) as [string[], string[]];
      own = {
        ...withTargetStatistics(dataset, statistics, dataset === train.dataset ? values : undefined),
        roles: { ...roles, fields, numeric: [...numeric, ...made] },
      };
      derived.set(dataset, own);
    }
    return own;
  };
  return { statistics, of };
}

async function chooseCtrPairs(
  { train, valid }: { train: LabelledPart; valid: LabelledPart | undefined },
  target: Target,
  ctr: CtrFlags,
  job: CtrJob,
): Promise<ChosenPair[]> {
  const { task, classes } = target;
  const { roles } = train.dataset;
  const whole = roles.numeric.filter((name) => numDistinct(train.dataset, name, train.rows) > 0);
  const fields = [...roles.fields, ...whole];
  if (fields.length < 2)
    throw new UsageError(
      `--ctr-pairs needs at least two columns of categories or whole numbers, but there ${fields.length === 1 ? `is only '${fields[0]!}'` : "is none"}: ` +
        "name them with --fields, or with --ctr",
    );
  const [order] = rowOrders(train, 1, job.seed);
  const squared = task === "regression";
  const most = ctr.most === "auto" ? AUTO_PAIRS : ctr.most!;
  const { pairs, others, likeKeys, considered } = choosePairs(train, order!, {
    columns: fields,
    without: ctr.columns,
    most,
    squared,
    classes,
  });
  if (considered)
    job.note(
      `--ctr-pairs considered ${considered.length} of ${fields.length} columns, those with the largest effects: ${considered.join(", ")}`,
    );
  if (likeKeys.length > 0) {
    const rest = likeKeys.length - MOST_NAMED;
    job.note(
      `--ctr-pairs left out pairs that are different in nearly every training row, like a key of the rows: ` +
        `${likeKeys.slice(0, MOST_NAMED).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`,
    );
  }
  const loss = squared ? "squared error" : "log loss";
  const chosen = pairs.map(({ pair, gain }) => `${pair} (${loss} -${gain!.toPrecision(2)})`);
  const found = await byTrees({ train, valid }, target, ctr, pairs, others, order!, job);
  const { areWorse, more } = found;
  // pairs that trees use together stand for themselves
  if (areWorse && !more) {
    job.note(
      `--ctr-pairs chose no pair: ${chosen.join(", ")} predict training rows, but trees with them are no better on ` +
        "held-out rows",
    );
    return [];
  }
  if (pairs.length > 0) job.note(`--ctr-pairs chose ${chosen.join(", ")}`);
  if (more) {
    const { gain, error, numRows } = more;
    const held = `${numRows} ${valid ? "validation" : "held-out training"} rows`;
    job.note(
      `--ctr-pairs chose ${more.pairs.length} ${pairs.length > 0 ? "more pairs" : "pairs"} that trees use, of which none is ` +
        `significant alone: ${more.pairs.join(", ")} (${loss} of ${held} -${gain.toPrecision(2)}, 95 % interval ` +
        `-${(gain + 1.96 * error).toPrecision(2)} to -${(gain - 1.96 * error).toPrecision(2)})`,
    );
    return [...pairs, ...more.pairs.map((pair) => ({ pair }))];
  }
  if (pairs.length === 0)
    job.note(
      "--ctr-pairs chose no pair: none predicts training rows better than its columns do, and trees with all that they " +
        "use are no better on held-out rows",
    );
  return pairs;
}

/** Checks significant pairs by trees, and finds others that improve trees. */
async function byTrees(
  { train, valid }: { train: LabelledPart; valid: LabelledPart | undefined },
  target: Target,
  ctr: CtrFlags,
  pairs: readonly ChosenPair[],
  others: readonly { pair: string; size: number }[],
  order: GroupedRowOrder,
  job: CtrJob,
): Promise<PairsByTrees> {
  let combinations = 0;
  const candidates = others
    .slice(
      0,
      Math.min(ctr.most === "auto" ? MAX_PAIRS : ctr.most! - pairs.length, mostCandidates(train.rows.length)),
    )
    .filter(({ size }) => (combinations += size) <= MAX_COMBINATIONS / 2)
    .map(({ pair }) => pair);
  return await pairsByTrees(
    valid ? { train, valid } : withHeldOutRows(train, order),
    pairs.map(({ pair }) => pair),
    candidates,
    (parts, named) => {
      const { statistics, of } = madeColumns(
        parts.train,
        [...ctr.columns, ...named],
        ctr,
        job.seed,
        target.classes,
      );
      const ofPair = (pair: string) =>
        statistics.filter(({ columns }) => columns.join("*") === pair).map(({ name }) => name);
      return {
        train: { ...parts.train, dataset: of(parts.train.dataset) },
        valid: { ...parts.valid, dataset: of(parts.valid.dataset) },
        made: new Map(named.map((pair) => [pair, ofPair(pair)])),
      };
    },
    { ...job, prediction: target },
  );
}

function keyWarnings(statistics: readonly TargetStatistics[], numRows: number): string[] {
  const keys = statistics.filter(({ sums }) => sums.length > KEY_SHARE * numRows);
  return [...new Set(keys.map(({ columns }) => columns.join("*")))].map(
    (name) =>
      `--ctr ${name} is different in nearly every training row, like a key of the rows: its mean target is that of no ` +
      "other row and predicts nothing, so leave it out",
  );
}

/** Numeric columns in combinations are read as ids: trees can no longer split on their ranges. */
function numberWarnings(dataset: Dataset, names: readonly string[]): string[] {
  const combined = new Set(
    names.map(parseCombination).flatMap((columns) => (columns.length > 1 ? columns : [])),
  );
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

/** Names of id columns: `campaign_id`, `store code`, `SKU`; and `storeId`. */
const ID_NAMES = [/(?:^|[^a-z0-9])(?:id|uid|sku|zip|zipcode|code)$/i, /[a-z](?:Id|ID)$/];
/** Trees can separate these one by one. */
const FEW_VALUES = 50;

/** Trees split on ranges of ids, which have no meaning. @param named by --numeric: the user wants these as numbers */
export function idColumnWarnings(dataset: Dataset, rows: Uint32Array, named: readonly string[]): string[] {
  const { roles } = dataset;
  const isNamed = (name: string) => named.some((text) => text === name || text.startsWith(`${name}:`));
  const found = roles.numeric.filter((name) => {
    if (isNamed(name) || !ID_NAMES.some((form) => form.test(name))) return false;
    return numDistinct(dataset, name, rows) > FEW_VALUES;
  });
  // the suggested --fields and --numeric are complete lists, because a list with only the id would drop all other
  // columns
  const fields = [...roles.fields, ...found].join(",");
  const rest = roles.numeric.filter((name) => !found.includes(name));
  const lists = [`--fields '${fields}'`, ...(rest.length > 0 ? [`--numeric '${rest.join(",")}'`] : [])];
  return found.map(
    (name) =>
      `column '${name}' is numeric but looks like an id: use ${lists.join(" ")} to treat its values as categories, ` +
      `--ctr ${name} to replace them with their mean target, or --numeric ${name} to keep the numbers without this warning`,
  );
}

/** Columns with many keys or whole numbers, most of them in several rows, which the mean target may describe better. */
export function idLikeColumns(dataset: Dataset, rows: Uint32Array): string[] {
  const { fields, numeric } = dataset.roles;
  return [...fields, ...numeric].filter((name) => {
    const count = numDistinct(dataset, name, rows);
    return count > FEW_VALUES && 2 * count < rows.length;
  });
}

/** Number of different keys, or of whole numbers: 0 for a column that also holds other numbers. */
function numDistinct(dataset: Dataset, name: string, rows: Uint32Array): number {
  const column = columnNamed(dataset, name);
  if (column.kind !== "number") return column.dictionary.size;
  const distinct = new Set<number>();
  for (const row of rows) {
    const x = column.values[row]!;
    // a missing value is NaN, which differs from itself
    if (x === x && !Number.isInteger(x)) return 0;
    if (x === x) distinct.add(x);
  }
  return distinct.size;
}
