// `npm run bench -- movietweetings`: ratings joined with films, split by time 80/10/10; test RMSE of the factorization
// machine beside what needs no vectors. Peer: libFM 1.4.4 on the same split, 1.669 (SGD with genres) to 1.680 (MCMC).

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { trainFm } from "../api/train-fm.js";
import { defaultReadOptions } from "../log/log.js";
import { projectFolder } from "../testing/places.js";

/** A row of the log. */
export interface Rating {
  user: string;
  item: string;
  y: number;
}

/** Penalty of a bias, in ratings. */
const SHRINKAGE = 5;

export async function bench(): Promise<void> {
  const folder = join(projectFolder, "..", "shared", "data", "movietweetings");
  if (!existsSync(folder)) {
    console.log(`skipped: no ratings in ${folder}`);
    return;
  }
  const log = join(folder, "ratings.csv");
  const out = mkdtempSync(join(tmpdir(), "embed-movietweetings-"));
  try {
    const { metrics } = await trainFm(
      [log],
      {
        reading: defaultReadOptions,
        sides: [`${join(folder, "movies.csv")}:movie_id`],
        multi: { genres: "|" },
        numeric: [],
        ignore: [],
        drop: [],
        onBadRow: "error",
        infer: true,
        unlabelled: false,
        out: join(out, "run"),
        force: false,
        minCount: 1,
        negatives: 0,
        noise: "uniform",
        valid: 0.1,
        test: 0.1,
        split: "time",
        fm: {},
      },
      { observe: () => undefined, signal: new AbortController().signal },
    );
    const [train, test] = partsOf(log);
    const mean = train.reduce((sum, { y }) => sum + y, 0) / train.length;
    console.log(`test RMSE: mean ${rmse(test, () => mean).toFixed(4)}`);
    console.log(`test RMSE: mean plus user and film bias ${rmse(test, biasesOf(train, mean)).toFixed(4)}`);
    console.log(`test RMSE: train-fm with genres, defaults ${metrics["test"]!["rmse"]!.toFixed(4)}`);
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** The first 80 % and the last 10 % in time order. */
export function partsOf(log: string): [train: Rating[], test: Rating[]] {
  const rows = readFileSync(log, "utf8")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","))
    .map(([user, item, y, time]) => ({ user: user!, item: item!, y: Number(y), time: Number(time) }))
    .sort((a, b) => a.time - b.time);
  return [rows.slice(0, Math.floor(0.8 * rows.length)), rows.slice(Math.floor(0.9 * rows.length))];
}

/** mean + b_item + b_user by ridge, five sweeps. */
export function biasesOf(train: Rating[], mean: number): (rating: Rating) => number {
  const biases = { user: new Map<string, number>(), item: new Map<string, number>() };
  const bias = (side: "user" | "item", rating: Rating) => biases[side].get(rating[side]) ?? 0;
  for (let sweep = 0; sweep < 5; sweep++) {
    for (const [side, other] of [
      ["item", "user"],
      ["user", "item"],
    ] as const) {
      const sums = new Map<string, { residual: number; count: number }>();
      for (const rating of train) {
        const sum = sums.get(rating[side]) ?? { residual: 0, count: 0 };
        sum.residual += rating.y - mean - bias(other, rating);
        sum.count++;
        sums.set(rating[side], sum);
      }
      for (const [key, { residual, count }] of sums) biases[side].set(key, residual / (count + SHRINKAGE));
    }
  }
  return (rating) => mean + bias("user", rating) + bias("item", rating);
}

function rmse(test: Rating[], predict: (rating: Rating) => number): number {
  const clip = (y: number) => Math.min(10, Math.max(0, y));
  return Math.sqrt(test.reduce((sum, r) => sum + (clip(predict(r)) - r.y) ** 2, 0) / test.length);
}
