import type { UnseenCounts } from "../../dataset/rows.js";
import { rowFormats } from "../../export/row-formats.js";
import { hashedIds } from "../../training/shared-options/columns.js";
import { badRows, reading, rowsOnExecutors } from "../../training/shared-options/reading.js";
import { threads } from "../../training/shared-options/run-options.js";
import { choice, flag, list, pick, text, withCommon, type Given } from "../../options/table.js";
import type { Summary } from "../../training/session/summary.js";

const group = "Options:";

const byRow = { refused: "cannot be used here, because predict writes predictions row by row" } as const;

export const predictOptions = withCommon(
  {
    keep: list("columns", {
      help: "columns of the log to write with the predictions, such as user,item; by default the row number, from 1",
      group,
    }),
    rawScores: flag({ help: "write raw scores: log-odds, or class scores before the softmax", group }),
    model: text("file", {
      help: "use a LightGBM (text) or XGBoost (JSON) model file instead of a run, and write its raw scores",
      group,
      not: { hashKeys: true },
    }),
    ...threads,
    ...pick(hashedIds, "hashKeys"),
    ...reading,
    dedupe: { ...reading.dedupe, ...byRow },
    dedupeBy: { ...reading.dedupeBy, ...byRow },
    dedupeKeep: { ...reading.dedupeKeep, ...byRow },
    ...badRows,
    ...rowsOnExecutors,
    format: choice(rowFormats, {
      placeholder: "format",
      help: "output format; by default from the extension of -o, else csv",
      group: "Output:",
    }),
    out: text("path", { help: "file to write; - or no file is stdout", group: "Output:" }),
    force: flag({ help: "replace an existing output", group: "Output:" }),
  } as const,
  [
    ...(["keep", "rawScores", "model", "threads", "hashKeys", "inputFormat", "delimiter", "header"] as const),
    ...(["columns", "null", "onBadRow", "engine", "engineOutput", "format", "out", "force"] as const),
  ],
);

export type PredictOptions = Given<typeof predictOptions>;

export interface PredictSummary extends Summary {
  predictions: string[];
  /** number of rows that the run's --drop and --where left out, and number of malformed rows */
  leftOut: { filtered: number; bad: number };
  /** for each column, number of cells, and number of cells whose key has no training events */
  unknown: Record<string, UnseenCounts>;
}
