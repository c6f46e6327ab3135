// `npm run bench -- results [SETTINGS] [LOG...]`: writes docs/results.md, or the sections of the named logs. On each
// shared log, `embed compare` trains every suitable trainer with its defaults, and some with the best of SETTINGS
// settings on the validation split. All are measured on one test split.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareTrainers, type Comparison } from "../judge/compare/compare.js";
import type { GivenCompare } from "../judge/compare/options.js";
import { metricCell, untrainedTexts, type LeaderboardLine } from "../metrics/leaderboard.js";
import { titleOf } from "../metrics/metrics.js";
import { version } from "../base/io/package-version.js";
import { projectFolder } from "../testing/places.js";
import { ctrLog } from "./ctr-logs.js";
import { watch } from "./films.js";

type Given = Omit<GivenCompare, "out">;
interface ResultLog {
  /** options as a reader of the page would type them; a generated log is named after its generator */
  command: string;
  /** a sentence that describes the log and the rows that are held out */
  about: string;
  paths: () => Promise<string[]>;
  given: Given;
  /** commands whose settings are also searched; a search of the others would take hours */
  searched: string[];
}

const data = join(projectFolder, "..", "shared", "data");
const shared = (...names: string[]) => Promise.resolve([join(data, ...names)]);
const SETTINGS = 12;
/** Time budget, in ms: 24 hours, so that no training is stopped early and results do not depend on the machine. */
const BUDGET = 24 * 3_600_000;

const logs: Readonly<Record<string, ResultLog>> = {
  adult: {
    command: "adult/train.csv --label income --valid 0.1 --split rows --test adult/test.csv",
    about: "UCI Adult, 14 columns; the published test split.",
    paths: () => shared("adult", "train.csv"),
    given: { label: "income", valid: 0.1, split: "rows", test: join(data, "adult", "test.csv") },
    searched: ["train-fm", "train-gbdt"],
  },
  "gen-ctr": {
    command: "ctr-100000.csv --label click --split random",
    about: "A planted factorization machine of 16 fields, 100,000 rows; a tenth at random is held out.",
    paths: async () => [`${await ctrLog(1, 100_000)}.csv`],
    given: { label: "click", split: "random" },
    searched: ["train-fm", "train-gbdt"],
  },
  "movietweetings-likes": {
    command: "movietweetings/ratings.csv --label rating --positive-from 8 --goal predictions",
    about: "Is a rating 8 or more? The newest tenth of 100,000 ratings is held out.",
    paths: () => shared("movietweetings", "ratings.csv"),
    given: { label: "rating", positiveFrom: 8, goal: "predictions" },
    searched: ["train-fm"],
  },
  "movietweetings-ratings": {
    command: "movietweetings/ratings.csv --label rating --goal predictions",
    about: "The rating itself, 0 to 10. The newest tenth of 100,000 ratings is held out.",
    paths: () => shared("movietweetings", "ratings.csv"),
    given: { label: "rating", goal: "predictions" },
    searched: ["train-fm"],
  },
  "online-retail": {
    command:
      "online_retail_2010_2011.csv.gz --user CustomerID --item StockCode --time InvoiceDate --session InvoiceNo " +
      "--fields CustomerID,StockCode --drop InvoiceNo^=C --where 'CustomerID is not missing' --goal lists --repeats mask",
    about:
      "UCI Online Retail II, its second year; the invoices of the newest tenth of the rows are held out.",
    paths: () => shared("online-retail", "online_retail_2010_2011.csv.gz"),
    given: {
      ...{ user: "CustomerID", item: "StockCode", time: "InvoiceDate", session: "InvoiceNo" },
      ...{ fields: ["CustomerID", "StockCode"], goal: "lists", repeats: "mask" },
      drop: ["InvoiceNo^=C"],
      where: ["CustomerID is not missing"],
    },
    searched: ["train-als", "train-pca"],
  },
  gowalla: {
    command: "gowalla/train.csv --goal lists --split random --valid 0.05 --test gowalla/test.csv",
    about: "Check-ins of 29,858 users at 40,981 places; the published test split.",
    paths: () => shared("gowalla", "train.csv"),
    given: { goal: "lists", split: "random", valid: 0.05, test: join(data, "gowalla", "test.csv") },
    searched: ["train-pca"],
  },
};

export async function bench(): Promise<void> {
  const [count, ...asked] = process.argv.slice(3);
  const settings = Number(count ?? SETTINGS);
  if (!(settings >= 2)) throw new Error("usage: npm run bench -- results [SETTINGS] [LOG...]");
  const path = join(projectFolder, "docs", "results.md");
  const sections = asked.length > 0 ? sectionsIn(path, settings) : new Map<string, string>();
  for (const name of asked.length > 0 ? asked : Object.keys(logs)) {
    const log = logs[name];
    if (!log) throw new Error(`no log '${name}': ${Object.keys(logs).join(", ")}`);
    sections.set(name, await sectionOf(name, log, settings));
    console.log(sections.get(name));
    const known = Object.keys(logs).flatMap((one) => sections.get(one) ?? []);
    writeFileSync(path, [headOf(settings), ...known].join("\n"));
  }
  console.log(`wrote ${path}`);
}

/**
 * Returns the sections of the existing docs/results.md by log; none if there is no such page.
 *
 * @throws {Error} the page was made with another number of settings
 */
function sectionsIn(path: string, settings: number): Map<string, string> {
  if (!existsSync(path)) return new Map();
  const [head = "", ...sections] = readFileSync(path, "utf8").split(/^(?=## )/m);
  if (!head.includes(`results ${settings}\``))
    throw new Error(`${path} has another number of settings than ${settings}`);
  return new Map(sections.map((text) => [/^## (.*)$/m.exec(text)![1]!, `${text.trimEnd()}\n`]));
}

/** Returns the section of docs/results.md about one log: a heading, the command and the table of metrics. */
async function sectionOf(
  name: string,
  { command, about, paths, given, searched: commands }: ResultLog,
  settings: number,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "embed-results-"));
  const measured = async (more: Partial<Given>, out: string): Promise<Comparison> =>
    compareTrainers(await paths(), { budget: BUDGET, ...given, ...more, out: join(folder, out) }, watch);
  try {
    const standard = await measured({}, "standard.html");
    const searched = await measured({ search: settings, trainers: commands }, "searched.html");
    const { metrics, on, untrained } = standard.leaderboard;
    const [first] = metrics;
    // normalized entropy is omitted, because it ranks as log loss does and has no interval
    const second = metrics.find((name) => name !== first && standard.leaderboard.lines[0]!.intervals[name])!;
    const lines = standard.leaderboard.lines.map((line) => {
      const other = searched.leaderboard.lines.find((one) => one.name === line.name);
      // baselines have no settings that could be searched
      const cells = line.isBaseline && !line.run ? ["", ""] : [cell(other, first), cell(other, second)];
      return [
        `${line.name}${line.isBaseline ? " (baseline)" : ""}`,
        cell(line, first),
        cells[0]!,
        cell(line, second),
        cells[1]!,
      ];
    });
    const head = ["", titleOf(first), "searched", titleOf(second), "searched"];
    // omits trainers that were left out for an obvious reason, such as another kind of label
    const notes = untrainedTexts(untrained)
      .filter((text) => !/(predicts no labels|ranks no items)$/.test(text))
      .map((text) => `- ${text}\n`);
    return [
      `## ${name}\n`,
      `${about} Measured on ${on}.\n`,
      `\`\`\`sh\nembed compare ${command} -o ${name}.html\n\`\`\`\n`,
      [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...lines]
        .map((cells) => `| ${cells.join(" | ")} |`)
        .join("\n"),
      notes.length > 0 ? `\n${notes.join("")}` : "",
    ].join("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function cell(line: LeaderboardLine | undefined, metric: string): string {
  return line ? metricCell(line, metric) : "";
}

function headOf(settings: number): string {
  return `# Results on the shared logs

Every trainer on every log that it suits, with its default options. The columns "searched" have the best of ${settings}
settings (\`--search ${settings}\`), chosen on the validation split, or the default where the best is ahead by less than a standard error, for the trainers whose search takes
minutes. The test split chose nothing. Each table is one
\`embed compare\` per column, so all its lines are measured on the same held-out rows, and ± is half the width of a
95 % bootstrap interval. The best line is first. [Gowalla](gowalla.md) has more models, [defaults](experiments/defaults.md) says how the defaults were chosen.

This page is written by \`npm run bench -- results ${settings}\`, here with version ${version}.
`;
}
