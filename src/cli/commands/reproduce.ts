// embed reproduce

import { Option, type Command } from "commander";
import { availableParallelism, totalmem } from "node:os";
import { ArtifactError } from "../../errors.js";
import { addOutputOptions } from "../../flags/options.js";
import { wholeOf } from "../../flags/parsers.js";
import { addTable } from "../../flags/table-option.js";
import { engine, memory } from "../../training/options/reading.js";
import type { Reproduction } from "../../api/reproduce.js";
import { definedOf } from "../../training/options/defined.js";
import type { Watch } from "../../training/session/watch.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { formatTable, writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run --valid 0.1):
  embed reproduce run
  embed reproduce run --keep again --json
`;

type Flags = OutputOptions & { engine?: string; keep?: string; threads?: number; maxMemory?: number };

/** Adds the command. */
export function addReproduce(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("reproduce")
    .description(
      "Repeats the training recorded in a run's manifest, in the same folder and with the same inputs, and " +
        "compares every output file byte by byte. The inputs are verified first. Exits with 82 if a file " +
        "differs.",
    )
    .argument("<run>", "run directory")
    .addHelpText("before", examples)
    .addOption(new Option("--keep <run>", "directory for the second run; by default it is removed"))
    .addOption(
      new Option("--threads <n>", "maximum number of threads; the result does not depend on it").argParser(
        wholeOf("--threads", 1),
      ),
    );
  addTable(command, {
    engine: {
      ...engine.engine,
      help: "for a run whose log was read through a Spark Connect server: the server to read it from again",
    },
  });
  return addOutputOptions(addTable(command, memory)).action(async (run: string, flags: Flags) => {
    const found = await watched(flags, signal, (watch) => again(run, flags, watch));
    if (flags.json) await writeResult(`${JSON.stringify(found)}\n`);
    else await writeResult(textOf(found));
    checkAgreement(found);
  });
}

async function again(run: string, flags: Flags, watch: Watch): Promise<Reproduction> {
  const { reproduce } = await import("../../api/reproduce.js");
  const { keep, engine: server, threads = availableParallelism(), maxMemory = totalmem() / 2 } = flags;
  return await reproduce(run, { threads, maxMemory, ...definedOf({ keep, engine: server }) }, watch);
}

/** @throws {ArtifactError} a file differs */
export async function callReproduce(
  run: string,
  flags: Flags,
  { watch }: Pick<Caller, "watch">,
): Promise<Reproduction> {
  const found = await again(run, flags, watch);
  checkAgreement(found);
  return found;
}

function textOf({ run, agrees, files, metricsWithin: bound }: Reproduction): string {
  const wordOf = (same: boolean, why: string) => (!same ? "differs" : why === "" ? "same" : "trained");
  const lines = files.map(({ file, agrees: same, why = "" }) => [wordOf(same, why), file, why]);
  const reproduced =
    bound === undefined
      ? "reproduced, all files identical"
      : `reproduced as far as a server trains alike: all metrics within ${bound}`;
  return `${formatTable(lines)}${run}: ${agrees ? reproduced : "not reproduced"}\n`;
}

/** @throws {ArtifactError} a file differs */
function checkAgreement({ run, trainedBy, version, files }: Reproduction): void {
  const differing = files.filter(({ agrees }) => !agrees).map(({ file }) => file);
  if (differing.length === 0) return;
  const hint = trainedBy === version ? "" : ` (embed ${trainedBy} trained it, this is ${version})`;
  throw new ArtifactError(
    `run '${run}' was not reproduced${hint}: ${differing.join(", ")} ` +
      `${differing.length === 1 ? "differs" : "differ"}; --keep DIR keeps the second run, embed diff compares ` +
      "the tables",
  );
}
