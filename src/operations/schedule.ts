// `embed schedule`: a pipeline file and a time → a unit of a scheduler, as text. Nothing is installed.

import { basename, dirname, extname, join, resolve } from "node:path";
import { NoInputError, UsageError } from "../errors.js";
import { pathExists } from "../io/read-artifact.js";
import { scheduleTime } from "./schedule-time.js";
import { airflow, crontab, kubernetes, systemd, type Job } from "./schedule-units.js";

export const schedulers = ["crontab", "systemd", "kubernetes", "airflow"] as const;
export type Scheduler = (typeof schedulers)[number];

export interface ScheduleOptions {
  as: Scheduler;
  /** `sun 03:00` */
  weekly?: string;
  /** `03:00` */
  daily?: string;
  /** paths of the two programs */
  node: string;
  embed: string;
  /** what the job writes is appended there; beside the pipeline when absent */
  log?: string;
  /** by the pipeline file's name when absent */
  name?: string;
  /** kubernetes: of the container */
  image?: string;
  /** airflow: a locked store skips the task */
  skipLocked?: boolean;
}

/**
 * The unit's text.
 *
 * @throws {NoInputError} there is no such pipeline file
 * @throws {UsageError} no time, a path that no unit can hold, or an option of another scheduler
 */
export async function schedule(pipeline: string, options: ScheduleOptions): Promise<string> {
  const { as, image, skipLocked = false } = options;
  const time = scheduleTime(options);
  if (skipLocked && as !== "airflow") throw new UsageError("--skip-locked goes with --as airflow");
  if (image !== undefined && as !== "kubernetes") throw new UsageError("--image goes with --as kubernetes");
  if (!(await pathExists(pipeline))) throw new NoInputError(`pipeline file '${pipeline}' does not exist`);
  const file = resolve(pipeline);
  const folder = dirname(file);
  const stem = basename(file, extname(file));
  const job: Job = {
    name: nameOf(options.name ?? stem),
    time,
    node: resolve(options.node),
    embed: resolve(options.embed),
    file,
    folder,
    log: options.log === undefined ? join(folder, `${stem}.log`) : resolve(options.log),
  };
  checkPaths(job);
  if (as === "crontab") return crontab(job);
  if (as === "systemd") return systemd(job);
  if (as === "airflow") return airflow(job, skipLocked);
  if (image === undefined)
    throw new UsageError(
      "--as kubernetes needs --image, a container image that has Node and embed (--node and --embed are their paths in it)",
    );
  return kubernetes(job, image);
}

/** The name as all schedulers take it. @throws {UsageError} nothing is left of it */
function nameOf(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 40);
  if (name === "") throw new UsageError(`--name expects letters and digits, got '${text}'`);
  return name;
}

function checkPaths({ node, embed, file, log }: Job): void {
  for (const path of [node, embed, file, log]) {
    if (/\p{Cc}/u.test(path))
      throw new UsageError(
        `${JSON.stringify(path)} holds a control character, which no unit can hold: rename it`,
      );
  }
}
