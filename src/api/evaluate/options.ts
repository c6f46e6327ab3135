// What `embed evaluate` is asked, and what cannot be asked together.

import { flagOf, UsageError } from "../../errors.js";
import type { ReadOptions } from "../../log/log.js";
import type { BadRowReport } from "../../training/bad-row-report.js";
import type { Scoring } from "./contenders.js";
import type { Repeats } from "./ranking-protocol.js";

export interface EvaluateOptions {
  /** the log to measure on; absent where a part of the training's own is */
  on?: string[] | undefined;
  /** the validation or the test part that the first run's training held out, read again */
  part?: "valid" | "test" | undefined;
  /** rank all items for each user, as is done for a run of train-ranking anyway */
  ranking?: boolean;
  /** a file of labels of items, FILE:FIELD[=COLUMN]: tables are judged by it, and no log is read */
  labels?: string;
  /** its column: how many of an item's nearest share a label with it */
  neighborsBy?: string;
  /** its column: what a linear model reads of it from vectors */
  probe?: string;
  /** ranking: items a list, one or several; 20 when absent */
  k?: number[];
  /** ranking: a log whose items are left out of its users' lists, as those of training are */
  mask?: string[];
  /** ranking: whether items that a user has from training can be found again */
  repeats?: Repeats;
  /** ranking: a file of users and items; what is held out is ranked among these alone */
  candidates?: string;
  /** ranking: what else is ranked by, learned from the training events of the first run */
  baselines?: string[];
  /** ranking: of regression runs, the label from which on an event counts */
  positiveFrom?: number;
  /** ranking: how runs rank; by their models when absent */
  scoring?: Scoring;
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
  "positiveFrom",
  "query",
  "queryHalfLife",
  "table",
] as const;

/** What means nothing with one. */
const ofScores = ["logq", "bins", "curve"] as const;

/** What means nothing where tables are judged. */
const ofLogs = ["on", "part", "ranking", "baselines", "scoring", "maxBad", "badRows"] as const;

/** Whether tables are judged, and no log is read. */
export function asksForTables({ labels, neighborsBy, probe }: EvaluateOptions): boolean {
  return (labels ?? neighborsBy ?? probe) !== undefined;
}

/** @throws {UsageError} labels without a column or a column without labels, or options of logs where tables are judged */
export function checkTables(options: EvaluateOptions): void {
  const { labels, neighborsBy, probe } = options;
  if (labels === undefined)
    throw new UsageError(
      `${neighborsBy === undefined ? "--probe" : "--neighbors-by"} names a column of a file of labels: name the file too, --labels FILE:item`,
    );
  if (neighborsBy === undefined && probe === undefined)
    throw new UsageError(
      "say which column of --labels to judge by: --neighbors-by COLUMN, --probe COLUMN or both",
    );
  const ofRankings = ofRanking.filter((name) => name !== "k" && name !== "table");
  const flags: Partial<Record<string, string>> = { baselines: "--baseline", scoring: "--score" };
  const told = [...ofLogs, ...ofRankings, ...ofScores].filter((name) => options[name] !== undefined);
  if (told.length > 0)
    throw new UsageError(
      `${told.map((name) => flags[name] ?? flagOf(name)).join(" and ")} ${told.length > 1 ? "are" : "is"} for logs, and --labels judges tables alone`,
    );
  if (options.k !== undefined && neighborsBy === undefined)
    throw new UsageError("--k counts neighbours, which --neighbors-by COLUMN asks for");
}

/** @throws {UsageError} options of scored rows where items are ranked, or a table where contexts rank */
export function checkRanking(options: EvaluateOptions): void {
  const { scoring = "model", table } = options;
  if (table !== undefined && (scoring === "context" || scoring === "model"))
    throw new UsageError(
      `--table is for --score dot and cosine: ${scoring === "model" ? "a model ranks by tables of its own" : "--score context takes the default table and the one of contexts"}`,
    );
  const told = ofScores.filter((name) => options[name] !== undefined);
  if (told.length > 0)
    throw new UsageError(
      `${told.map(flagOf).join(" and ")} ${told.length > 1 ? "are" : "is"} for scored rows, not for a ranking`,
    );
}

/** Whether the options ask for a ranking by themselves. */
export function asksForRanking({ ranking, baselines, scoring, candidates }: EvaluateOptions): boolean {
  return ranking === true || baselines !== undefined || scoring !== undefined || candidates !== undefined;
}

/** @throws {UsageError} options of ranking where rows are scored */
export function checkScoring(options: EvaluateOptions): void {
  const told = ofRanking.filter((name) => options[name] !== undefined);
  const flags = told.map(flagOf);
  if (told.length > 0)
    throw new UsageError(`${flags.join(" and ")} ${told.length > 1 ? "are" : "is"} for --ranking`);
}

/** @throws {UsageError} neither a log nor a part is named, or both */
export function checkLog({ on, part }: Pick<EvaluateOptions, "on" | "part">): void {
  if (on && part)
    throw new UsageError("--on names a log, --part one of the run's own parts: give one of them");
  if (!on && !part)
    throw new UsageError("say what to measure on: --on LOG, or --part test for what the training held out");
}
