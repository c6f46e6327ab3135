// embed inspect

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { EdgeInspection } from "../../api/inspect/inspect-edges.js";
import type { Inspection } from "../../api/inspect/inspection.js";
import { printable, UsageError } from "../../errors.js";
import {
  addBadRowOptions,
  addEngineOptions,
  withLogUnlessQuery,
  addOutputOptions,
  addReadingOptions,
  badRowsOf,
  type BadRowFlags,
  type ReadingFlags,
} from "../../flags/options.js";
import { markCommon } from "../../flags/common.js";
import { nameOf } from "../../flags/setting.js";
import { wholeOf } from "../../flags/parsers.js";
import { addTable } from "../../flags/table-option.js";
import { columns } from "../../training/options/columns.js";
import { checkGiven } from "../../training/options/check-given.js";
import { pick } from "../../training/options/table.js";
import { definedOf } from "../../training/options/defined.js";
import { engine, firstReadingOf } from "../../training/options/reading.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { formatTable, writeResult } from "../terminal.js";
import { similarTogether } from "../similar-lines.js";

const examples = `
Examples:
  embed inspect fixtures/clicks.csv
  embed inspect fixtures/ratings.csv --json
  embed inspect edges.csv --source from --target to
`;

/** Longest cell that is shown. */
const MAX_SHOWN = 24;

/** Adds the command. */
export function addInspect(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("inspect")
    .description(
      "Reads a log and shows its columns: inferred roles and types, distinct values, missing cells, first " +
        "rows. With --source and --target it reads an edge list and shows nodes, edges, degrees and components.",
    )
    .argument(
      "[log...]",
      "files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log, or an encoded dataset; - is stdin",
    )
    .addHelpText("before", examples);
  withLogUnlessQuery(command);
  addTable(addBadRowOptions(addEngineOptions(addReadingOptions(command))), pick(columns, "ignore"))
    .addOption(
      new Option("--time-format <pattern>", "format of the time column, such as '%d/%m/%Y %H:%M'").helpGroup(
        "Reading:",
      ),
    )
    .option("--top <n>", "number of most frequent users and items to show (default: 5)", wholeOf("--top", 0))
    .option(
      "--write-config <file>",
      "write the inferred columns to a config file that you can edit and pass to training (--config)",
    )
    .option("--force", "replace an existing config or --bad-rows file");
  addGraphOptions(command);
  addOutputOptions(command);
  markCommon(
    command,
    command.options.map(nameOf).filter((name) => name !== "max-cell" && !name.startsWith("engine-")),
  );
  return command.action(async (paths: string[], flags: Flags) => {
    const { version } = await import("../../io/package-version.js");
    const start = performance.now();
    const json = await watched(flags, signal, async (watch) =>
      asksForGraph(flags)
        ? await callInspectEdges(paths, flags, { watch })
        : await callInspect(paths, flags, { watch }),
    );
    const seconds = (performance.now() - start) / 1000;
    if (flags.json)
      await writeResult(`${JSON.stringify({ command: "inspect", version, seconds, ...json })}\n`);
    else await writeResult("nodes" in json ? textOfGraph(json) : textOf(json));
  });
}

type Flags = ReadingFlags &
  BadRowFlags &
  OutputOptions & {
    source?: string;
    target?: string;
    writeConfig?: string;
    timeFormat?: string;
    ignore?: string[];
    top?: number;
    weight?: string;
    directed?: boolean;
  };

export async function callInspect(
  paths: string[],
  flags: Flags,
  { watch }: Pick<Caller, "watch">,
): Promise<Inspection> {
  const { inspect, writeStarterConfig } = await import("../../api/inspect/inspect.js");
  const { timeFormat, ignore, top, writeConfig, force = false } = flags;
  const found = await inspect(
    paths,
    { ...(await logOf(flags)), ...definedOf({ timeFormat, ignore, top }) },
    watch,
  );
  if (writeConfig !== undefined) await writeStarterConfig(writeConfig, paths, found, force, timeFormat);
  return found;
}

export async function callInspectEdges(
  paths: string[],
  flags: Flags,
  { watch }: Pick<Caller, "watch">,
): Promise<EdgeInspection> {
  const { inspectEdges } = await import("../../api/inspect/inspect-edges.js");
  return await inspectEdges(paths, { ...(await logOf(flags)), ...edgesOf(flags) }, watch);
}

/** How the log is read. */
async function logOf(flags: Flags) {
  checkGiven(engine, { ...flags });
  return { reading: firstReadingOf(flags, availableParallelism()), ...(await badRowsOf(flags)) };
}

function addGraphOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Edges:");
  command
    .addOption(group("--source <column>", "for an edge list: column of the source node"))
    .addOption(group("--target <column>", "for an edge list: column of the target node"))
    .addOption(group("--weight <column>", "for an edge list: column of the edge weight"))
    .addOption(
      group(
        "--directed",
        "for an edge list: treat edges as directed, so an edge and its reverse are different edges",
      ),
    );
}

/** Whether columns of edges are named. @throws {UsageError} what means nothing without them */
function asksForGraph({ source, target, weight, directed }: Flags): boolean {
  if (source !== undefined || target !== undefined) return true;
  if ((weight ?? directed) !== undefined)
    throw new UsageError(
      `${weight === undefined ? "--directed" : "--weight"} applies only to edge lists: name their columns ` +
        "with --source and --target",
    );
  return false;
}

/** The columns of edges. @throws {UsageError} one alone, or what means nothing beside them */
function edgesOf({ source, target, weight, directed, writeConfig, timeFormat, ignore, top }: Flags) {
  if (source === undefined || target === undefined)
    throw new UsageError("--source and --target must be given together");
  const ofLogs = {
    "--write-config": writeConfig,
    "--time-format": timeFormat,
    "--ignore": ignore,
    "--top": top,
  };
  const [flag] = Object.entries(ofLogs).find(([, value]) => value !== undefined) ?? [];
  if (flag !== undefined)
    throw new UsageError(`${flag} cannot be combined with --source and --target, which read an edge list`);
  return { source, target, ...definedOf({ weight, directed }) };
}

function textOfGraph(found: EdgeInspection): string {
  const { rows, directed, nodes, edges, repeated, selfLoops, missing, isolated, dangling, weights } = found;
  const { linked, components, largestComponent, reciprocated, warnings } = found;
  const share = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
  const lines: [string, string][] = [
    ["nodes", counted(nodes)],
    ["  without an edge", counted(isolated)],
    [directed ? "edges, directed" : "edges, undirected", counted(edges)],
    ...(reciprocated === undefined
      ? []
      : [
          ["  whose reverse is an edge", `${counted(reciprocated)} (${share(reciprocated, edges)})`] as [
            string,
            string,
          ],
        ]),
    ["self-loops", counted(selfLoops)],
    ["rows that repeat an edge", counted(repeated)],
    ["rows with a missing endpoint", counted(missing)],
    ["components", counted(components)],
    ["  nodes in the largest", `${counted(largestComponent)} (${share(largestComponent, linked)})`],
    ...(dangling === undefined
      ? []
      : [["nodes without outgoing edges", counted(dangling)] as [string, string]]),
  ];
  const spreads = {
    degree: found.degree,
    "out-degree": found.outDegree,
    "in-degree": found.inDegree,
    weight: weights,
  };
  const table = Object.entries(spreads).flatMap(([name, spread]) =>
    spread ? [[name, ...[spread.min, spread.median, spread.mean, spread.max].map(numberText)]] : [],
  );
  return (
    `${formatTable(lines)}\n${formatTable([["", "min", "median", "mean", "max"], ...table])}${counted(rows)} rows\n` +
    similarTogether(warnings)
      .map((text) => `warning: ${printable(text)}\n`)
      .join("")
  );
}

function counted(n: number): string {
  return n.toLocaleString("en");
}

function numberText(x: number): string {
  return String(Number(x.toPrecision(6)));
}

function textOf({ rows, columns, frequent, duplicates, warnings }: Inspection): string {
  const head = ["column", "role", "type", "distinct", "missing", "first rows"];
  const lines = columns.map(({ name, role, type, distinct, missing, first }) => [
    name,
    role,
    type,
    String(distinct),
    String(missing),
    first.map(shown).join("  "),
  ]);
  const counts = `${counted(rows)} rows, ${columns.length} columns\n`;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const most = frequent.flatMap(({ column, keys }) =>
    keys.length === 0
      ? []
      : [
          `most frequent ${printable(column)}: ` +
            keys
              .map(({ key, rows: own, share }) => `${shown(key)} (${counted(own)}, ${percent(share)})`)
              .join("  "),
        ],
  );
  const { rows: repeated, share, exact } = duplicates;
  const repeats = `rows that repeat an earlier row: ${exact ? "" : "about "}${counted(repeated)} (${percent(share)})`;
  return (
    formatTable([head, ...lines]) +
    counts +
    [...most, repeats].map((line) => `${line}\n`).join("") +
    similarTogether(warnings)
      .map((text) => `warning: ${printable(text)}\n`)
      .join("")
  );
}

function shown(cell: string): string {
  const line = printable(cell);
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN - 1)}…` : line;
}
