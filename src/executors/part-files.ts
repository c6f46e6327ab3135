// The program and the run's files that Spark's executors need to run a part of a command, and a check of the server.

import { basename } from "node:path";
import { UsageError } from "../errors.js";
import { filesBelow, statOf } from "../io/tree.js";
import { RUN_FOLDER } from "./part-job.js";

/** File name, in the built package, of the program that an executor runs for its part of the work. */
export const PART_SCRIPT = scriptName(new URL("./part.worker.js", import.meta.url));

/** Returns the name of a script in the built package, also if this module runs from the folder of compiled files. */
function scriptName({ pathname }: URL): string {
  return `${basename(pathname).replace(/\.c?js$/, "")}.cjs`;
}

type JobFile = Uint8Array | { path: string; size: number };

/** Returns the files of a run, by the paths at which an executor finds them in its job directory. */
export async function filesOfRun(root: string): Promise<[string, JobFile][]> {
  const paths = await filesBelow(root);
  return await Promise.all(
    paths.map(async (path): Promise<[string, JobFile]> => {
      const whole = `${root}/${path}`;
      return [`${RUN_FOLDER}/${path}`, { path: whole, size: (await statOf(whole))!.bytes }];
    }),
  );
}

/** @throws {UsageError} the engine is not a Spark Connect server */
export function checkIsSpark(engine: string): void {
  if (engine.startsWith("sc://")) return;
  throw new UsageError(
    `--engine-output needs a Spark Connect server (sc://HOST:PORT), got --engine ${engine}`,
  );
}
