// embed inspect

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { InspectOptions } from "../../api/inspect/inspect.js";
import type { EdgeInspection, InspectEdgesOptions } from "../../api/inspect/inspect-edges.js";
import type { Inspection } from "../../api/inspect/inspection.js";
import { printable, UsageError } from "../../errors.js";
import {
  addBadRowOptions,
  addOutputOptions,
  addReadingOptions,
  badRowsOf,
  type BadRowFlags,
  type ReadingFlags,
} from "../../flags/options.js";
import { addTable } from "../../flags/table-option.js";
import { columns } from "../../training/options/columns.js";
import { pick } from "../../training/options/table.js";
import { definedOf } from "../../training/options/log.js";
import { firstReadingOf } from "../../training/options/reading.js";
import { watched, type OutputOptions } from "../progress.js";
import { formatTable, writeResult } from "../terminal.js";

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
      "Reads a log and shows its columns: inferred roles and types, distinct values, missing cells, first rows. With --source and " +
        "--target it reads a list of edges and shows its graph: nodes, edges, degrees, components.",
    )
    .argument(
      "<log...>",
      "files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log, or an encoded dataset; - is stdin",
    )
    .addHelpText("before", examples);
  addTable(addBadRowOptions(addReadingOptions(command)), pick(columns, "ignore"))
    .addOption(
      new Option("--time-format <pattern>", "the form of times, such as '%d/%m/%Y %H:%M'").helpGroup(
        "Reading:",
      ),
    )
    .option(
      "--write-config <file>",
      "write what was inferred as a config file, to be changed and trained with",
    )
    .option("--force", "replace an existing config or --bad-rows file");
  addGraphOptions(command);
  return addOutputOptions(command).action(async (paths: string[], flags: Flags) => {
    const { version } = await import("../../io/package-version.js");
    const start = performance.now();
    const options = {
      reading: firstReadingOf(flags, availableParallelism()),
      ...(flags.timeFormat !== undefined && { timeFormat: flags.timeFormat }),
      ...(flags.ignore && { ignore: flags.ignore }),
      ...(await badRowsOf(flags)),
    };
    const edges = edgesOf(flags);
    const found = edges
      ? await graphText(paths, { ...options, ...edges }, flags, signal)
      : await columnsText(paths, options, flags, signal);
    const seconds = (performance.now() - start) / 1000;
    if (flags.json)
      await writeResult(`${JSON.stringify({ command: "inspect", version, seconds, ...found.json })}\n`);
    else await writeResult(found.text);
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
    weight?: string;
    directed?: boolean;
  };

/** What is printed, in either form. */
interface Found {
  json: object;
  text: string;
}

function addGraphOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Edges:");
  command
    .addOption(group("--source <column>", "the column of the nodes that edges lead from"))
    .addOption(group("--target <column>", "the column of the nodes that they lead to"))
    .addOption(group("--weight <column>", "the column of their weights"))
    .addOption(group("--directed", "an edge and its reverse are two edges; else one"));
}

/** The columns of edges; undefined where none are named. @throws {UsageError} one alone, or what means nothing beside them or without */
function edgesOf({ source, target, weight, directed, writeConfig, timeFormat, ignore }: Flags) {
  if (source === undefined && target === undefined) {
    if ((weight ?? directed) !== undefined)
      throw new UsageError(
        `${weight === undefined ? "--directed" : "--weight"} is for a list of edges: name its columns with --source and --target`,
      );
    return undefined;
  }
  if (source === undefined || target === undefined)
    throw new UsageError("--source and --target name the two columns of an edge: give both");
  if ((writeConfig ?? timeFormat ?? ignore) !== undefined)
    throw new UsageError(
      `${writeConfig !== undefined ? "--write-config" : timeFormat !== undefined ? "--time-format" : "--ignore"} is for logs, and --source and --target ask for the graph of a list of edges`,
    );
  return { source, target, ...definedOf({ weight, directed }) };
}

async function graphText(
  paths: string[],
  options: InspectEdgesOptions,
  flags: Flags,
  signal: AbortSignal,
): Promise<Found> {
  const { inspectEdges } = await import("../../api/inspect/inspect-edges.js");
  const json = await watched(flags, signal, (watch) => inspectEdges(paths, options, watch));
  return { json, text: textOfGraph(json) };
}

async function columnsText(
  paths: string[],
  options: InspectOptions,
  flags: Flags,
  signal: AbortSignal,
): Promise<Found> {
  const { inspect, writeStarterConfig } = await import("../../api/inspect/inspect.js");
  const json = await watched(flags, signal, (watch) => inspect(paths, options, watch));
  const { writeConfig, force = false } = flags;
  if (writeConfig !== undefined)
    await writeStarterConfig(writeConfig, paths, json, force, options.timeFormat);
  return { json, text: textOf(json) };
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
    ["rows without an end", counted(missing)],
    ["components", counted(components)],
    ["  nodes of the largest", `${counted(largestComponent)} (${share(largestComponent, linked)})`],
    ...(dangling === undefined ? [] : [["nodes that no edge leaves", counted(dangling)] as [string, string]]),
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
    warnings.map((text) => `warning: ${printable(text)}\n`).join("")
  );
}

function counted(n: number): string {
  return n.toLocaleString("en");
}

function numberText(x: number): string {
  return String(Number(x.toPrecision(6)));
}

function textOf({ rows, columns, warnings }: Inspection): string {
  const head = ["column", "role", "type", "distinct", "missing", "first rows"];
  const lines = columns.map(({ name, role, type, distinct, missing, first }) => [
    name,
    role,
    type,
    String(distinct),
    String(missing),
    first.map(shown).join("  "),
  ]);
  const counted = `${rows.toLocaleString("en")} rows, ${columns.length} columns\n`;
  return (
    formatTable([head, ...lines]) + counted + warnings.map((text) => `warning: ${printable(text)}\n`).join("")
  );
}

function shown(cell: string): string {
  const line = printable(cell);
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN - 1)}…` : line;
}
