// `embed schedule` prints a unit of a scheduler for a pipeline file and a time. Nothing is installed.

import { basename, dirname, join, resolve } from "node:path";
import { NoInputError, UsageError, visibleText } from "../errors.js";
import { sha256Of } from "../io/fingerprint.js";
import { pathExists } from "../io/read-artifact.js";
import { airflow } from "./schedule-airflow.js";
import { crontab } from "./schedule-crontab.js";
import { MAX_NAME, scheduleTime, type Job } from "./schedule-job.js";
import type { ScheduleOptions } from "./options.js";
import { kubernetes } from "./schedule-kubernetes.js";
import { systemd } from "./schedule-systemd.js";

/**
 * Returns the text of a scheduler's unit, such as a crontab line, that runs the pipeline.
 *
 * @throws {NoInputError} there is no such pipeline file
 * @throws {UsageError} no time, a path that no unit can contain, or an option of another scheduler
 */
export async function schedule(
  pipeline: string,
  options: ScheduleOptions & { node: string; embed: string },
): Promise<string> {
  const { as, image, skipLocked = false } = options;
  const time = scheduleTime(options);
  if (!(await pathExists(pipeline))) throw new NoInputError(`pipeline file '${pipeline}' does not exist`);
  const file = resolve(pipeline);
  const folder = dirname(file);
  const name = options.name === undefined ? nameOfFile(basename(file)) : nameGiven(options.name);
  const ownLog = file.endsWith(".yaml") ? `${basename(file, ".yaml")}.log` : `embed-${name}.log`;
  const job: Job = {
    name,
    time,
    node: resolve(options.node),
    embed: resolve(options.embed),
    file,
    folder,
    log: options.log === undefined ? join(folder, ownLog) : resolve(options.log),
  };
  checkPaths(job);
  if (as === "crontab") return crontab(job);
  if (as === "systemd") return systemd(job);
  if (as === "airflow") return airflow(job, skipLocked);
  if (image === undefined)
    throw new UsageError(
      "--as kubernetes needs --image, a container image with Node and embed (at the paths --node and --embed)",
    );
  return kubernetes(job, image);
}

/** Converts a text to a name that all schedulers accept: lower-case letters, digits, and dashes between them. */
function slugOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
}

/** @throws {UsageError} no character is left, or it is too long */
function nameGiven(text: string): string {
  const name = slugOf(text);
  if (name === "" || name.length > MAX_NAME)
    throw new UsageError(`--name expects 1 to ${MAX_NAME} letters and digits, got '${text}'`);
  return name;
}

/**
 * Returns a distinct job name for each pipeline file of a folder. Unless the file is NAME.yaml, part of a hash is
 * appended.
 */
function nameOfFile(file: string): string {
  const slug = slugOf(file.replace(/\.ya?ml$/, ""));
  if (file === `${slug}.yaml` && slug.length <= MAX_NAME) return slug;
  const hash = sha256Of(file).slice(0, 6);
  return slugOf(`${slug.slice(0, MAX_NAME - 1 - hash.length)}-${hash}`);
}

function checkPaths({ node, embed, file, log }: Job): void {
  for (const path of [node, embed, file, log]) {
    if (/[\t\n]/.test(path) || visibleText(path) !== path)
      throw new UsageError(
        `${JSON.stringify(path)} contains a control or bidirectional character, which is not supported in ` +
          "units: rename it",
      );
  }
}
