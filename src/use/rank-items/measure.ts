// Ranking metrics of runs and baselines on a log: compares each user's best items with the user's held-out items.
//
//   first run ──► training events (kept in the run, or read again) ──┬─► protocol: users, held-out items, masks
//   log, or a held-out split of the run ──► events that count ───────┘         │
//   runs and baselines ──► rankers ──► the best K items of each user ──► metrics by user ──► comparison

import { openKeysAsTrained, cellsBesideLog } from "../../training/reading/open-as-trained.js";
import type { Contestant } from "../../training/split-metrics/evaluate-scores.js";
import type { Dataset, ReadingStep } from "../../dataset/dataset.js";
import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import {
  baselineRanker,
  checkBaseline,
  checkBaselines,
  needsPairEvents,
  needsRepeats,
  needsTimes,
} from "../../metrics/baselines/baselines.js";
import { compare, type Compared, type Measured } from "../../metrics/comparison.js";
import { exposureMetrics, rankingMetrics } from "../../metrics/ranking.js";
import { rankLists, rescoredRanker, type Ranker } from "../../metrics/rankers.js";
import { OutOfTime, pace } from "../../metrics/pace.js";
import { orderedEvents } from "../../dataset/sequences/ordered-events.js";
import type { Steps } from "../../dataset/sequences/transitions.js";
import { NO_ITEM, type ItemLists } from "../../compute/kernels/top-items/binding.js";
import { ascending } from "../../base/numeric/indices.js";
import { historyWith } from "../../dataset/sampling/ranking-events.js";
import { pairEventsOf, type TrainingEvents } from "../../dataset/sampling/training-events.js";
import { candidateLists, type CandidateCounts } from "../../training/reading/candidates.js";
import { leakNotes } from "../../training/warnings/leaks.js";
import { logOfPart } from "../../training/reading/run-parts.js";
import type { Watch } from "../../training/session/watch.js";
import {
  cutNewUsers,
  foldedVectors,
  foldingNotes,
  knownUsers,
  type FoldedUsers,
  type Folding,
} from "./new-users.js";
import { protocolOfQueries, rankingProtocol, type RankingProtocol, type Repeats } from "./protocol.js";
import { checkTimes, queryItems, queryOf, queryWarnings, timedFlag, type Query } from "./query.js";
import { checkRanks, rankerOfRun, type Scoring } from "./run-ranker.js";
import { eventRecipe, openEvaluated, type EvaluatedLog, type LogsOfRun } from "./user-events.js";

/** Options of a ranking evaluation, with the same defaults as `embed evaluate`. */
export interface RankingEvaluation extends EvaluatedLog {
  k?: readonly number[] | undefined;
  repeats?: Repeats | undefined;
  /** share of each new user's items that are folded in; if given, new users are evaluated instead of known users */
  foldInShare?: number | undefined;
  /** file of (user, item) pairs: a user's list ranks only the user's items in it and the held-out items */
  candidates?: string | undefined;
  baseline?: readonly string[] | undefined;
  score?: Scoring | "own" | undefined;
  query?: string | undefined;
  queryHalfLife?: string | undefined;
  table?: string | undefined;
  bootstrap?: number | undefined;
  seed?: number | undefined;
  easeL2?: number | undefined;
  filterDim?: number | undefined;
  filterWeight?: number | undefined;
  filterFlatness?: number | undefined;
  filterPower?: number | undefined;
}

/** Numbers of evaluated and excluded users. */
export interface EvaluatedUsers {
  judged: number;
  /** number of training users without a held-out item */
  withoutHeldOut: number;
  /** number of training users whose held-out items are all masked */
  heldOutMasked: number;
  /** number of users in the log without training events */
  withoutTraining: number;
  /** share of the held-out events that repeat a training event */
  repeatShare: number;
  /** numbers of users and items that were folded in; only for --fold-in-share */
  foldIn?: FoldedUsers;
  /** numbers of candidates; only for --candidates */
  candidates?: CandidateCounts;
}

export interface MeasuredRankings {
  compared: Compared[];
  users: EvaluatedUsers;
  skipped: string[];
  warnings: string[];
  rows: number;
  steps: ReadingStep[];
}

/**
 * Ranks items with each run and baseline, and compares the metrics.
 *
 * @throws {UsageError} a run cannot rank, or the training events of the first run are not available
 */
export async function measureRankings(
  runs: readonly Contestant[],
  options: RankingEvaluation,
  watch: Watch,
): Promise<MeasuredRankings> {
  const { k: ks = [20], seed = 1, easeL2, foldInShare, score = "model", table } = options;
  const { threads } = options.reading;
  const { signal } = watch;
  const baselines = checkBaselines(options.baseline ?? []);
  const { filterDim: dim, filterWeight: weight, filterFlatness: flatness, filterPower: power } = options;
  const filter = { dim, weight, flatness, power };
  const late = baselines.find(needsRepeats);
  if (late && options.repeats !== "allow")
    throw new UsageError(
      `--baseline ${late} recommends items that users already have: it needs --repeats allow`,
    );
  const timedBaseline = baselines.find(needsTimes);
  if (timedBaseline && foldInShare !== undefined)
    throw new UsageError(
      `--baseline ${timedBaseline} ranks for users of the training: it cannot be combined with --fold-in-share`,
    );
  const query = queryOf(options);
  const how = { score, table, query, folds: foldInShare !== undefined };
  // rejects runs that cannot rank, before the log is read
  for (const { run } of runs) await checkRanks(run, how);
  const { run } = runs[0]!;
  const preprocess = await eventRecipe(run);
  const logs = { run, preprocess, options, watch };
  const held = await (foldInShare === undefined
    ? protocolOf(logs, query)
    : protocolOfNewUsers(logs, runs, foldInShare));
  const { protocol: all, learned, folding, warnings, rows, steps: read } = held;
  noteSkippedUsers(all, watch);
  warnings.push(...otherTraining(runs));
  const { history, counts } = learned;
  for (const name of baselines)
    warnings.push(...(await checkBaseline(name, { history, counts }, { filter, threads })));

  const among = options.candidates === undefined ? undefined : await amongCandidates(logs, all);
  if (among) warnings.push(...among.warnings);
  const { protocol = all, lists } = among ?? {};
  const queries = queryItems(protocol.training, protocol.users, query);
  const top = 1 + Math.min(Math.max(...ks), counts.length);
  const note = (text: string) => watch.observe({ stage: "note", text });
  const measure = async (
    name: string,
    kind: Measured["kind"],
    ranker: Ranker,
    timeLeft?: () => number,
  ): Promise<Measured> => {
    const ranked = lists
      ? await rankLists(ranker, lists, top, { threads, signal })
      : await ranker.top(protocol.masks, top, {
          ...{ threads, signal },
          progress: pace(`${name}: ranking for ${protocol.users.length} users`, note, timeLeft),
        });
    signal.throwIfAborted();
    return {
      name,
      kind,
      byUser: protocol.users.length > 0 ? rankingMetrics(ranked, top, ks, protocol.heldOut) : [],
      others: lists ? {} : exposureMetrics(ranked.items, top, ks, counts),
    };
  };
  const measured: Measured[] = [];
  for (const { run, name, table, shortlist } of runs) {
    const { folded, warnings: of = [] } = folding
      ? await foldedVectors({ run, name }, protocol.users, folding, folding.log, watch)
      : {};
    const by = { ...how, inPlace: table, folded };
    const { ranker, warnings: own } = await rankerOfRun(run, protocol, queries, by);
    warnings.push(...[...of, ...own].map((text) => (runs.length > 1 ? `${name}: ${text}` : text)));
    const short =
      shortlist && (await rankerOfRun(run, protocol, queries, { ...by, inPlace: shortlist })).ranker;
    measured.push(await measure(name, "run", short ? rescoredRanker(short, ranker) : ranker));
  }
  const pairEvents = baselines.some(needsPairEvents) ? pairEventsOf(learned) : undefined;
  const steps = timedBaseline && trainingSteps(learned);
  const skipped: string[] = [];
  const { timeLeft } = watch;
  /** maximum duration of the ranking by a baseline, in milliseconds */
  let ranking = 0;
  for (const name of baselines) {
    if (timeLeft && timeLeft() < ranking) {
      skipped.push(name);
      continue;
    }
    note(`ranks by ${name}`);
    const choices = { seed, easeL2, filter, threads, signal, note };
    try {
      const rankerFor = await baselineRanker(
        name,
        { counts, history, pairEvents, steps },
        { ...choices, ...(timeLeft && { timeLeft: () => timeLeft() - ranking }) },
      );
      const began = performance.now();
      const ranker = await rankerFor({ users: protocol.users, queries });
      measured.push(await measure(name, "baseline", ranker, timeLeft));
      ranking = Math.max(ranking, performance.now() - began);
    } catch (error) {
      if (!(error instanceof OutOfTime)) throw error;
      skipped.push(name);
    }
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
    ...{ skipped, warnings, rows, steps: read },
  };
}

function trainingSteps({ events, users: { size } }: TrainingEvents): Steps {
  const { users, items, times } = events!;
  const known = users.map((user, e) => (items[e] === NO_ITEM ? NO_ITEM : user));
  return orderedEvents(ascending(users.length), times, { users: known, items, numUsers: size });
}

interface HeldProtocol {
  protocol: RankingProtocol;
  learned: TrainingEvents;
  /** splits of the new users, and the log of their events; only for --fold-in-share */
  folding?: Folding & { log: Parameters<typeof foldedVectors>[3] };
  warnings: string[];
  rows: number;
  steps: ReadingStep[];
}

type RankedLogs = LogsOfRun<RankingEvaluation>;

async function protocolOf(logs: RankedLogs, query: Query | undefined): Promise<HeldProtocol> {
  const { run, preprocess, options } = logs;
  const baselines = checkBaselines(options.baseline ?? []);
  const ofBaseline = baselines.find(needsTimes);
  const timed = timedFlag(query) ?? (ofBaseline && `--baseline ${ofBaseline}`);
  const { part, masked, training, own, steps } = await openEvaluated(logs, {
    ...{ withTimes: false, timed, each: baselines.some(needsPairEvents) },
    wanted: timed
      ? `${timed} needs the times of the users' events`
      : "items that users have in training are masked",
  });
  checkTimes(timed, training);
  const masks = masked ? historyWith(training, masked) : training.history;
  const protocol = rankingProtocol(training, masks, part, options.repeats);
  const { unknownUsers } = protocol;
  const between = options.part === "test" ? own?.valid : undefined;
  const warnings = own ? [] : leakNotes(run, part.dataset, preprocess.sides.length);
  warnings.push(...queryWarnings(query, protocol, { part, between }, options));
  if (unknownUsers > 0)
    warnings.push(
      `skipped ${unknownUsers} users without training events: --fold-in-share 0.8 evaluates them by folding ` +
        "in their first items",
    );
  return { protocol, learned: training, warnings, rows: part.dataset.numRows, steps };
}

/** Creates the protocol for users whom no run knows; the first items of each user are folded in. */
async function protocolOfNewUsers(
  logs: RankedLogs,
  runs: readonly Contestant[],
  share: number,
): Promise<HeldProtocol> {
  const { run, preprocess, options, watch } = logs;
  const { whole, part, masked, training, own, steps } = await openEvaluated(logs, {
    withTimes: true,
    wanted: "users with training events are skipped, and items of the training are ranked",
  });
  const known = await knownUsers(runs, training);
  const cut = cutNewUsers(training, whole, part.rows, known, share);
  for (const text of foldingNotes(cut.counts, whole)) watch.observe({ stage: "note", text });
  const masks = masked ? historyWith(cut.training, masked) : cut.training.history;
  const heldOut = { dataset: whole.dataset, rows: cut.heldOut };
  const { on, part: name, reading, hashKeys, maxBad } = options;
  return {
    protocol: rankingProtocol(cut.training, masks, heldOut, "mask"),
    learned: training,
    folding: {
      ...cut,
      log: name ? await logOfPart(run, name, options) : { on: on!, reading, hashKeys, maxBad },
    },
    warnings: own ? [] : validationUsers(run, whole.dataset, preprocess.sides.length),
    rows: whole.dataset.numRows,
    steps,
  };
}

function noteSkippedUsers({ withoutHeldOut, heldOutMasked }: RankingProtocol, { observe }: Watch): void {
  if (withoutHeldOut === 0) return;
  const masked = heldOutMasked > 0 ? `; for ${heldOutMasked} of them all held-out items are masked` : "";
  observe({ stage: "note", text: `skipped ${withoutHeldOut} users without a held-out item${masked}` });
}

/** Warns if the run was trained on this log: its early stopping used validation users, who are new users too. */
function validationUsers(run: Run, dataset: Dataset, numSides: number): string[] {
  if (run.manifest.split.valid === 0 || leakNotes(run, dataset, numSides).length === 0) return [];
  return [
    `run '${run.path}' was trained on this log, and users of its validation split are evaluated too, which ` +
      "biases the metrics: use --part test",
  ];
}

interface CandidateRanking {
  protocol: RankingProtocol;
  lists: ItemLists;
  counts: CandidateCounts;
  warnings: string[];
}

/** @throws {UsageError} the errors of candidateLists */
async function amongCandidates(logs: RankedLogs, protocol: RankingProtocol): Promise<CandidateRanking> {
  const { run, preprocess, options, watch } = logs;
  const { user, item } = preprocess.roles;
  const how = { cells: cellsBesideLog(run, options.reading), hashKeys: preprocess.hashKeys };
  const columns = { user: user!, item: item!, flag: "--candidates" };
  const pairs = await openKeysAsTrained([options.candidates!], columns, how, options, watch);
  const { kept, ...found } = candidateLists(protocol.training, protocol, pairs);
  return { protocol: protocolOfQueries(protocol, kept), ...found };
}

/** Warns about each run that was trained on other rows than the first run. */
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
