// What `embed report` is asked.

import type { Leaderboard } from "../../evaluation/leaderboard.js";
import type { ReadOptions } from "../../log/log.js";

/** Maps that a page can have of a run. */
export const mapChoices = ["both", "pca", "umap"] as const;
export type MapChoice = (typeof mapChoices)[number];

export interface ReportOptions {
  /** the file of the page, or what it is called where `write` takes it */
  out: string;
  /** takes the page in place of a file */
  write?: (page: Uint8Array) => Promise<void>;
  /** replace it */
  force: boolean;
  /** the log that calibration is measured on; the training's own held-out part when absent */
  on?: string[] | undefined;
  /** which of these; by default test, else valid; none measures nothing, and reads no log */
  part?: "valid" | "test" | "none" | undefined;
  /** bins of the calibration curve; 10 when absent */
  bins?: number;
  /** the field that is drawn; the items' when absent, else the one of most rows */
  field?: string;
  /** files of what keys are called, FILE:FIELD[=KEY]:COLUMN, one a field */
  names?: string[];
  /** a file of labels of the drawn field's keys, FILE:FIELD[=COLUMN] */
  labels?: string;
  /** its column that gives colours */
  labelColumn?: string;
  /** which maps are drawn; both when absent */
  map?: MapChoice;
  /** keys whose neighbours are listed; the most frequent when absent */
  keys?: string[];
  /** neighbours a key */
  top: number;
  /** keys that are drawn at most: of more, those whose keys have the least hashes */
  points: number;
  /** an earlier run that all are compared with; by default the version before, of runs in a store */
  against?: string;
  /** of runs with several tables */
  table?: string;
  /** the file with the secret of a run whose ids are hashed */
  hashKeys?: string;
  /** of `embed compare`: what was compared, the runs among it */
  leaderboard?: Leaderboard;
  /** by the path of a run: the versions that led to it, the oldest first, itself the last */
  history?: ReadonlyMap<string, readonly { version: string; path: string }[]>;
  reading: ReadOptions;
}

/** What the command sums up; --json prints it. */
export interface ReportSummary {
  command: "report";
  version: string;
  out: string;
  seconds: number;
  bytes: number;
  runs: string[];
  /** what the page lacks and why */
  absent: string[];
}
