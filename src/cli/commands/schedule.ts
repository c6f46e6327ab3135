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
      new Option("--as <scheduler>", "whose unit")
        .choices(["crontab", "systemd", "kubernetes", "airflow"])
        .makeOptionMandatory(),
    )
    .option("--weekly <time>", "a day and a time, such as 'sun 03:00'")
    .option("--daily <time>", "a time, such as 03:00")
    .option(
      "--log <file>",
      "crontab, systemd: what the job writes is added to it; by default beside the pipeline",
    )
    .option("--name <name>", "of the unit; by default from the pipeline file's")
    .option("--node <path>", "of Node where the job runs; by default this one's")
    .option("--embed <path>", "of bin/embed.js where the job runs; by default this one's")
    .option("--image <image>", "kubernetes: the container's image")
    .option("--skip-locked", "airflow: a store that another run has locked skips the task")
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
