// embed init

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import {
  addBadRowOptions,
  addOutputOptions,
  addReadingOptions,
  badRowsOf,
  type BadRowFlags,
  type ReadingFlags,
} from "../../flags/options.js";
import { firstReadingOf } from "../../training/options/reading.js";
import { isSwitch, nameOf } from "../../flags/setting.js";
import { definedOf } from "../../training/options/defined.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples:
  embed init fixtures/clicks.csv -o pipeline.yaml
  embed init fixtures/clicks.csv | less
`;

type Flags = ReadingFlags & BadRowFlags & OutputOptions & { out?: string; timeFormat?: string };

/** Adds the command. */
export function addInit(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("init")
    .description(
      "Inspects a log and writes a commented pipeline file for it: column roles, one training, and gates " +
        "based on the log's current values.",
    )
    .argument("<log...>", "files or quoted patterns, read as one log")
    .addHelpText("before", examples);
  addBadRowOptions(addReadingOptions(command)).addOption(
    new Option("--time-format <pattern>", "format of the time column, such as '%d/%m/%Y %H:%M'").helpGroup(
      "Reading:",
    ),
  );
  command
    .addOption(new Option("-o, --out <file>", "file to write; stdout by default").helpGroup("Output:"))
    .addOption(new Option("--force", "replace an existing file").helpGroup("Output:"));
  return addOutputOptions(command).action(async (paths: string[], flags: Flags) => {
    const { version } = await import("../../io/package-version.js");
    const { out } = flags;
    const text = await watched(flags, signal, (watch) => callInit(paths, flags, { watch, command }));
    if (flags.json) await writeResult(`${JSON.stringify({ command: "init", version, out: out ?? null })}\n`);
    else if (out === undefined) await writeResult(text);
    else await writeResult(`${out}: run it with embed run ${out}\n`);
  });
}

/** @returns the text of the file */
export async function callInit(
  paths: string[],
  flags: Flags,
  { watch, command }: Omit<Caller, "write">,
): Promise<string> {
  const { initPipeline } = await import("../../pipeline/init-pipeline.js");
  const { out, timeFormat, force = false } = flags;
  const options = {
    force,
    reading: firstReadingOf(flags, availableParallelism()),
    given: readingGiven(command),
    ...definedOf({ out, timeFormat }),
    ...(await badRowsOf(flags)),
  };
  return await initPipeline(paths, options, watch);
}

/** How the log was said to be read, as YAML. */
function readingGiven(command: Command): Record<string, string> {
  const given = command.options.filter(
    (option) =>
      option.helpGroupHeading === "Reading:" &&
      !["time-format", "bad-rows"].includes(nameOf(option)) &&
      command.getOptionValueSource(option.attributeName()) !== "default" &&
      command.getOptionValue(option.attributeName()) !== undefined,
  );
  return Object.fromEntries(
    given.map((option) => {
      const value: unknown = command.getOptionValue(option.attributeName());
      return [nameOf(option), isSwitch(option) ? String(value) : JSON.stringify(value)];
    }),
  );
}
