// `embed report RUN --format markdown`: a model card, Markdown with the front matter that model hubs read.

import { basename } from "node:path";
import { EmbedError, printable, shellWord } from "../../base/errors.js";
import { titleOf } from "../../metrics/metrics.js";
import { vectorsAddText } from "../../metrics/vectors-add.js";
import type { PartMetrics } from "../../table/manifest.js";
import type { Run } from "../../table/run-directory.js";
import { silently } from "../../training/reading/split-parts.js";
import type { Watch } from "../../training/session/watch.js";
import { evaluate } from "../evaluate/evaluate.js";

interface Measured {
  part: string;
  metrics: PartMetrics;
  /** half-widths of 95 % intervals */
  margins: ReadonlyMap<string, number>;
}

/** @param name of the run */
export async function modelCard(run: Run, name: string, watch: Watch): Promise<string> {
  const { manifest, path, tables } = run;
  const { command, version, split, rows, inputs, vectorsAdd, options, warnings } = manifest;
  const table = tables.length > 0 ? await run.readKeys(tables[0]) : undefined;
  const measured = await measuredOf(run, watch);
  const list = (lines: readonly string[]) => lines.map((line) => `- ${line}\n`).join("");
  const held = (["train", "valid", "test"] as const).map((part) => `${split[part]} ${part}`).join(", ");
  const kept = Object.entries(options).filter(([key, value]) => key !== "log" && isSet(value));
  return `---
${frontMatter(name, command, measured)}---

# ${plainMarkdown(name)}

${table ? `${table.numRows} vectors of ${table.dim} numbers (fields ${table.fields.map(plainMarkdown).join(", ")}), m` : "M"}ade by \`embed ${command}\` ${version}, model \`${manifest.model}\`.

## Data

${list([`${rows} rows: ${held}, split by ${split.by}`, ...inputs.map(({ path: file, sha256 }) => `${plainMarkdown(basename(file))}, sha256 ${sha256}`)])}
## Metrics

${measured ? metricsTable(measured) : "No rows were held out.\n"}${vectorsAdd ? `\nVectors add ${vectorsAddText(vectorsAdd)}.\n` : ""}
## Options

${list(kept.map(([key, value]) => `${key}: ${plainMarkdown(String(value))}`))}
${warnings.length > 0 ? `## Warnings\n\n${list(warnings.map(plainMarkdown))}\n` : ""}## How to load

\`\`\`sh
embed export ${shellWord(path)} --format parquet -o vectors.parquet
\`\`\`

\`\`\`python
import pandas

table = pandas.read_parquet("vectors.parquet")  # field, key, count, vector
\`\`\`
`;
}

/** Measures a held-out part again, for its intervals; without its log, the metrics are those of the training. */
async function measuredOf(run: Run, watch: Watch): Promise<Measured | undefined> {
  const { split, metrics } = run.manifest;
  const part = (["test", "valid"] as const).find((each) => split[each] > 0);
  if (part === undefined) return undefined;
  try {
    const { compared } = await evaluate([run.path], { part }, silently(watch));
    const [own] = compared;
    const margins = Object.entries(own!.intervals).map(
      ([name, { low, high }]) => [name, (high - low) / 2] as const,
    );
    return { part, metrics: own!.metrics, margins: new Map(margins) };
  } catch (error) {
    if (!(error instanceof EmbedError)) throw error;
    watch.observe({ stage: "warning", text: `the card has no intervals: ${error.message}` });
    return { part, metrics: new Map(Object.entries(metrics)).get(part) ?? {}, margins: new Map() };
  }
}

function frontMatter(name: string, command: string, measured: Measured | undefined): string {
  const lines = ["library_name: embed", "tags:", "  - embeddings", `  - ${command.replace("train-", "")}`];
  const numbers = measured ? finiteMetrics(measured) : [];
  if (measured && numbers.length > 0) {
    lines.push("model-index:", `  - name: ${JSON.stringify(name)}`, "    results:", "      - task:");
    lines.push("          type: recommendation", "        dataset:", "          name: held-out events");
    lines.push(`          type: ${measured.part}`, "        metrics:");
    for (const [metric, value] of numbers)
      lines.push(`          - type: ${metric}`, `            value: ${Number(value.toPrecision(6))}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

function metricsTable(measured: Measured): string {
  const numbers = finiteMetrics(measured);
  const margin = (name: string) => {
    const half = measured.margins.get(name);
    return half === undefined ? "" : ` ±${Number(half.toPrecision(2))}`;
  };
  const cells = numbers.map(
    ([name, value]) => `| ${titleOf(name)} | ${Number(value.toPrecision(5))}${margin(name)} |\n`,
  );
  return `| on the ${measured.part} split | |\n| --- | --- |\n${cells.join("")}`;
}

function finiteMetrics({ metrics }: Measured): [string, number][] {
  return Object.entries(metrics).filter(
    (entry): entry is [string, number] => typeof entry[1] === "number" && Number.isFinite(entry[1]),
  );
}

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === "string" || typeof value === "number" || value === true;
}

/** Names and paths of users, as text: no markup, and one line. */
function plainMarkdown(text: string): string {
  return printable(text).replaceAll(/[`|<>[\]*_\\]/gu, (sign) => `\\${sign}`);
}
