// embed schedule

import { Option, type Command } from "commander";
import { fileURLToPath } from "node:url";
import type { Scheduler } from "../../pipeline/schedule.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples:
  embed schedule fixtures/pipeline.yaml --weekly 'sun 03:00' --as crontab
  embed schedule fixtures/pipeline.yaml --daily 04:30 --as systemd
`;

interface Flags {
  as: Scheduler;
  weekly?: string;
  daily?: string;
  log?: string;
  name?: string;
  node?: string;
  embed?: string;
  image?: string;
  skipLocked?: boolean;
}

/** Adds the command. */
export function addSchedule(program: Command): Command {
  return program
    .command("schedule")
    .description(
      "Prints a unit that runs a pipeline file every week or day, with absolute paths, a log file and exit codes mapped. Nothing is " +
        "installed, and no lock is needed beside embed's own.",
    )
    .argument("<pipeline.yaml>", "what `embed run` takes")
    .addHelpText("before", examples)
    .addOption(
      new Option("--as <scheduler>", "scheduler to print a unit for")
        .choices(["crontab", "systemd", "kubernetes", "airflow"])
        .makeOptionMandatory(),
    )
    .option("--weekly <time>", "run every week at this day and time, such as 'sun 03:00'")
    .option("--daily <time>", "run every day at this time, such as 03:00")
    .option(
      "--log <file>",
      "crontab, systemd: log file that the job's output is appended to; by default beside the pipeline",
    )
    .option("--name <name>", "name of the unit; by default the pipeline file's name")
    .option("--node <path>", "path of the Node program where the job runs; by default this one")
    .option("--embed <path>", "path of bin/embed.js where the job runs; by default this one")
    .option("--image <image>", "kubernetes: container image to run")
    .option("--skip-locked", "airflow: skip the task if another run has locked the store")
    .action(async (file: string, { embed = process.argv[1]!, ...flags }: Flags) => {
      await writeResult(await callSchedule(file, { embed, ...flags }));
    });
}

/** The program that the package ships, for a caller whose own program is another. */
const shipped = fileURLToPath(new URL("../../../bin/embed.js", import.meta.url));

/** @returns the unit's text */
export async function callSchedule(
  file: string,
  { node = process.execPath, embed = shipped, ...flags }: Flags,
): Promise<string> {
  const { schedule } = await import("../../pipeline/schedule.js");
  return await schedule(file, { ...flags, node, embed });
}
