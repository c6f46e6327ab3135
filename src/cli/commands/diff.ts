// embed diff

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { FieldDiff, RunDiff } from "../../api/diff.js";
import { printable } from "../../errors.js";
import { wholeOf } from "../../flags/parsers.js";
import { definedOf } from "../../training/options/defined.js";
import { noted, type Caller } from "../progress.js";
import { formatTable, writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run, and with --seed 2 -o other):
  embed diff run other
  embed diff run other --field item --k 20 --json
`;

interface Flags {
  field?: string;
  k: number;
  top: number;
  table?: string;
  threads?: number;
  quiet?: boolean;
  json?: boolean;
}

/** Adds the command. */
export function addDiff(program: Command, signal: AbortSignal): Command {
  return program
    .command("diff")
    .description(
      "Compares two tables on the keys that both have: vector norms, nearest neighbours, and how far rows " +
        "moved after aligning the tables.",
    )
    .argument("<run-a>", "earlier run directory")
    .argument("<run-b>", "later run directory")
    .addHelpText("before", examples)
    .option("--field <name>", "compare only this field")
    .addOption(
      new Option("--k <n>", "number of nearest neighbours to compare per key")
        .argParser(wholeOf("--k", 1))
        .default(10),
    )
    .addOption(
      new Option("--top <n>", "number of most-moved keys to show").argParser(wholeOf("--top", 0)).default(5),
    )
    .option("--table <name>", "table to use, for runs with several tables")
    .addOption(
      new Option("--threads <n>", "maximum number of threads; the result does not depend on it").argParser(
        wholeOf("--threads", 1),
      ),
    )
    .option("--quiet", "print only errors and results")
    .option("--json", "print one JSON object on stdout")
    .action(async (a: string, b: string, flags: Flags) => {
      const found = await callDiff(a, b, flags, { watch: noted(signal) });
      await writeResult(flags.json ? `${JSON.stringify(found)}\n` : textOf(found, flags.k));
    });
}

export async function callDiff(
  a: string,
  b: string,
  { field, k, top, table, threads = availableParallelism() }: Flags,
  { watch: { signal } }: Pick<Caller, "watch">,
): Promise<RunDiff> {
  const { diffRuns } = await import("../../api/diff.js");
  return await diffRuns(a, b, { k, top, threads, signal, ...definedOf({ field, table }) });
}

function textOf({ fields, dims, onlyInA, onlyInB }: RunDiff, k: number): string {
  const fixed = (value: number | undefined) => (value === undefined ? "" : value.toFixed(4));
  const whole = (value: number) => value.toLocaleString("en");
  const lineOf = ({ field, rows, norms, neighbourOverlap, displacement }: FieldDiff) => [
    field,
    ...[rows.both, rows.gained, rows.lost].map(whole),
    fixed(norms.a),
    fixed(norms.b),
    fixed(neighbourOverlap),
    ...[displacement?.mean, displacement?.median, displacement?.p90].map(fixed),
  ];
  const head = `field,in both,gained,lost,norm a,norm b,same ${k} nearest,displacement,median,p90`.split(",");
  const notes = [
    ...(dims.a === dims.b
      ? []
      : [`the tables have ${dims.a} and ${dims.b} dimensions: displacement cannot be measured`]),
    ...(onlyInA.length > 0 ? [`only in the first: ${onlyInA.join(", ")}`] : []),
    ...(onlyInB.length > 0 ? [`only in the second: ${onlyInB.join(", ")}`] : []),
    ...fields
      .filter(({ moved }) => moved.length > 0)
      .map(({ field, moved }) => {
        const keys = moved.map(({ key, displacement }) => `${key} ${displacement.toFixed(3)}`);
        return `${field}: moved most: ${keys.join(", ")}`;
      }),
  ];
  return `${formatTable([head, ...fields.map(lineOf)])}${notes.map((note) => `${printable(note)}\n`).join("")}`;
}
