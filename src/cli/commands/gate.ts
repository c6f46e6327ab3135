// embed gate

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { TriedGates } from "../../gates/gate.js";
import { wholeOf } from "../../flags/parsers.js";
import { definedOf } from "../../training/options/defined.js";
import type { Caller } from "../progress.js";
import { formatTable, writeResult } from "../terminal.js";

const examples = `
Examples (after embed encode fixtures/clicks.csv -o dataset and embed train-fm dataset -o run --valid 0.1):
  embed gate dataset --bounds fixtures/gates.yaml
  embed gate run --bounds fixtures/gates.yaml --previous run
`;

interface Flags {
  bounds: string;
  previous?: string;
  out?: string;
  force?: boolean;
  threads?: number;
  quiet?: boolean;
  json?: boolean;
}

/** Adds the command. */
export function addGate(program: Command, signal: AbortSignal): Command {
  return program
    .command("gate")
    .description(
      "Checks an encoded dataset (rows, positive rate, missing and unseen keys, newest event) or a run " +
        "(metrics, norms, neighbours and displacement since the last version) against bounds. Exits with 81 if " +
        "a bound fails.",
    )
    .argument("<dataset-or-run>", "encoded dataset or run to check")
    .addHelpText("before", examples)
    .requiredOption(
      "--bounds <file>",
      "YAML file with bounds under `before:` and `after:`, or a pipeline file with bounds under `gates:`",
    )
    .option(
      "--previous <run>",
      "run to compare with, usually the last published version, such as store/items/latest",
    )
    .option("-o, --out <file>", "file to write all results to, in the format of gate.json")
    .option("--force", "replace an existing file")
    .addOption(
      new Option("--threads <n>", "maximum number of threads; the result does not depend on it").argParser(
        wholeOf("--threads", 1),
      ),
    )
    .option("--quiet", "print only errors and results")
    .option("--json", "print one JSON object on stdout")
    .action(async (path: string, flags: Flags) => {
      const { checkGates } = await import("../../gates/gate.js");
      const tried = await triedBy(path, flags, signal);
      if (flags.json) await writeResult(`${JSON.stringify(tried)}\n`);
      else await writeResult(textOf(tried));
      checkGates(tried.outcomes);
    });
}

async function triedBy(
  path: string,
  { bounds: file, previous, out, force = false, threads = availableParallelism() }: Flags,
  signal: AbortSignal,
): Promise<TriedGates> {
  const { readBounds } = await import("../../config/gates.js");
  const { tryGates } = await import("../../gates/gate.js");
  const bounds = await readBounds(file);
  return await tryGates(path, { bounds, ...definedOf({ previous, out }), force, threads, signal });
}

/** @throws {GateError} a bound does not hold */
export async function callGate(
  path: string,
  flags: Flags,
  { watch: { signal } }: Pick<Caller, "watch">,
): Promise<TriedGates> {
  const { checkGates } = await import("../../gates/gate.js");
  const tried = await triedBy(path, flags, signal);
  checkGates(tried.outcomes);
  return tried;
}

function textOf({ outcomes }: TriedGates): string {
  const marks = { passed: "ok", failed: "FAILED", notCompared: "not compared", measured: "" };
  const lines = outcomes.map(({ gate, message, status }) => [
    marks[status],
    gate,
    message.slice(gate.length).replace(/^ is /, ""),
  ]);
  return formatTable(lines);
}
