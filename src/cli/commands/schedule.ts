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
      "Prints a scheduler unit that runs a pipeline file weekly or daily, with absolute paths, a log file " +
        "and exit-code handling. Nothing is installed. embed locks the store itself, so the unit needs no lock.",
    )
    .argument("<pipeline.yaml>", "pipeline file to run")
    .addHelpText("before", examples)
    .addOption(
      new Option("--as <scheduler>", "scheduler to print a unit for")
        .choices(["crontab", "systemd", "kubernetes", "airflow"])
        .makeOptionMandatory(),
    )
    .option("--weekly <time>", "run weekly on this day and time, such as 'sun 03:00'")
    .option("--daily <time>", "run daily at this time, such as 03:00")
    .option(
      "--log <file>",
      "crontab, systemd: log file to append the job's output to; by default next to the pipeline file",
    )
    .option("--name <name>", "name of the unit; by default the name of the pipeline file")
    .option(
      "--node <path>",
      "path to the Node executable on the machine that runs the job; by default the current one",
    )
    .option(
      "--embed <path>",
      "path to bin/embed.js on the machine that runs the job; by default the current one",
    )
    .option("--image <image>", "kubernetes: container image to run")
    .option("--skip-locked", "airflow: skip the task if another run holds the store's lock")
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
