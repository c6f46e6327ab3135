// A weekly job as each scheduler takes it. Paths are absolute and nothing is expected of the environment: cron has no HOME, no terminal,
// and a PATH of /usr/bin:/bin.
//
// No unit locks: `embed run` locks the store itself, and a second writer ends with 75, "try later" (EX_TEMPFAIL).

import { stringify } from "yaml";
import { cronFields, onCalendar, type ScheduleTime } from "./schedule-time.js";

export interface Job {
  /** of lower-case letters, digits and dashes */
  name: string;
  time: ScheduleTime;
  /** absolute paths */
  node: string;
  embed: string;
  file: string;
  folder: string;
  log: string;
}

/** Exit codes that trying again does not change: usage, input, configuration, gates, damaged runs. */
const FINAL = [64, 65, 66, 70, 73, 78, 80, 81, 82];
const LOCKED = 75;

/** A word of a POSIX shell. */
const word = (text: string): string =>
  /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

function commandOf({ node, embed, file, folder, log }: Job): string {
  return `cd ${word(folder)} && ${word(node)} ${word(embed)} run ${word(file)} >> ${word(log)} 2>&1`;
}

/** A line of a crontab; cron takes % for a line end. */
export function crontab(job: Job): string {
  return [
    `# ${job.name}: embed run, from a crontab (crontab -e). Times are this machine's.`,
    `# embed locks the store itself: a run that finds it locked ends with ${LOCKED}, and the next one makes up for it.`,
    `${cronFields(job.time)} ${commandOf(job).replaceAll("%", String.raw`\%`)}`,
    "",
  ].join("\n");
}

/** A service and its timer. A store that is locked is tried again after ten minutes, six times; other errors stay failed. */
export function systemd({ name, time, node, embed, file, folder, log }: Job): string {
  const path = (text: string) => text.replaceAll("%", "%%");
  const argument = (text: string) =>
    `"${path(text)
      .replaceAll("\\", "\\\\")
      .replaceAll('"', String.raw`\"`)
      .replaceAll("$", "$$$$")}"`;
  const service = `# /etc/systemd/system/embed-${name}.service
[Unit]
Description=embed run ${path(file)}
StartLimitIntervalSec=3h
StartLimitBurst=6

[Service]
Type=oneshot
WorkingDirectory=${path(folder)}
ExecStart=${[node, embed].map(argument).join(" ")} run ${argument(file)}
StandardOutput=append:${path(log)}
StandardError=append:${path(log)}
# what is left, such as a lock that is held (${LOCKED}), is tried again
Restart=on-failure
RestartSec=10min
RestartPreventExitStatus=${FINAL.join(" ")}
`;
  const timer = `# /etc/systemd/system/embed-${name}.timer, then: systemctl enable --now embed-${name}.timer
[Unit]
Description=embed run ${path(file)}

[Timer]
OnCalendar=${onCalendar(time)}
Persistent=true

[Install]
WantedBy=timers.target
`;
  return `${service}\n${timer}`;
}

/** A CronJob whose volume holds the pipeline's folder at the same path; the pod's log is its output. */
export function kubernetes({ name, time, node, embed, file, folder }: Job, image: string): string {
  const pod = {
    restartPolicy: "Never",
    containers: [
      {
        name: "embed",
        image,
        command: [node, embed, "run", file],
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
          // what is left, such as a lock that is held (75), is tried again
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
  return `${head.join("\n")}\n${stringify(job)}`;
}

/** A DAG of one task. @param skipsLocked a store that is locked skips the task, by Airflow's code 99, and fails it otherwise */
export function airflow(job: Job, skipsLocked: boolean): string {
  // Jinja reads a command first
  const command = commandOf(job).replaceAll(/\{(?=[{%#])/g, "{{ '{' }}");
  const mapped = skipsLocked
    ? `{ ${command}; } || { code=$?; [ "$code" -eq ${LOCKED} ] && exit 99; exit "$code"; }`
    : `{ ${command}; }`;
  const locked = skipsLocked
    ? `# A store that is locked (${LOCKED}) skips the task: Airflow's exit code 99.`
    : `# A store that is locked (${LOCKED}) is tried again; --skip-locked skips the task instead.`;
  return `# Save as embed_${job.name.replaceAll("-", "_")}.py among the DAGs.
${locked}
from datetime import timedelta

import pendulum
from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:
    from airflow.operators.bash import BashOperator

with DAG(
    dag_id=${JSON.stringify(`embed-${job.name}`)},
    schedule=${JSON.stringify(cronFields(job.time))},
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
):
    BashOperator(
        task_id="run",
        bash_command=${JSON.stringify(mapped)},
        skip_on_exit_code=99,
        retries=2,
        retry_delay=timedelta(minutes=10),
    )
`;
}
