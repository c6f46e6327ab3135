// The training that the README shows first. Other tests compare its checksum with the golden one, and its metrics with
// bounds.

import { fixture } from "../testing/places.js";

/** The options of `npm start`, the same as in package.json. */
export const mainJobOptions = "--epochs 20 --valid 0.1 --test 0.1 --split time".split(" ");

/** Returns the arguments of the README's first training, with the given run directory. */
export function mainJob(run: string): string[] {
  return ["train-fm", fixture("clicks.csv"), "-o", run, ...mainJobOptions];
}

/** The output of `--json`, with the names that scripts rely on (docs/cli.md). */
export interface TrainedSummary {
  command: string;
  version: string;
  out: string;
  seconds: number;
  rows: number;
  options: Record<string, unknown>;
  metrics: Record<string, Record<string, number>>;
  warnings: string[];
}
