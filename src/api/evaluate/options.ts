// What `embed evaluate` is asked, and what cannot be asked together.

import { flagOf, UsageError } from "../../errors.js";
import { edgeScorings } from "../../evaluation/edge-scores.js";
import type { NonEdgeKind } from "../../evaluation/edges.js";
import type { ReadOptions } from "../../log/log.js";
import type { BadRowReport } from "../../training/reading/bad-row-report.js";
import type { Scoring } from "../../ranking/run-ranker.js";
import { content, type ContentOptions } from "../../training/options/content-options.js";
import type { Repeats } from "../../ranking/protocol.js";

export interface EvaluateOptions extends ContentOptions {
  /** the log to measure on; absent where a part of the training's own is */
  on?: string[] | undefined;
  /** the validation or the test part that the first run's training held out, read again */
  part?: "valid" | "test" | undefined;
  /** rank all items for each user, as is done for a run of train-ranking anyway */
  ranking?: boolean;
  /** a file of labels of items, FILE:FIELD[=COLUMN]: tables are evaluated on it, and no log is read */
  labels?: string;
  /** its column: how many of an item's nearest share a label with it */
  neighborsBy?: string;
  /** its column: what a linear model reads of it from vectors */
  probe?: string;
  /** probe: share of the items that train, in place of 0.8 by a hash */
  probeTrain?: number;
  /** probe: how often items are shuffled into both parts; once when absent */
  probeRepeats?: number;
  /** probe: vectors as they are, their dimensions not standardized */
  probeRaw?: boolean;
  /** a directory of embed index: what it finds is evaluated beside a look at every row */
  index?: string;
  /** index: candidates that its searches remember, one number or several; 32, 64 and 128 when absent */
  ef?: number[];
  /** files of held-out edges: tables are evaluated on them */
  edges?: string[];
  /** edges: the columns of their ends; `source` and `target`, else the first two, when absent */
  source?: string;
  target?: string;
  /** edges: an edge and its reverse are two pairs */
  directed?: boolean;
  /** edges: files of edges that are no non-edges, those of the training */
  knownEdges?: string[];
  /** edges: how non-edges are drawn; `uniform` when absent */
  nonEdges?: NonEdgeKind;
  /** edges: csv of further nodes with vectors, a file a run in their order */
  newNodes?: string[];
  /** edges: the field of the nodes; the item's, or the only one, when absent */
  field?: string;
  /** ranking: items a list, one or several; 20 when absent */
  k?: number[];
  /** ranking: a log whose items are left out of its users' lists, as those of training are */
  mask?: string[];
  /** ranking: whether items that a user has from training can be found again */
  repeats?: Repeats;
  /** ranking: users whom no run knows are evaluated, and the first items of each, this share of them, are folded in */
  foldInShare?: number;
  /** ranking: items that training has not seen are evaluated, with so many events of each known */
  cold?: number[];
  /** ranking: a file of users and items; what is held out is ranked among these alone */
  candidates?: string;
  /** ranking: what else is ranked by, learned from the training events of the first run */
  baseline?: string[];
  /** ranking: of regression runs, the label from which on an event counts */
  positiveFrom?: number;
  /** ranking: how runs rank; by their models when absent */
  score?: Scoring;
  /** ranking by tables: user, history, last or last:N; the user's row where the table has users, else the history, when absent */
  query?: string;
  /** of a query of several items: a span such as 30d, in which an item's weight halves by its age before the user's latest event */
  queryHalfLife?: string;
  /** ranking: the table of it, in runs of several */
  table?: string;
  /** scores of events against drawn negatives: correct for how they were drawn */
  logq?: boolean;
  /** bins of the calibration curve; 10 when absent */
  bins?: number;
  /** a file for that curve, CSV */
  curve?: string;
  /** replace it */
  force?: boolean;
  /** how often users are drawn again for the intervals; 0 for none */
  bootstrap?: number;
  /** names these draws and the baseline random */
  seed?: number;
  /** penalty of the baseline ease; 500 when absent */
  easeL2?: number;
  /** of the baselines gf-cf and chebycf: eigenvectors whose ideal filter is added, and its weight; as published when absent */
  filterDim?: number;
  filterWeight?: number;
  /** of the baseline chebycf: how flat its plateau is, and the power of items' degrees; as published when absent */
  filterFlatness?: number;
  filterPower?: number;
  /** the file with the secret of a run whose ids are hashed */
  hashKeys?: string;
  reading: ReadOptions;
  maxBad?: number;
  badRows?: BadRowReport;
}

/** What means nothing without a ranking. */
const ofRanking = [
  "k",
  "mask",
  "repeats",
  "candidates",
  "foldInShare",
  "positiveFrom",
  "query",
  "queryHalfLife",
  "table",
] as const;

/** What means nothing without --cold. */
const ofCold = Object.keys(content) as (keyof ContentOptions)[];

/** What means nothing with one. */
const ofScores = ["logq", "bins", "curve"] as const;

/** What means nothing where tables are evaluated. */
const ofLogs = ["on", "part", "ranking", "baseline", "score", "maxBad", "badRows"] as const;

/** What means nothing without baselines. */
const ofBaselines = ["easeL2", "filterDim", "filterWeight", "filterFlatness", "filterPower"] as const;

/** What means nothing without a probe. */
const ofProbe = ["probeTrain", "probeRepeats", "probeRaw"] as const;

/** What means nothing without edges. */
const ofEdges = ["source", "target", "directed", "knownEdges", "nonEdges", "newNodes", "field"] as const;

/** @throws {UsageError} one of these options was given, which are for something else @param why a clause: `for --edges` */
function refuseGiven(options: EvaluateOptions, names: readonly (keyof EvaluateOptions)[], why: string): void {
  const given = names.filter((name) => options[name] !== undefined);
  if (given.length === 0) return;
  const named = given.map((name) => flagOf(name)).join(" and ");
  throw new UsageError(`${named} ${given.length > 1 ? "are" : "is"} ${why}`);
}

/** @throws {UsageError} options that mean nothing where tables are evaluated on edges, or a file of new nodes too many or too few */
export function checkEdges(options: EvaluateOptions, numRuns: number): void {
  const { score = "cosine", table, newNodes } = options;
  const others = ["labels", "neighborsBy", "probe", ...ofProbe, ...ofBaselines] as const;
  const taken: readonly string[] = ["score", "table", "maxBad"];
  const ofOthers = [...ofLogs, ...ofRanking, ...ofScores].filter((name) => !taken.includes(name));
  refuseGiven(
    options,
    [...others, ...ofOthers],
    "not allowed with --edges, which evaluates only tables on edges",
  );
  if (score === "model")
    throw new UsageError(
      `--score must be one of ${edgeScorings.join(", ")} with --edges, which evaluates vectors`,
    );
  if (score === "context" && table !== undefined)
    throw new UsageError(
      "--table needs --score dot or cosine: --score context uses the default table and the context table",
    );
  if (newNodes === undefined) return;
  if (newNodes.length !== numRuns)
    throw new UsageError(
      `--new-nodes needs one file per run, in the order of the runs: got ${newNodes.length} files for ` +
        `${numRuns} runs`,
    );
  if (score === "context")
    throw new UsageError("--new-nodes needs --score cosine or dot: new nodes have no context vectors");
}

/** @throws {UsageError} options that mean nothing where new items are evaluated, or content where they are not */
export function checkCold(options: EvaluateOptions): void {
  const { cold, content: catalogue, score } = options;
  if (cold === undefined) {
    refuseGiven(options, ofCold, "only allowed with --cold, which evaluates items not seen in training");
    return;
  }
  const odd = [...ofRanking, ...ofScores, ...ofEdges, ...ofProbe, ...ofBaselines].filter(
    (name) => name !== "k" && name !== "positiveFrom",
  );
  refuseGiven(
    options,
    ["labels", "neighborsBy", "probe", "edges", "baseline", ...odd],
    "not allowed with --cold, which has its own baselines",
  );
  if (score === "context")
    throw new UsageError("--score context cannot be combined with --cold: use --score model, dot or cosine");
  if (catalogue === undefined)
    refuseGiven(
      options,
      ofCold.filter((name) => name !== "content"),
      "only allowed with --content CATALOGUE",
    );
  if (options.on?.includes("-"))
    throw new UsageError("--cold reads the log more than once and cannot read standard input: name a file");
}

/** @throws {UsageError} options that mean nothing where an index is evaluated */
export function checkIndex(options: EvaluateOptions): void {
  const others = ["edges", "labels", "neighborsBy", "probe", ...ofProbe, ...ofBaselines, ...ofEdges] as const;
  const ofRankings = ofRanking.filter((name) => name !== "k");
  refuseGiven(
    options,
    [...others, ...ofLogs, ...ofRankings, ...ofScores, ...ofCold, "cold", "bootstrap", "hashKeys"],
    "not allowed with --index, which evaluates only the index",
  );
}

/** @throws {UsageError} options of edges where nothing is evaluated on edges, or of a probe where there is none */
export function checkOthers(options: EvaluateOptions): void {
  refuseGiven(options, ofEdges, "for --edges");
  refuseGiven(options, ["ef"], "for --index DIR");
  if (options.probe === undefined) refuseGiven(options, ofProbe, "for --probe COLUMN");
}

/** Whether tables are evaluated, and no log is read. */
export function asksForTables({ labels, neighborsBy, probe }: EvaluateOptions): boolean {
  return (labels ?? neighborsBy ?? probe) !== undefined;
}

/** @throws {UsageError} labels without a column or a column without labels, or options of logs where tables are evaluated */
export function checkTables(options: EvaluateOptions): void {
  const { labels, neighborsBy, probe } = options;
  if (labels === undefined)
    throw new UsageError(
      `${neighborsBy === undefined ? "--probe" : "--neighbors-by"} needs a label file: --labels FILE:item`,
    );
  if (neighborsBy === undefined && probe === undefined)
    throw new UsageError("--labels needs --neighbors-by COLUMN, --probe COLUMN or both");
  const ofRankings = ofRanking.filter((name) => name !== "k" && name !== "table");
  refuseGiven(
    options,
    [...ofLogs, ...ofRankings, ...ofScores],
    "not allowed with --labels, which evaluates only tables",
  );
  const { probeTrain } = options;
  if (probeTrain !== undefined && !(probeTrain > 0 && probeTrain < 1))
    throw new UsageError(`--probe-train must be between 0 and 1 (exclusive), such as 0.5, got ${probeTrain}`);
  if (options.k !== undefined && neighborsBy === undefined)
    throw new UsageError("--k needs --neighbors-by COLUMN here");
}

/** @throws {UsageError} options of scored rows where items are ranked, or a table where contexts rank */
export function checkRanking(options: EvaluateOptions): void {
  const { score = "model", table } = options;
  if (table !== undefined && (score === "context" || score === "model"))
    throw new UsageError(
      "--table needs --score dot or cosine: " +
        (score === "model"
          ? "a model uses its own tables"
          : "--score context uses the default table and the context table"),
    );
  refuseGiven(options, ofScores, "only for scored rows, but here items are ranked");
  if (options.foldInShare !== undefined) checkFoldIn(options, options.foldInShare);
}

/** @throws {UsageError} the share is none, or options that say otherwise what users are ranked by and what they have */
function checkFoldIn(options: EvaluateOptions, share: number): void {
  if (!(share > 0 && share < 1))
    throw new UsageError(`--fold-in-share must be between 0 and 1 (exclusive), such as 0.8, got ${share}`);
  const late = options.baseline?.find((name) => name === "user-history");
  if (late !== undefined)
    throw new UsageError(
      `--baseline ${late} recommends items that users already have and cannot be combined with ` +
        "--fold-in-share, which masks them",
    );
  refuseGiven(options, ["repeats"], "not allowed with --fold-in-share, which always masks folded-in items");
  refuseGiven(
    options,
    ["query", "queryHalfLife", "table"],
    "not allowed with --fold-in-share, which ranks by folded-in user vectors",
  );
  if (options.score === "context")
    throw new UsageError(
      "--score context cannot be combined with --fold-in-share: use --score model, dot or cosine",
    );
  if (options.on?.includes("-"))
    throw new UsageError(
      "--fold-in-share reads the log once per run and cannot read standard input: name a file",
    );
}

/** Whether the options ask for a ranking by themselves. */
export function asksForRanking(options: EvaluateOptions): boolean {
  const { ranking, baseline, score, candidates, foldInShare } = options;
  return ranking === true || [baseline, score, candidates, foldInShare].some((one) => one !== undefined);
}

/** @throws {UsageError} options of ranking where rows are scored */
export function checkScoring(options: EvaluateOptions): void {
  refuseGiven(options, ofRanking, "for --ranking");
}

/** @throws {UsageError} neither a log nor a part is named, or both */
export function checkLog({ on, part }: Pick<EvaluateOptions, "on" | "part">): void {
  if (on && part) throw new UsageError("--on and --part cannot be combined");
  if (!on && !part)
    throw new UsageError("no data to evaluate on: use --on LOG, or --part test for the held-out test split");
}
