// What scoring a log with a run gives, whatever its model.

import { MISSING } from "../../log/keys.js";
import type { Dataset } from "../../dataset/dataset.js";
import type { Metrics } from "../../embedding/manifest.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import type { FurtherLog } from "../reading/open-as-trained.js";
import type { CurveBin, ScoredMetrics, Units } from "../../evaluation/scored-metrics.js";

/** A run that is evaluated, under a name. */
export interface Contestant {
  run: Run;
  name: string;
  /** rows to score by in place of the run's table */
  table?: EmbeddingTable;
}

/** What a run is evaluated on: a log, or a part of its training's own. */
export interface EvaluatedOn extends Omit<FurtherLog, "on"> {
  on?: string[] | undefined;
  part?: "valid" | "test" | undefined;
  /** correct the scores of events against drawn negatives for how these were drawn */
  logq?: boolean;
  /** of the calibration curve */
  bins: number;
  /** rows to score by in place of the run's table, where the model scores by its table */
  inPlace?: EmbeddingTable | undefined;
}

/** What one run's scores of a log are worth. */
export interface Scored extends Omit<ScoredMetrics, "metrics"> {
  metrics: Metrics;
  units: Pick<Units, "kind" | "size">;
  warnings: string[];
  /** of the log */
  rows: number;
}

/** How well promised odds came true, by run. */
export type Curves = Record<string, CurveBin[]>;

/** The users of rows; rows of no user are together one. @param sources u32: rows of the dataset */
export function unitsOf({ columns, roles }: Dataset, sources: Uint32Array): Units {
  const column = columns.find(({ name }) => name === roles.user);
  if (column?.kind !== "key") {
    return { kind: "row", size: sources.length, of: Uint32Array.from(sources.keys()) };
  }
  const nobody = column.dictionary.size;
  return {
    kind: "user",
    size: nobody + 1,
    of: sources.map((row) => (column.codes[row] === MISSING ? nobody : column.codes[row]!)),
  };
}
