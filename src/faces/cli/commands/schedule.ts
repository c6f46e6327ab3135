import { fileURLToPath } from "node:url";
import { scheduleOptions, type ScheduleOptions } from "../../../weekly/pipeline/options.js";
import { commandSpec } from "../command-spec.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples:
  embed schedule fixtures/pipeline.yaml --weekly 'sun 03:00' --as crontab
  embed schedule fixtures/pipeline.yaml --daily 04:30 --as systemd
`;

/** Path of the program in this package. A caller from TypeScript is another program, so its own path would be wrong. */
const shipped = fileURLToPath(new URL("../../../../bin/embed.js", import.meta.url));

export const command = commandSpec({
  description:
    "Prints a scheduler unit that runs a pipeline file weekly or daily, with absolute paths, a log file " +
    "and exit-code handling. Nothing is installed. embed locks the store itself, so the unit needs no lock.",
  arguments: [["<pipeline.yaml>", "pipeline file to run"]],
  examples,
  options: scheduleOptions,
  terminal: "none",
  call: ([file], given) => unitOf(file, { embed: shipped, ...given }),
  act: async ([file], given) => await writeResult(await unitOf(file, { embed: process.argv[1]!, ...given })),
});

async function unitOf(file: string, given: ScheduleOptions & { embed: string }): Promise<string> {
  const { schedule } = await import("../../../weekly/pipeline/schedule.js");
  return await schedule(file, { node: process.execPath, ...given });
}
