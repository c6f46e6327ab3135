import type { EdgeInspection } from "../../../judge/inspect/inspect-edges.js";
import {
  edgeOptions,
  inspectOptions,
  logOptions,
  type InspectEdgesOptions,
  type InspectOptions,
  type Inspection,
} from "../../../judge/inspect/options.js";
import { countText, printable } from "../../../base/errors.js";
import { version } from "../../../base/io/package-version.js";
import type { Watch } from "../../../training/session/watch.js";
import { commandSpec } from "../command-spec.js";
import { similarTogether } from "../similar-lines.js";
import { formatTable } from "../terminal.js";

const examples = `
Examples:
  embed inspect fixtures/clicks.csv
  embed inspect fixtures/ratings.csv --json
  embed inspect edges.csv --source from --target to
`;

const MAX_SHOWN = 24;

const description =
  "Reads a log and shows its columns: inferred roles and types, distinct values, missing cells, first " +
  "rows. With --source and --target it reads an edge list and shows nodes, edges, degrees and components.";

const log = [
  "[log...]",
  "files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log, or an encoded dataset; - is stdin",
] as const;

/** The TypeScript function that inspects a log. */
export const inspectLog = commandSpec({
  ...{ description, arguments: [log], examples, options: logOptions },
  call: async ([paths], given, { watch }) => await logFacts(paths, given, watch),
});

/** The TypeScript function that inspects a list of edges. */
export const inspectEdges = commandSpec({
  ...{ description, arguments: [log], examples, options: edgeOptions },
  call: async ([paths], given, { watch }) => await edgeFacts(paths, given, watch),
});

export const command = commandSpec({
  ...{ description, arguments: [log], examples, options: inspectOptions },
  async call([paths], { source, target, ...given }, { watch }) {
    const start = performance.now();
    const found =
      source === undefined || target === undefined
        ? await logFacts(paths, given, watch)
        : await edgeFacts(paths, { ...given, source, target }, watch);
    if (given.open === true) {
      const { showInBrowser } = await import("../show-in-browser.js");
      const failed = await showInBrowser(given.html!);
      if (failed !== undefined) watch.observe({ stage: "note", text: failed });
    }
    return { found, seconds: (performance.now() - start) / 1000 };
  },
  text: ({ found }) => ("nodes" in found ? textOfGraph(found) : inspectionText(found)),
  json: ({ found, seconds }) => ({ command: "inspect", version, seconds, ...found }),
});

async function logFacts(paths: string[], given: InspectOptions, watch: Watch): Promise<Inspection> {
  const { inspect } = await import("../../../judge/inspect/inspect.js");
  return await inspect(paths, given, watch);
}

async function edgeFacts(paths: string[], given: InspectEdgesOptions, watch: Watch): Promise<EdgeInspection> {
  const { inspectEdges: inspect } = await import("../../../judge/inspect/inspect-edges.js");
  return await inspect(paths, given, watch);
}

function textOfGraph(found: EdgeInspection): string {
  const { rows, directed, nodes, edges, repeated, selfLoops, missing, isolated, dangling, weights } = found;
  const { linked, components, largestComponent, reciprocated, warnings } = found;
  const share = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
  const lines: [string, string][] = [
    ["nodes", countText(nodes)],
    ["  without an edge", countText(isolated)],
    [directed ? "edges, directed" : "edges, undirected", countText(edges)],
    ...(reciprocated === undefined
      ? []
      : [
          ["  whose reverse is an edge", `${countText(reciprocated)} (${share(reciprocated, edges)})`] as [
            string,
            string,
          ],
        ]),
    ["self-loops", countText(selfLoops)],
    ["rows that repeat an edge", countText(repeated)],
    ["rows with a missing endpoint", countText(missing)],
    ["components", countText(components)],
    ["  nodes in the largest", `${countText(largestComponent)} (${share(largestComponent, linked)})`],
    ...(dangling === undefined
      ? []
      : [["nodes without outgoing edges", countText(dangling)] as [string, string]]),
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
    `${formatTable(lines)}\n${formatTable([["", "min", "median", "mean", "max"], ...table])}${countText(rows)} rows\n` +
    similarTogether(warnings)
      .map((text) => `warning: ${printable(text)}\n`)
      .join("")
  );
}

function numberText(x: number): string {
  return String(Number(x.toPrecision(6)));
}

function inspectionText({ rows, columns, frequent, duplicates, warnings }: Inspection): string {
  const head = ["column", "role", "type", "distinct", "missing", "first rows"];
  const lines = columns.map(({ name, role, type, distinct, missing, first }) => [
    name,
    role,
    type,
    String(distinct),
    String(missing),
    first.map(shortCell).join("  "),
  ]);
  const counts = `${countText(rows)} rows, ${columns.length} columns\n`;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const most = frequent.flatMap(({ column, keys }) =>
    keys.length === 0
      ? []
      : [
          `most frequent ${printable(column)}: ` +
            keys
              .map(({ key, rows: own, share }) => `${shortCell(key)} (${countText(own)}, ${percent(share)})`)
              .join("  "),
        ],
  );
  const { rows: repeated, share, exact } = duplicates;
  const repeats = `rows that repeat an earlier row: ${exact ? "" : "about "}${countText(repeated)} (${percent(share)})`;
  return (
    formatTable([head, ...lines]) +
    counts +
    [...most, repeats].map((line) => `${line}\n`).join("") +
    similarTogether(warnings)
      .map((text) => `warning: ${printable(text)}\n`)
      .join("")
  );
}

function shortCell(cell: string): string {
  const line = printable(cell);
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN - 1)}…` : line;
}
