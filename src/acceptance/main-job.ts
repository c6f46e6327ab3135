// The job that the README starts with; the golden checksum and the quality bounds are about it.

import { fixture } from "../testing/places.js";

/** How `npm start` trains; package.json holds the same words. */
export const mainJobOptions = "--epochs 20 --valid 0.1 --test 0.1 --split time".split(" ");

/** `embed train-fm` of the main job, into a run directory. */
export function mainJob(run: string): string[] {
  return ["train-fm", fixture("clicks.csv"), "-o", run, ...mainJobOptions];
}

/** What `--json` prints: names that scripts rely on (docs/cli.md). */
export interface Summary {
  command: string;
  version: string;
  out: string;
  seconds: number;
  rows: number;
  options: Record<string, unknown>;
  metrics: Record<string, Record<string, number>>;
  warnings: string[];
}
