// `npm run bench -- search RUN...`: compares searches that train every setting with early stopping, with searches that
// drop settings early, at an equal number of epochs.
//
// A run of --search stores the validation values of each setting by epoch; each setting was trained in full. The
// outcome of a rule is computed from these: r epochs of a training are the first r values. That is exact if the steps
// of an epoch do not depend on the planned number of epochs (adagrad, least squares, trees).
//
//   samples of 12 settings in random order ──► a rule ──► chosen setting, number of epochs
//                                    └─► full trainings in the same order, up to as many epochs ──► the best of them
//
//   halving   the better half continues, with twice as many epochs (Jamieson and Talwalkar 2016, arXiv:1502.07943)
//   median    a setting stops if its best value so far is below the median of the earlier ones at that epoch (Golovin
//             et al. 2017, doi:10.1145/3097983.3098043)

import { basename } from "node:path";
import { openRun, type Run, type TrialLine } from "../table/run-directory.js";
import { goodness } from "../metrics/metrics.js";
import { mulberry32 } from "../testing/random.js";

/** Number of settings that a simulated search tries. */
const SIZE = 12;
const DRAWS = 1000;
/** Minimum numbers of epochs (of trees for boosted trees) after which a stopping rule may drop a setting. */
const FROM = [1, 2, 4, 8, 16, 32];

interface Curve {
  /** validation score of each epoch; a greater score is better */
  scores: number[];
  /** best score of all epochs of the training */
  best: number;
}

export async function bench(): Promise<void> {
  const runs = process.argv.slice(3);
  if (runs.length === 0)
    throw new Error("usage: npm run bench -- search RUN..., runs of --search 96 or more");
  console.log("| run | rule | from epoch | epochs | drops the best | regret | full trainings |");
  console.log("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
  for (const path of runs) {
    const curves = curvesOf(await openRun(path), await (await openRun(path)).readTrialLines());
    for (const [name, rule] of Object.entries(rules))
      for (const epoch of name === "full" ? FROM.slice(0, 1) : FROM)
        console.log(compared(basename(path), curves, name, rule, epoch));
  }
}

/**
 * Returns the score curves of the first quarter of a search's settings, which are spread over the ranges of the
 * options.
 */
function curvesOf({ manifest }: Pick<Run, "manifest">, lines: readonly TrialLine[]): Curve[] {
  return lines.slice(0, Math.ceil(lines.length / 4)).flatMap(({ curve, value }) => {
    if (value === null) return [];
    const scores = curve.map((x) => goodness(manifest.searchedBy!.metric, x) ?? x);
    return [{ scores, best: Math.max(...scores) }];
  });
}

/** Returns a line of the printed table, for one stopping rule: means over random samples of settings. */
function compared(run: string, curves: readonly Curve[], name: string, rule: Rule, from: number): string {
  const random = mulberry32(23);
  const sums = { epochs: 0, drops: 0, ruled: 0, full: 0 };
  const top = Math.max(...curves.map(({ best }) => best));
  for (let draw = 0; draw < DRAWS; draw++) {
    const order = curves
      .map((curve) => ({ curve, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ curve }) => curve);
    const own = order.slice(0, SIZE);
    const { chosen, epochs } = rule(own, from);
    sums.epochs += epochs;
    sums.ruled += top - chosen.best;
    if (chosen.best < Math.max(...own.map(({ best }) => best))) sums.drops++;
    // the reference is a search that trains the same settings fully, in the same order, for the same number of epochs
    sums.full += top - bestWithin(own, epochs);
  }
  const mean = (sum: number) => sum / DRAWS;
  return (
    `| ${run} | ${name} | ${from} | ${mean(sums.epochs).toFixed(0)} | ${(100 * mean(sums.drops)).toFixed(0)} % | ` +
    `${mean(sums.ruled).toFixed(5)} | ${mean(sums.full).toFixed(5)} |`
  );
}

/**
 * Chooses a setting, and counts the epochs that were trained.
 * @param from number of epochs before which no setting is dropped
 */
type Rule = (curves: readonly Curve[], from: number) => { chosen: Curve; epochs: number };

const scoreAt = ({ scores }: Curve, epochs: number) => Math.max(...scores.slice(0, epochs));

const rules: Readonly<Record<string, Rule>> = {
  full: (curves) => ({
    chosen: curves.reduce((a, b) => (b.best > a.best ? b : a)),
    epochs: curves.reduce((sum, { scores }) => sum + scores.length, 0),
  }),
  halving(curves, from) {
    let left = [...curves];
    let [epochs, before] = [0, 0];
    for (let r = from; left.length > 1; r *= 2) {
      for (const { scores } of left) epochs += Math.min(r, scores.length) - Math.min(before, scores.length);
      left.sort((a, b) => scoreAt(b, r) - scoreAt(a, r));
      left = left.slice(0, Math.ceil(left.length / 2));
      before = r;
    }
    const chosen = left[0]!;
    return { chosen, epochs: epochs + Math.max(0, chosen.scores.length - before) };
  },
  median: (curves, from) => byMedian(curves, () => from),
  // `from` is a factor in this rule: a setting may be dropped after `from` times as many epochs as the best setting so
  // far needed to reach its best score
  "median, relative": (curves, from) =>
    byMedian(curves, (done) => {
      const best = done.reduce((a, b) => (b.best > a.best ? b : a));
      return from * (best.scores.indexOf(best.best) + 1);
    }),
};

/**
 * Trains settings one after another, and stops a setting if its best score so far is below the median of the earlier
 * settings at that epoch.
 */
function byMedian(curves: readonly Curve[], fromOf: (done: readonly Curve[]) => number): ReturnType<Rule> {
  const done: Curve[] = [];
  let epochs = 0;
  for (const curve of curves) {
    const from = done.length < 3 ? Infinity : fromOf(done);
    const stop = curve.scores.findIndex((_, e) => {
      if (e + 1 < from) return false;
      const others = done.map((other) => scoreAt(other, e + 1)).sort((a, b) => a - b);
      return scoreAt(curve, e + 1) < others[Math.floor(others.length / 2)]!;
    });
    const scores = stop < 0 ? curve.scores : curve.scores.slice(0, stop + 1);
    epochs += scores.length;
    done.push({ scores, best: Math.max(...scores) });
  }
  return { chosen: done.reduce((a, b) => (b.best > a.best ? b : a)), epochs };
}

/** Returns the best score that full trainings, one after another, reach within a number of epochs. */
function bestWithin(curves: readonly Curve[], most: number): number {
  let [left, best] = [most, -Infinity];
  for (const { scores } of curves) {
    if (left <= 0) break;
    best = Math.max(best, ...scores.slice(0, left));
    left -= scores.length;
  }
  return best;
}
