import { columns, hashedIds } from "../../training/shared-options/columns.js";
import { badRows, reading } from "../../training/shared-options/reading.js";
import { choice, flag, text, texts, withCommon, type Given, type GivenTo } from "../../options/table.js";
import { wait } from "../store/options.js";

const output = "Output:";
const run = "Run:";
const telling = "Telling:";
const unit = "Options:";

export const runOptions = {
  dryRun: flag({ help: "print which steps would run and why, without writing anything", group: run }),
  force: flag({ help: "run every step, even if its inputs have not changed", group: run }),
  accept: texts("day|file", {
    help: "accept rows that gates have refused, by the day or file that the message names; repeatable",
    group: run,
  }),
  wait: { ...wait.wait, group: run },
  metricsFile: text("file", {
    help: "file to write the run's metrics to, in Prometheus text format",
    group: telling,
  }),
  onSuccess: text("command", { help: "shell command to run (/bin/sh) after success", group: telling }),
  onFailure: text("command", {
    help: "shell command to run (/bin/sh) after a failure (exit code other than 0)",
    group: telling,
  }),
  printSchema: flag({ help: "print the JSON schema of pipeline files and exit", group: telling }),
} as const;

export type RunOptions = Given<typeof runOptions>;

const recipe = "Training:";

const every = {
  from: text("file", {
    help: "page of embed compare, or its folder of runs: write the pipeline of its best embedding, or of --run",
    group: recipe,
  }),
  run: text("name", {
    help: "with --from: the run to train every week, by its name on the page",
    group: recipe,
    only: { from: true },
  }),
  like: text("run", {
    help: "write the pipeline that trains like this run: its command, options, columns and filters",
    group: recipe,
    not: { from: true },
    why: "either names the training",
  }),
  ...columns,
  ...hashedIds,
  ...reading,
  ...badRows,
  out: text("file", { help: "file to write; stdout by default", group: output }),
  force: flag({ help: "replace an existing file", group: output }),
} as const;

/** Options of `embed init`. */
export const initOptions = withCommon(every, [
  ...(["from", "run", "like", "user", "item", "label", "time", "session"] as const),
  ...(["fields", "numeric", "ignore", "where", "drop", "delimiter", "dedupeBy", "out", "force"] as const),
]);

export type InitOptions = Given<typeof initOptions>;

export const schedulers = ["crontab", "systemd", "kubernetes", "airflow"] as const;

export const scheduleOptions = {
  as: choice(schedulers, {
    placeholder: "scheduler",
    help: "scheduler to print a unit for",
    group: unit,
    required: true,
  }),
  weekly: text("time", { help: "run weekly on this day and time, such as 'sun 03:00'", group: unit }),
  daily: text("time", { help: "run daily at this time, such as 03:00", group: unit }),
  log: text("file", {
    help: "crontab, systemd: log file to append the job's output to; by default next to the pipeline file",
    group: unit,
    only: { as: ["crontab", "systemd"] },
  }),
  name: text("name", { help: "name of the unit; by default the name of the pipeline file", group: unit }),
  node: text("path", {
    help: "path to the Node executable on the machine that runs the job; by default the current one",
    group: unit,
  }),
  embed: text("path", {
    help: "path to bin/embed.js on the machine that runs the job; by default the current one",
    group: unit,
  }),
  image: text("image", {
    help: "kubernetes: container image to run",
    group: unit,
    only: { as: ["kubernetes"] },
  }),
  skipLocked: flag({
    help: "airflow: skip the task if another run holds the store's lock",
    group: unit,
    only: { as: ["airflow"] },
  }),
} as const;

export type ScheduleOptions = GivenTo<typeof scheduleOptions>;
