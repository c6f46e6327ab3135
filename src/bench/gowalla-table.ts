// `npm run bench -- gowalla-table [PLOT.svg] [PART...]`: trains models on gowalla's public split, each by the command
// in the table, and evaluates them on the test split with all items ranked. Prints the seconds of each command; the
// plot shows seconds against NDCG@20. With PARTs, only rows whose name contains one of these texts are measured.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectFolder } from "../testing/places.js";
import { parseJson } from "../testing/json.js";
import { run } from "./ctr-logs.js";
import { gowalla } from "./implicit.js";

const [train, test] = [join(gowalla, "train.csv"), join(gowalla, "test.csv")];
const plateau = "train-pca --response plateau";
const softmax = "train-ranking --loss sampled-softmax --similarity cosine";

/** Training commands whose models are evaluated; baselines are computed by `embed evaluate`. */
const commands = [
  "train-pca --dim 64",
  "train-pca --dim 512",
  `${plateau} --dim 64`,
  `${plateau} --dim 256`,
  `${plateau} --dim 512`,
  "train-als --dim 64",
  "train-als --dim 256",
  "train-ranking --negatives 32",
  softmax,
  `${softmax} --epochs 40`,
  "train-two-tower --history others",
];
const baselines = ["item-cf", "gf-cf", "chebycf"];

interface Row {
  name: string;
  recall: number;
  ndcg: number;
  seconds: number;
}
type Metrics = Record<string, number>;

export async function bench(): Promise<void> {
  if (!existsSync(train)) {
    console.log(`skipped: no check-ins in ${gowalla}`);
    return;
  }
  const work = mkdtempSync(join(tmpdir(), "embed-gowalla-"));
  const rows: Row[] = [];
  console.log("|  | recall@20 | ndcg@20 | seconds |\n| --- | --- | --- | --- |");
  const add = (row: Row) => {
    rows.push(row);
    const { name, recall, ndcg, seconds } = row;
    console.log(`| \`${name}\` | ${recall.toFixed(4)} | ${ndcg.toFixed(4)} | ${seconds.toFixed(0)} |`);
  };
  const [plot, ...parts] = process.argv.slice(3);
  const isAsked = (name: string) => parts.length === 0 || parts.some((part) => name.includes(part));
  const evaluated = async (name: string, args: string[], of: (summary: string) => Metrics) => {
    const start = performance.now();
    const { stdout } = await run(process.execPath, [
      join(projectFolder, "bin", "embed.js"),
      ...args,
      "--json",
    ]);
    const { recallAt20, ndcgAt20 } = of(stdout);
    add({ name, recall: recallAt20!, ndcg: ndcgAt20!, seconds: (performance.now() - start) / 1000 });
  };
  try {
    const last = join(work, "run");
    // trains at least one model, because `embed evaluate` computes baselines only beside a run, which may be any run
    const asked = commands.filter(isAsked);
    for (const name of asked.length > 0 ? asked : commands.slice(0, 1)) {
      const [command = "", ...options] = name.split(" ");
      const args = [command, train, ...options, "--user", "user", "--item", "item", "--split", "random"];
      await evaluated(name, [...args, "--test", test, "-o", last, "--force"], (summary) => {
        return parseJson<{ metrics: { test: Metrics } }>(summary).metrics.test;
      });
    }
    for (const name of baselines.filter(isAsked)) {
      const args = ["evaluate", last, "--on", test, "--baseline", name];
      await evaluated(`evaluate --baseline ${name}`, args, (summary) => {
        return parseJson<{ metrics: Record<string, Metrics> }>(summary).metrics[name]!;
      });
    }
  } finally {
    rmSync(work, { recursive: true });
  }
  if (plot !== undefined) writeFileSync(plot, plotSvg(rows));
}

/** Draws seconds, on a logarithmic scale, against NDCG@20; points are numbered from the best. */
function plotSvg(rows: readonly Row[]): string {
  const [width, height, left, right, bottom] = [960, 440, 50, 520, 380];
  const [low, high] = [0.08, 0.17];
  const x = (seconds: number) => left + (Math.log10(Math.max(5, seconds) / 5) / 2.5) * (right - left);
  const y = (ndcg: number) => bottom - ((ndcg - low) / (high - low)) * (bottom - 30);
  const label = (text: string, at: number, to: number, anchor = "middle") =>
    `<text x="${at.toFixed(0)}" y="${to.toFixed(0)}" text-anchor="${anchor}">${text}</text>`;
  const ticks = [5, 10, 30, 100, 300, 1000].map((s) => label(`${s} s`, x(s), bottom + 22));
  const lines = [0.08, 0.1, 0.12, 0.14, 0.16].map(
    (value) =>
      `<path d="M${left} ${y(value).toFixed(0)}H${right}" stroke="#ddd"/>` +
      label(value.toFixed(2), left - 8, y(value) + 4, "end"),
  );
  const best = [...rows].sort((a, b) => b.ndcg - a.ndcg);
  const points = best.map(({ name, seconds, ndcg }, i) => {
    const text = name.replace(/^(train-|evaluate --baseline )/u, "").replaceAll("--", "");
    return (
      `<circle cx="${x(seconds).toFixed(0)}" cy="${y(ndcg).toFixed(0)}" r="4" fill="#2266aa"/>` +
      label(`${i + 1}`, x(seconds) + 7, y(ndcg) - 5, "start") +
      label(`${i + 1}`, right + 50, 44 + 22 * i, "end") +
      label(text, right + 58, 44 + 22 * i, "start")
    );
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">` +
    `<rect width="${width}" height="${height}" fill="#fff"/>` +
    [...lines, ...ticks, ...points].join("\n") +
    label("seconds of the whole command", (left + right) / 2, bottom + 44) +
    label("NDCG@20", left, 18) +
    "</svg>\n"
  );
}
