// A DAG of Airflow, 2 or 3, with one task. The command is a list of arguments, so that neither a shell nor Jinja
// interprets it, and its output goes to the task's log, line by line.

import { cronFields, FINAL, LOCKED, type Job } from "./schedule-job.js";

/** Returns the DAG's file. @param skipsLocked whether a locked store skips the task, instead of a later retry */
export function airflow({ name, time, node, embed, file, folder }: Job, skipsLocked: boolean): string {
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
