// `npm run bench -- search [SETTINGS] [LOG...]`: full trainings with early stopping beside successive halving, at an equal number of epochs.
//
// Settings spread over the ranges are each trained in full once, and their validation values by epoch are kept. What halving would have done with
// them is then read off: a rung of r epochs is the first r values, which holds where the steps of an epoch do not depend on how many
// are planned (adagrad, least squares, trees). Halving is even given its rungs without training anything anew.
//
//   draws of 12 of the settings ──► halving from rung r ──► setting, epochs spent
//                               └─► full trainings of as many settings as those epochs pay for ──► the best of them

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { train } from "../api/train.js";
import { goodness } from "../evaluation/user-metric.js";
import type { TrialLine } from "../embedding/run-directory.js";
import { parseJson } from "../testing/json.js";
import { mulberry32 } from "../testing/random.js";
import { logs } from "./default-logs.js";
import { watch } from "./films.js";

/** Settings that a search has. */
const SIZE = 12;
const DRAWS = 1000;
const RUNGS = [1, 2, 4, 8, 16];

/** A command on a log. */
const jobs: Readonly<Record<string, { command: string; log: string; given: object }>> = {
  adult: { command: "train-fm", log: "adult", given: {} },
  likes: { command: "train-als", log: "ratings-ids", given: { positiveFrom: 8 } },
  tabular: { command: "train-gbdt", log: "tabular", given: {} },
};

interface Curve {
  /** greater is better, by epoch */
  scores: number[];
  /** of the whole training */
  best: number;
}

export async function bench(): Promise<void> {
  const [first = "24", ...rest] = process.argv.slice(3);
  const settings = Number(first);
  if (!(settings >= 2 * SIZE)) throw new Error("usage: npm run bench -- search [SETTINGS, at least 24] [LOG...]");
  console.log("| log | first rung | epochs a search | drops the best | halving, regret | full, regret |");
  console.log("| --- | ---: | ---: | ---: | ---: | ---: |");
  for (const name of rest.length > 0 ? rest : Object.keys(jobs)) {
    const curves = await curvesOf(name, settings);
    for (const rung of RUNGS) console.log(compared(name, curves, rung));
  }
}

/** The validation values of settings that are spread over the ranges; the default is among them. */
async function curvesOf(name: string, settings: number): Promise<Curve[]> {
  const { command, log, given: more } = jobs[name]!;
  const { paths, given } = await logs[log]!();
  const out = join(mkdtempSync(join(tmpdir(), "embed-search-")), "run");
  try {
    // the first half of a search is spread
    const all = { threads: 1, ...given, ...more, test: 0, search: 2 * settings, out };
    const { searchedBy } = await train(command, paths, all, watch);
    const lines = parseTrials(readFileSync(join(out, "trials.jsonl"), "utf8"));
    return lines.slice(0, settings).flatMap(({ curve, value }) => {
      if (value === null) return [];
      const scores = curve.map((x) => goodness(searchedBy!.metric, x) ?? x);
      return [{ scores, best: scores.reduce((a, b) => Math.max(a, b)) }];
    });
  } finally {
    rmSync(join(out, ".."), { recursive: true });
  }
}

/** A line of the table: means over draws of settings. */
function compared(name: string, curves: readonly Curve[], rung: number): string {
  const random = mulberry32(23);
  const sums = { epochs: 0, drops: 0, halved: 0, full: 0 };
  const top = Math.max(...curves.map(({ best }) => best));
  for (let draw = 0; draw < DRAWS; draw++) {
    const order = curves.map((curve) => ({ curve, at: random() })).sort((a, b) => a.at - b.at);
    const own = order.slice(0, SIZE).map(({ curve }) => curve);
    const others = order.slice(SIZE).map(({ curve }) => curve);
    const { chosen, epochs } = halved(own, rung);
    sums.epochs += epochs;
    sums.halved += top - chosen.best;
    if (chosen.best < Math.max(...own.map(({ best }) => best))) sums.drops++;
    // as many full trainings of other settings as the same epochs pay for, the last one in part
    sums.full += top - bestWithin(others, epochs);
  }
  const mean = (sum: number) => sum / DRAWS;
  return (
    `| ${name} | ${rung} | ${mean(sums.epochs).toFixed(0)} | ${(100 * mean(sums.drops)).toFixed(0)} % | ` +
    `${mean(sums.halved).toFixed(5)} | ${mean(sums.full).toFixed(5)} |`
  );
}

/** Successive halving: the better half goes on, for twice as many epochs. */
function halved(curves: readonly Curve[], rung: number): { chosen: Curve; epochs: number } {
  const scoreAt = ({ scores }: Curve, epochs: number) => Math.max(...scores.slice(0, epochs));
  let left = [...curves];
  let [epochs, before] = [0, 0];
  for (let r = rung; left.length > 1; r *= 2) {
    for (const { scores } of left) epochs += Math.min(r, scores.length) - Math.min(before, scores.length);
    left.sort((a, b) => scoreAt(b, r) - scoreAt(a, r));
    left = left.slice(0, Math.ceil(left.length / 2));
    before = r;
  }
  const chosen = left[0]!;
  return { chosen, epochs: epochs + Math.max(0, chosen.scores.length - before) };
}

/** The best value that full trainings, one after another, reach within so many epochs. */
function bestWithin(curves: readonly Curve[], most: number): number {
  let [left, best] = [most, -Infinity];
  for (const { scores } of curves) {
    if (left <= 0) break;
    best = Math.max(best, ...scores.slice(0, left));
    left -= scores.length;
  }
  return best;
}

function parseTrials(text: string): TrialLine[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => parseJson<TrialLine>(line));
}
