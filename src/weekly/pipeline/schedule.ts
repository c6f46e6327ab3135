// `embed schedule` prints a unit of a scheduler for a pipeline file and a time. Nothing is installed.

import { basename, dirname, join, resolve } from "node:path";
import { NoInputError, UsageError, visibleText } from "../../base/errors.js";
import { sha256Of } from "../../base/io/fingerprint.js";
import { pathExists } from "../../base/io/read-artifact.js";
import type { ScheduleOptions } from "./options.js";
import { stringify } from "yaml";

// The description of a scheduled job, independent of the scheduler. Paths are absolute and the environment is not used:
// cron provides no HOME, no terminal, and a PATH of /usr/bin:/bin.
//
// No unit locks: `embed run` locks the store itself, and a second writer exits with 75, "try later" (EX_TEMPFAIL).

interface Job {
  /** name of the job: lower-case letters, digits and dashes, at most MAX_NAME, without a dash at either end */
  name: string;
  time: ScheduleTime;
  /** absolute paths without control characters, of the programs Node and embed, and of files and a folder */
  node: string;
  embed: string;
  file: string;
  folder: string;
  log: string;
}

/** With the prefix `embed-` it must fit the 52 characters that Kubernetes allows a CronJob. */
const MAX_NAME = 40;

/** Exit codes of errors that a retry does not fix: usage, input, configuration, gates, damaged runs. */
const FINAL = [64, 65, 66, 70, 73, 78, 80, 81, 82];
const LOCKED = 75;

interface ScheduleTime {
  /** day of the week, 0 for Sunday; absent for a daily job */
  day?: number;
  hour: number;
  minute: number;
}

const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const TIME = /^([01]?\d|2[0-3]):([0-5]\d)$/;

/** @throws {UsageError} both of --weekly and --daily or neither are given, or a time is invalid */
function scheduleTime({ weekly, daily }: { weekly?: string; daily?: string }): ScheduleTime {
  if ((weekly === undefined) === (daily === undefined))
    throw new UsageError("set either --weekly 'sun 03:00' or --daily 03:00");
  if (daily !== undefined) return clockOf(daily, `--daily expects a time such as 03:00, got '${daily}'`);
  const wrong = `--weekly expects a day and a time such as 'sun 03:00', got '${weekly}'`;
  const [name = "", time = "", ...rest] = weekly!.trim().toLowerCase().split(/\s+/);
  const day = DAYS.findIndex((each) => name.length >= 3 && each.startsWith(name));
  if (day < 0 || rest.length > 0) throw new UsageError(wrong);
  return { day, ...clockOf(time, wrong) };
}

function clockOf(text: string, wrong: string): { hour: number; minute: number } {
  const [, hour, minute] = TIME.exec(text.trim()) ?? [];
  if (hour === undefined) throw new UsageError(wrong);
  return { hour: Number(hour), minute: Number(minute) };
}

function cronFields({ day, hour, minute }: ScheduleTime): string {
  return `${minute} ${hour} * * ${day ?? "*"}`;
}

/** Returns the time as a calendar expression of systemd, for OnCalendar. */
function onCalendar({ day, hour, minute }: ScheduleTime): string {
  const two = (x: number) => String(x).padStart(2, "0");
  const name = day === undefined ? "" : `${DAYS[day]![0]!.toUpperCase()}${DAYS[day]!.slice(1, 3)} `;
  return `${name}*-*-* ${two(hour)}:${two(minute)}:00`;
}

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

/** Lower-case letters, digits, and dashes between them, which all schedulers accept. */
function slugOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
}

function nameGiven(text: string): string {
  const name = slugOf(text);
  if (name === "" || name.length > MAX_NAME)
    throw new UsageError(`--name expects 1 to ${MAX_NAME} letters and digits, got '${text}'`);
  return name;
}

/** Distinct for each pipeline file of a folder. Unless the file is NAME.yaml, part of a hash is appended. */
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

// A DAG of Airflow, 2 or 3, with one task. The command is a list of arguments, so that neither a shell nor Jinja
// interprets it, and its output goes to the task's log, line by line.

function airflow({ name, time, node, embed, file, folder }: Job, skipsLocked: boolean): string {
  // a JSON string is a valid Python string, too
  const text = (value: string) => JSON.stringify(value);
  const locked = skipsLocked
    ? `a store that is locked (${LOCKED}) skips the task`
    : `a store that is locked (${LOCKED}) is tried again (--skip-locked skips the task instead)`;
  const skip = skipsLocked
    ? `
        if code == ${LOCKED}:
            raise AirflowSkipException("the store is locked by another run")`
    : "";
  const skipImport = skipsLocked ? ", AirflowSkipException" : "";
  return `# Save as embed_${name.replaceAll("-", "_")}.py among the DAGs. Times are UTC.
# Codes that trying again does not change fail the task at once: ${FINAL.join(", ")}; ${locked}.
import subprocess
from datetime import datetime, timedelta, timezone

try:
    from airflow.sdk import DAG, task
    from airflow.sdk.exceptions import AirflowException, AirflowFailException${skipImport}
except ImportError:
    from airflow import DAG
    from airflow.decorators import task
    from airflow.exceptions import AirflowException, AirflowFailException${skipImport}

COMMAND = [
    ${text(node)},
    ${text(embed)},
    "run",
    ${text(file)},
]
FINAL = {${FINAL.join(", ")}}

with DAG(
    dag_id=${text(`embed-${name}`)},
    schedule=${text(cronFields(time))},
    start_date=datetime(2024, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
):

    @task(task_id="run", retries=2, retry_delay=timedelta(minutes=10))
    def run():
        with subprocess.Popen(
            COMMAND,
            cwd=${text(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as child:
            try:
                for line in child.stdout:
                    print(line, end="")
            except BaseException:
                # a task that is stopped stops embed, which then removes its temporary files
                child.terminate()
                raise
        code = child.returncode${skip}
        if code in FINAL:
            raise AirflowFailException(f"embed run ended with {code}: its last lines above say why")
        if code != 0:
            raise AirflowException(f"embed run ended with {code}")

    run()
`;
}

// A line of a crontab. The output goes to the log; after a failure, the end of the log is printed, which cron sends by
// mail.

/** MAX_COMMAND of Vixie's cron, which Debian uses. */
const MAX_COMMAND = 998;

/**
 * Quotes a word for a POSIX shell without % and without a backslash before one: cron reads % as a line end, and
 * versions of cron differ in how they handle `\%` and `\\`.
 */
function shellWord(text: string): string {
  if (/^[\w./:=@-]+$/.test(text)) return text;
  const quoted = text.replaceAll(/['%\\]/g, (character) => {
    if (character === "'") return String.raw`'\''`;
    return `'"$(printf '\\${character.charCodeAt(0).toString(8).padStart(3, "0")}')"'`;
  });
  return `'${quoted}'`;
}

/** @throws {UsageError} the command is longer than cron accepts */
function crontab({ name, time, node, embed, file, folder, log }: Job): string {
  const run = `${shellWord(node)} ${shellWord(embed)} run ${shellWord(file)} >> ${shellWord(log)} 2>&1`;
  const command = `cd ${shellWord(folder)} && { ${run} || { code=$?; tail -n 20 ${shellWord(log)}; exit $code; }; }`;
  if (Buffer.byteLength(command) > MAX_COMMAND)
    throw new UsageError(
      `the command has ${Buffer.byteLength(command)} bytes, cron is limited to ${MAX_COMMAND}: shorten the ` +
        "paths of the pipeline, --log, --node or --embed, or use --as systemd",
    );
  return [
    `# ${name}: embed run, from a crontab (crontab -e). Times are this machine's.`,
    `# A run that fails prints the end of its log, which cron mails to MAILTO.`,
    `# embed locks the store itself: a run that finds it locked ends with ${LOCKED}, and the next one makes up for it.`,
    `${cronFields(time)} ${command}`,
    "",
  ].join("\n");
}

// A CronJob of Kubernetes whose volume contains the pipeline's folder at the same path; the output goes to the pod's
// log.

/** Escapes a word of a container's command: $(NAME) would be a variable, and $$ is a $. */
const containerArgument = (text: string) => text.replaceAll("$", "$$$$");

/** @throws {UsageError} Kubernetes does not support the name of the folder or of the image */
function kubernetes({ name, time, node, embed, file, folder }: Job, image: string): string {
  if (folder.includes(":"))
    throw new UsageError(`Kubernetes cannot mount a volume at a path with a colon: rename '${folder}'`);
  if (!/^[\w.:/@-]+$/.test(image))
    throw new UsageError(`--image expects a container image such as shop/embed:1, got '${image}'`);
  const pod = {
    restartPolicy: "Never",
    containers: [
      {
        name: "embed",
        image,
        command: [node, embed, "run", file].map(containerArgument),
        workingDir: folder,
        volumeMounts: [{ name: "folder", mountPath: folder }],
      },
    ],
    volumes: [{ name: "folder", persistentVolumeClaim: { claimName: `embed-${name}` } }],
  };
  const job = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: `embed-${name}` },
    spec: {
      schedule: cronFields(time),
      concurrencyPolicy: "Forbid",
      jobTemplate: {
        spec: {
          // all other exit codes are retried, for example 75 for a lock that is held
          backoffLimit: 6,
          podFailurePolicy: {
            rules: [
              { action: "FailJob", onExitCodes: { containerName: "embed", operator: "In", values: FINAL } },
            ],
          },
          template: { spec: pod },
        },
      },
    },
  };
  const head = [
    `# kubectl apply -f FILE. The claim embed-${name} is a volume that holds ${folder}.`,
    `# Exit codes ${FINAL.join(", ")} fail at once; ${LOCKED}, a lock that is held, is tried again with growing pauses.`,
  ];
  return `${head.join("\n")}\n${stringify(job, { lineWidth: 0, version: "1.1" })}`;
}

// A service of systemd and its timer. Values are escaped as systemd.unit(5), systemd.service(5) and systemd.exec(5)
// specify: % starts a specifier everywhere; $ a variable in arguments, but not in the program's path; a backslash or
// white space at the end of a line, and white space at its start, are not part of a value.

const unitValue = (text: string) => text.replaceAll("%", "%%");
const quotedArgument = (text: string) =>
  `"${unitValue(text)
    .replaceAll("\\", "\\\\")
    .replaceAll('"', String.raw`\"`)}"`;
const unitArgument = (text: string) => quotedArgument(text).replaceAll("$", "$$$$");

/** systemd allows neither quotes nor backslashes in a program, so the shell runs one whose path contains them. */
function unitProgram(path: string): string {
  return /["'\\]/.test(path) ? `/bin/sh -c 'exec "$$0" "$$@"' ${unitArgument(path)}` : quotedArgument(path);
}

/**
 * Returns the units of the service and the timer. A locked store is retried after ten minutes, six times; other errors
 * are final.
 *
 * @throws {UsageError} the log's name ends in a character that a value cannot end in
 */
function systemd({ name, time, node, embed, file, folder, log }: Job): string {
  if (/[\\\s]$/.test(log))
    throw new UsageError(
      `the log ${JSON.stringify(log)} ends with a backslash or a space, which systemd removes: choose ` +
        "another with --log",
    );
  const service = `# /etc/systemd/system/embed-${name}.service
[Unit]
Description=embed run '${unitValue(file)}'
StartLimitIntervalSec=3h
StartLimitBurst=6

[Service]
Type=oneshot
WorkingDirectory=${unitValue(/[\\\s]$/.test(folder) ? `${folder}/.` : folder)}
ExecStart=${unitProgram(node)} ${unitArgument(embed)} run ${unitArgument(file)}
StandardOutput=append:${unitValue(log)}
StandardError=append:${unitValue(log)}
# what is left, such as a lock that is held (${LOCKED}), is tried again
Restart=on-failure
RestartSec=10min
RestartPreventExitStatus=${FINAL.join(" ")}
`;
  const timer = `# /etc/systemd/system/embed-${name}.timer, then: systemctl enable --now embed-${name}.timer
[Unit]
Description=embed run '${unitValue(file)}'

[Timer]
OnCalendar=${onCalendar(time)}
Persistent=true

[Install]
WantedBy=timers.target
`;
  return `${service}\n${timer}`;
}
