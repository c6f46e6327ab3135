// What Spark's executors need to run a part of a command: the program, the job, and the files of the run.

import { basename } from "node:path";
import type { PredictOptions } from "../predict/options.js";
import type { RecallOptions } from "../recall/options.js";
import type { ListsRequest } from "../recall/requested-lists.js";
import { UsageError } from "../../base/errors.js";
import { filesBelow, statOf } from "../../base/io/tree.js";
import type { GivenTransform } from "../../training/shared-options/transform-options.js";

/** Names in an executor's job directory: the file with the job, the same for all programs, and the run's folder. */
export const [JOB_FILE, RUN_FOLDER] = ["part-job", "run"];

/**
 * Job of `embed recall`: each program makes the lists of ranked items for its share of the users. It reads the number
 * of the share, 0 to numParts - 1, from standard input.
 */
export interface ListsJob {
  command: "recall";
  given: RecallOptions;
  kept: ListsRequest["kept"];
  numParts: number;
}

/**
 * Job of `embed predict` or `embed transform`: each program processes the rows of the log that it reads from standard
 * input, as JSON lines. `named` is the name of the log in messages.
 */
export type RowsJob = { named: string } & (
  | { command: "predict"; given: PredictOptions }
  | { command: "transform"; given: GivenTransform }
);

/** The job of a command on executors. Each program of the job reads it from JOB_FILE, in V8's serialization format. */
export type PartJob = ListsJob | RowsJob;

/** File name, in the built package, of the program that an executor runs for its part of the work. */
export const PART_SCRIPT = scriptName(new URL("./part.worker.js", import.meta.url));

/** Returns the name of a script in the built package, also if this module runs from the folder of compiled files. */
function scriptName({ pathname }: URL): string {
  return `${basename(pathname).replace(/\.c?js$/, "")}.cjs`;
}

type JobFile = Uint8Array | { path: string; size: number };

/** A run's files, by the paths at which an executor finds them in its job directory. */
export async function filesOfRun(root: string): Promise<[string, JobFile][]> {
  const paths = await filesBelow(root);
  return await Promise.all(
    paths.map(async (path): Promise<[string, JobFile]> => {
      const whole = `${root}/${path}`;
      return [`${RUN_FOLDER}/${path}`, { path: whole, size: (await statOf(whole))!.bytes }];
    }),
  );
}

export function checkIsSpark(engine: string): void {
  if (engine.startsWith("sc://")) return;
  throw new UsageError(
    `--engine-output needs a Spark Connect server (sc://HOST:PORT), got --engine ${engine}`,
  );
}
