// Ranking metrics of runs and baselines on a log: each user's best items against what the log says the user took.
//
//   first run ──► training events (kept in the run, or read again) ──┬─► protocol: users, held-out items, masks
//   log, or the run's own part ──► events that count ─────────────────┘        │
//   runs and baselines ──► rankers ──► the best K of each user ──► metrics by user ──► compared

import type { Dataset } from "../../../dataset/dataset.js";
import type { Preprocess } from "../../../dataset/vocabulary/preprocess.js";
import type { Run } from "../../../embedding/run-directory.js";
import { UsageError } from "../../../errors.js";
import {
  baselineRanker,
  checkBaseline,
  checkBaselines,
  needsRepeats,
  type BaselineName,
} from "../../../evaluation/baselines/baselines.js";
import type { FilterChoices } from "../../../solvers/graph-filter/graph-filter.js";
import { compare, type Compared, type Measured } from "../../../evaluation/comparison.js";
import { exposureMetrics } from "../../../evaluation/exposure.js";
import { rankLists, type Ranker } from "../../../evaluation/rankers.js";
import { rankingMetrics } from "../../../evaluation/ranking.js";
import { historyWith } from "../../../sampling/ranking-events.js";
import {
  eventsOfRows,
  eventsOfSource,
  pairEventsOf,
  type TrainingEvents,
} from "../../../sampling/training-events.js";
import { capable } from "../../../trainers/index.js";
import { candidateRanking, type CandidateRanking } from "./candidates.js";
import type { CandidateCounts } from "../../../training/reading/candidates.js";
import {
  cellsBesideLog,
  openKeysAsTrained,
  type FurtherLog,
  openAsTrained,
} from "../../../training/reading/open-as-trained.js";
import { counting } from "../../counted-events.js";
import { checkRanks, rankerOfRun } from "./contenders.js";
import { foldedVectors, knownUsers } from "./fold-in.js";
import { foldingNotes, foldingOf, type FoldedUsers, type Folding } from "./new-users.js";
import type { EvaluateOptions } from "../options.js";
import type { Part } from "../../../training/examples/examples.js";
import { leakNotes } from "../../../training/warnings/leaks.js";
import { readNegatives } from "../../../training/examples/item-file.js";
import { silently, wholeOf, type SplitParts } from "../../../training/reading/split-parts.js";
import type { Watch } from "../../../training/session/watch.js";
import { checkTimes, queryItems, queryOf, queryWarnings, timedFlag, type Query } from "../query.js";
import { rankingProtocol, type RankingProtocol } from "../ranking-protocol.js";
import type { Contestant } from "../../../training/judging/evaluate-scores.js";
import { logOfPart, partNamed, partsOfRun } from "../../../training/reading/run-parts.js";

/** What a run cannot do that keeps nothing of how users' events became its features. */
export const NO_EVENTS = "cannot say which items users took";

/** Who was evaluated, and who was not. */
export interface EvaluatedUsers {
  judged: number;
  /** users of training without a held-out item */
  withoutHeldOut: number;
  /** of these, users whose held-out items are all masked */
  heldOutMasked: number;
  /** users of the log without training events */
  withoutTraining: number;
  /** share of the held-out events that repeat a training one */
  repeatShare: number;
  /** of --fold-in-share */
  foldIn?: FoldedUsers;
  /** of --candidates */
  candidates?: CandidateCounts;
}

export interface RankingResult {
  compared: Compared[];
  users: EvaluatedUsers;
  warnings: string[];
  rows: number;
}

/**
 * Ranks by each run and baseline.
 *
 * @throws {UsageError} a run cannot rank, or the training events of the first one are not to be had
 */
export async function evaluateRuns(
  runs: readonly Contestant[],
  options: EvaluateOptions,
  watch: Watch,
): Promise<RankingResult> {
  const { ks, threads } = { ks: options.k ?? [20], threads: options.reading.threads };
  const { signal } = watch;
  const { seed = 1, easeL2 } = options;
  const baselines = checkBaselines(options.baselines ?? []);
  const filter = filterChoices(options, baselines);
  const late = baselines.find(needsRepeats);
  if (late && options.repeats !== "allow")
    throw new UsageError(
      `--baseline ${late} recommends items that users already have: it needs --repeats allow`,
    );
  const query = queryOf(options);
  const folds = options.foldInShare !== undefined;
  const { scoring = options.eachItsWay ? ("own" as const) : ("model" as const) } = options;
  const how = { scoring, table: options.table, query, folds };
  // what cannot rank is refused before a log is read
  for (const { run } of runs) await checkRanks(run, how);
  const first = runs[0]!.run;
  const preprocess = await (await capable(first, "preprocess", NO_EVENTS))(first);
  const held = await protocolOf(runs, preprocess, options, query, watch);
  const { protocol: all, learned, folding, warnings, rows } = held;
  warnings.push(...otherTraining(runs));
  const { history, counts } = learned;
  for (const name of baselines)
    warnings.push(...(await checkBaseline(name, { history, counts }, { filter, threads })));

  const among =
    options.candidates === undefined
      ? undefined
      : await amongCandidates(runs[0]!.run, all, preprocess, options, watch);
  if (among) warnings.push(...among.warnings);
  const { protocol = all, lists } = among ?? {};
  const queries = queryItems(protocol, query);
  const top = Math.max(1, Math.min(Math.max(...ks), counts.length));
  const measure = async (name: string, kind: Measured["kind"], ranker: Ranker): Promise<Measured> => {
    const { items: ranked } = lists
      ? await rankLists(ranker, lists, top, { threads, signal })
      : await ranker.top(protocol.masks, top, { threads, signal });
    signal.throwIfAborted();
    return {
      name,
      kind,
      byUser: protocol.users.length > 0 ? rankingMetrics(ranked, top, ks, protocol.heldOut) : [],
      others: lists ? {} : exposureMetrics(ranked, top, ks, counts),
    };
  };
  const measured: Measured[] = [];
  for (const { run, name, table } of runs) {
    const { folded, warnings: of = [] } = folding
      ? await foldedVectors({ run, name }, protocol.users, folding, folding.log, watch)
      : {};
    const by = { ...how, inPlace: table, folded };
    const { ranker, warnings: own } = await rankerOfRun(run, protocol, queries, by);
    warnings.push(...[...of, ...own].map((text) => (runs.length > 1 ? `${name}: ${text}` : text)));
    measured.push(await measure(name, "run", ranker));
  }
  const pairEvents = baselines.includes("user-history") ? pairEventsOf(learned) : undefined;
  const input = {
    counts,
    history,
    pairEvents,
  };
  for (const name of baselines) {
    watch.observe({ stage: "note", text: `ranks by ${name}` });
    const note = (text: string) => watch.observe({ stage: "note", text });
    const choices = { seed, easeL2, filter, threads, signal, note };
    const rankerFor = await baselineRanker(name, input, choices);
    const ranker = await rankerFor({ users: protocol.users, queries });
    measured.push(await measure(name, "baseline", ranker));
  }
  const numUsers = protocol.users.length;
  return {
    compared: compare(measured, numUsers, { samples: options.bootstrap ?? 1000, seed }),
    users: {
      judged: numUsers,
      withoutHeldOut: protocol.withoutHeldOut,
      heldOutMasked: protocol.heldOutMasked,
      withoutTraining: protocol.unknownUsers,
      repeatShare: protocol.repeatShare,
      foldIn: folding?.counts,
      candidates: among?.counts,
    },
    warnings,
    rows,
  };
}

interface HeldProtocol {
  protocol: RankingProtocol;
  /** what baselines learn from */
  learned: TrainingEvents;
  /** of new users, with what their events are read from */
  folding?: Folding & { log: FurtherLog };
  warnings: string[];
  rows: number;
}

/** What is evaluated, and what training has. */
export interface OpenedLog {
  /** every row of the log or part, and those that count */
  whole: Part;
  part: Part;
  /** rows of --mask that count */
  masked: Part | undefined;
  training: TrainingEvents;
  /** of --part: all parts of the run's training */
  own: SplitParts["parts"] | undefined;
  /** how the log is read */
  log: Omit<FurtherLog, "on">;
}

/**
 * Reads the log or part, and the training events of the first run.
 *
 * @param how.withTimes the log's times are needed @param how.timed the flag that needs those of training
 * @param how.wanted why training's events are needed, a clause of a message
 */
export async function openLogOf(
  run: Run,
  preprocess: Preprocess,
  options: EvaluateOptions,
  { withTimes, timed, wanted }: { withTimes: boolean; timed?: string | undefined; wanted: string },
  watch: Watch,
): Promise<OpenedLog> {
  const { user, item } = preprocess.roles;
  if (user === undefined || item === undefined) {
    throw new UsageError(
      `run '${run.path}' has no ${user === undefined ? "user" : "item"} column: train it with --user and --item`,
    );
  }
  const { on, part: partName, mask, reading, hashKeys, maxBad, badRows, positiveFrom } = options;
  const log = { reading, hashKeys, maxBad };
  const readAll = async (logs: string[], timesToo: boolean, how: Pick<FurtherLog, "limitsUsers"> = {}) => {
    const like = { on: logs, ...log, badRows, timed: timesToo, ...how };
    return wholeOf((await openAsTrained(preprocess, like, silently(watch))).dataset);
  };
  const read = async (logs: string[], timesToo = false) =>
    counting(await readAll(logs, timesToo), preprocess, positiveFrom);

  const again = (why: string) => partsOfRun(run, { reading, hashKeys }, why, watch);
  const own = partName && (await again(`--part ${partName} needs the training log`));
  const held = own && partNamed(run, own, partName!);
  const whole = held ?? (await readAll(on!, withTimes, { limitsUsers: true }));
  const part = counting(whole, preprocess, positiveFrom);
  const masked = mask && (await read(mask));
  return { whole, part, masked, training: await trainingEvents(), own, log };

  // what users have: kept in the run, or in the log that it was trained on, or else in what is masked
  async function trainingEvents(): Promise<TrainingEvents> {
    if (own) return eventsOfPart(own.train);
    if (preprocess.negatives && !needsEvents(options) && !timed)
      return eventsOfSource(await readNegatives(run, preprocess));
    try {
      return eventsOfPart((await again(wanted)).train);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      if (preprocess.negatives && !timed) return eventsOfSource(await readNegatives(run, preprocess));
      if (mask && timed) {
        const { dataset, rows } = await read(mask, true);
        return eventsOfRows(dataset, rows, true);
      }
      if (masked) return eventsOfRows(masked.dataset, masked.rows);
      throw new UsageError(`${error.message}: name it with --mask LOG`, { cause: error });
    }
  }
  function eventsOfPart(train: Part): TrainingEvents {
    const { dataset, rows } = counting(train, preprocess, positiveFrom);
    return eventsOfRows(dataset, rows, timed !== undefined);
  }
}

/** Reads the log and the training events, by the first run. */
async function protocolOf(
  runs: readonly Contestant[],
  preprocess: Preprocess,
  options: EvaluateOptions,
  query: Query | undefined,
  watch: Watch,
): Promise<HeldProtocol> {
  const { run } = runs[0]!;
  const { on, part: partName, reading, hashKeys, repeats, foldInShare: share } = options;
  const timed = timedFlag(query);
  const wanted = timed
    ? `${timed} needs the times of the users' events`
    : share === undefined
      ? "items that users have in training are masked"
      : "users with training events are skipped, and items of the training are ranked";
  const how = { withTimes: share !== undefined, timed, wanted };
  const { whole, part, masked, training, own, log } = await openLogOf(run, preprocess, options, how, watch);
  checkTimes(query, training);
  const held = own !== undefined;
  if (share !== undefined) {
    const known = await knownUsers(runs, training);
    const cut = foldingOf(training, whole, part.rows, known, share);
    for (const text of foldingNotes(cut.counts, whole)) watch.observe({ stage: "note", text });
    const masks = masked ? historyWith(cut.training, masked) : cut.training.history;
    const judged = { dataset: whole.dataset, rows: cut.heldOut };
    const protocol = rankingProtocol(cut.training, masks, judged, "mask");
    tellWithout(protocol, watch);
    return {
      protocol,
      learned: training,
      folding: {
        ...cut,
        log: partName ? await logOfPart(run, partName, { reading, hashKeys }) : { on: on!, ...log },
      },
      warnings: held ? [] : validationUsers(run, whole.dataset, preprocess.sides.length),
      rows: whole.dataset.numRows,
    };
  }
  const protocol = rankingProtocol(
    training,
    masked ? historyWith(training, masked) : training.history,
    part,
    repeats,
  );
  const { unknownUsers } = protocol;
  const warnings = held ? [] : leakNotes(run, part.dataset, preprocess.sides.length);
  const between = partName === "test" ? own?.valid : undefined;
  warnings.push(...queryWarnings(query, protocol, { part, between }, options));
  if (unknownUsers > 0)
    warnings.push(
      `skipped ${unknownUsers} users without training events: --fold-in-share 0.8 evaluates them by folding ` +
        "in their first items",
    );
  tellWithout(protocol, watch);
  return { protocol, learned: training, warnings, rows: part.dataset.numRows };
}

/** Tells how many users have nothing to be found. */
function tellWithout({ withoutHeldOut, heldOutMasked }: RankingProtocol, { observe }: Watch): void {
  if (withoutHeldOut === 0) return;
  const masked = heldOutMasked > 0 ? `; for ${heldOutMasked} of them all held-out items are masked` : "";
  observe({ stage: "note", text: `skipped ${withoutHeldOut} users without a held-out item${masked}` });
}

/** Where the log is the training's own: users of a validation part are new to the run, and have steered it. */
function validationUsers(run: Run, dataset: Dataset, numSides: number): string[] {
  if (run.manifest.split.valid === 0 || leakNotes(run, dataset, numSides).length === 0) return [];
  return [
    `run '${run.path}' was trained on this log, and users of its validation split are evaluated too, which ` +
      "biases the metrics: use --part test",
  ];
}

/** What of gf-cf and chebycf is not as published. @throws {UsageError} it is of a baseline that is not asked for */
function filterChoices(
  { filterDim, filterWeight, filterFlatness, filterPower }: EvaluateOptions,
  baselines: readonly BaselineName[],
): FilterChoices {
  const ofChebycf = [
    ["--filter-flatness", filterFlatness],
    ["--filter-power", filterPower],
  ] as const;
  const ofBoth = [
    ["--filter-dim", filterDim],
    ["--filter-weight", filterWeight],
  ] as const;
  const check = (flags: readonly (readonly [string, unknown])[], names: readonly BaselineName[]) => {
    const given = flags.find(([, value]) => value !== undefined);
    if (given && !names.some((name) => baselines.includes(name)))
      throw new UsageError(`${given[0]} needs --baseline ${names.join(" or ")}`);
  };
  check(ofChebycf, ["chebycf"]);
  check(ofBoth, ["gf-cf", "chebycf"]);
  return { dim: filterDim, weight: filterWeight, flatness: filterFlatness, power: filterPower };
}

/** Whether each event is needed, and not just who has what. */
function needsEvents({ baselines }: EvaluateOptions): boolean {
  return baselines?.includes("user-history") === true;
}

/** The protocol among the items of --candidates. */
async function amongCandidates(
  run: Run,
  protocol: RankingProtocol,
  { roles: { user, item }, hashKeys }: Preprocess,
  options: EvaluateOptions,
  watch: Watch,
): Promise<CandidateRanking> {
  const columns = { user: user!, item: item! };
  const pairs = await openKeysAsTrained(
    [options.candidates!],
    columns,
    { cells: cellsBesideLog(run, options.reading), hashKeys },
    options,
    watch,
  );
  return candidateRanking(protocol, pairs);
}

/** A sentence for each run that was not trained on what the first one was. */
function otherTraining(runs: readonly { run: Run; name: string }[]): string[] {
  const of = ({ manifest: { inputs, split } }: Run) =>
    JSON.stringify([inputs.map(({ sha256 }) => sha256), split.train]);
  const [first, ...others] = runs;
  return others
    .filter(({ run }) => of(run) !== of(first!.run))
    .map(
      ({ name }) =>
        `'${name}' was not trained on the same rows as '${first!.name}', whose items and users are evaluated`,
    );
}
