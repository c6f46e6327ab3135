// `npm run bench -- cold-start`: films that training has not seen. A tenth of movietweetings' films is hidden (a random
// tenth, or the newest by first rating). The model is trained on the ratings of the others and scores those of the
// hidden ones: by their genres, and after folding in the first 1, 3 and 10 ratings of each film. Peers: none can score
// films without ratings except by its biases, so the comparison is with the mean, and with the mean plus a user's bias.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { train } from "../testing/train-by-command.js";
import { openRun } from "../table/run-directory.js";
import { readFmModel } from "../trainers/shared/factor-model/artifact.js";
import {
  exported,
  films,
  readRatings,
  shuffle,
  transformed,
  watch,
  writeRatings,
  type Rating,
  type Vector,
} from "./films.js";

interface Penalties {
  l2Weight: number;
  l2Vector: number;
}
interface Run {
  path: string;
  w0: number;
  users: Map<string, Vector>;
}

const NUM_EVENTS = [1, 3, 10];
/**
 * L2 penalty of the biases of users and films in the models to compare with: a bias is shrunk as if by this many
 * ratings of zero residual.
 */
const SHRINKAGE = 5;
/** The default L2 penalties of `embed train-fm`. */
const TRAINING_L2 = { l2Weight: 0.05, l2Vector: 0.1 };

export async function bench(): Promise<void> {
  if (!existsSync(films)) {
    console.log(`skipped: no ratings in ${films}`);
    return;
  }
  const ratings = readRatings();
  const items = [...new Set(ratings.map(({ item }) => item))];
  const tenth = Math.floor(items.length / 10);
  const folder = mkdtempSync(join(tmpdir(), "embed-cold-start-"));
  try {
    const shuffled = shuffle(items, 1);
    await measure(folder, "a tenth of the films, at random", ratings, new Set(shuffled.slice(0, tenth)));
    // items are in the order of their first rating
    await measure(folder, "the newest tenth of the films", ratings, new Set(items.slice(-tenth)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(folder: string, name: string, ratings: Rating[], out: Set<string>): Promise<void> {
  const { train, hidden } = split(ratings, out);
  const mean = train.reduce((sum, { y }) => sum + y, 0) / train.length;
  const biases = userBiases(train, mean);
  const baseline = (rating: Rating) => mean + (biases.get(rating.user) ?? 0);
  console.log(`\n${name}: ${hidden.length} ratings of ${out.size} hidden films, RMSE`);
  console.log(`  mean ${rmse(hidden, () => mean)}, with the user's bias ${rmse(hidden, baseline)}`);
  const runs = {
    "without genres": await trained(folder, train, false),
    "with genres": await trained(folder, train, true),
    "with genres, --oov-dropout 0.3": await trained(folder, train, true, 0.3),
  };
  for (const [model, run] of Object.entries(runs)) {
    const vectors = await transformed(run.path, { on: [join(films, "movies.csv")], key: "movie_id" });
    console.log(`  train-fm ${model}: ${rmse(hidden, (rating) => scoreOf(run, rating, vectors))}`);
  }

  // vectors from 0, 1, ... ratings of a film are all evaluated on the same ratings: those after each film's tenth
  const later = ranked(hidden)
    .filter(({ place }) => place >= 10)
    .map(({ rating }) => rating);
  console.log(
    `  of ${later.length} ratings after a film's tenth: with the user's bias ${rmse(later, baseline)}`,
  );
  const run = runs["with genres"];
  const vectors = await transformed(run.path, { on: [join(films, "movies.csv")], key: "movie_id" });
  console.log(`    0 ratings: genres alone ${rmse(later, (rating) => scoreOf(run, rating, vectors))}`);
  for (const n of NUM_EVENTS) {
    const events = firstOf(hidden, n);
    const own = await folded(run, folder, events);
    const training = await folded(run, folder, events, TRAINING_L2);
    const bias = itemBiases(events, baseline);
    const withBias = (rating: Rating) => baseline(rating) + (bias.get(rating.item) ?? 0);
    const [byOwn, byTraining] = [own, training].map((items) => rmse(later, (r) => scoreOf(run, r, items)));
    console.log(`    ${n} ratings: biases of user and film ${rmse(later, withBias)}`);
    console.log(`      fold-in ${byOwn}, with training's L2 ${byTraining}`);
  }
}

async function trained(folder: string, ratings: Rating[], genres: boolean, oovDropout = 0): Promise<Run> {
  const [log, path] = [join(folder, "train.csv"), mkdtempSync(join(folder, "run-"))];
  writeRatings(log, ratings);
  const joined = genres && { side: [`${join(films, "movies.csv")}:movie_id`], multi: { genres: "|" } };
  await train(
    "train-fm",
    [log],
    { ...joined, out: join(path, "run"), valid: 0.1, split: "random", oovDropout, threads: 1 },
    watch,
  );
  const out = join(path, "run");
  const users = await exported(out, "user");
  const { parameters } = await readFmModel(await openRun(out));
  return { path: out, w0: parameters.w0, users };
}

async function folded(
  run: Run,
  folder: string,
  events: Rating[],
  penalties?: Penalties,
): Promise<Map<string, Vector>> {
  const log = join(folder, "events.csv");
  writeRatings(log, events);
  return await transformed(run.path, { on: [], foldIn: [log], field: "item", ...penalties });
}

function scoreOf({ w0, users }: Run, { user, item }: Rating, items: Map<string, Vector>): number {
  const [u, i] = [users.get(user), items.get(item)];
  const dot = u && i ? u.vector.reduce((sum, x, d) => sum + x * i.vector[d]!, 0) : 0;
  return w0 + (u?.bias ?? 0) + (i?.bias ?? 0) + dot;
}

function split(ratings: Rating[], out: Set<string>): { train: Rating[]; hidden: Rating[] } {
  return {
    train: ratings.filter(({ item }) => !out.has(item)),
    hidden: ratings.filter(({ item }) => out.has(item)),
  };
}

/** Returns the ratings, each with its position among the ratings of the same film, from 0. */
function ranked(ratings: Rating[]): { rating: Rating; place: number }[] {
  const seen = new Map<string, number>();
  return ratings.map((rating) => {
    const place = seen.get(rating.item) ?? 0;
    seen.set(rating.item, place + 1);
    return { rating, place };
  });
}

function firstOf(ratings: Rating[], n: number): Rating[] {
  return ranked(ratings)
    .filter(({ place }) => place < n)
    .map(({ rating }) => rating);
}

function userBiases(train: Rating[], mean: number): Map<string, number> {
  return biasesBy(
    train,
    ({ user }) => user,
    () => mean,
  );
}

function itemBiases(events: Rating[], baseline: (rating: Rating) => number): Map<string, number> {
  return biasesBy(events, ({ item }) => item, baseline);
}

/** Returns biases as ridge regression estimates of the mean residuals. */
function biasesBy(
  ratings: Rating[],
  keyOf: (rating: Rating) => string,
  baseline: (rating: Rating) => number,
): Map<string, number> {
  const sums = new Map<string, { residual: number; count: number }>();
  for (const rating of ratings) {
    const sum = sums.get(keyOf(rating)) ?? { residual: 0, count: 0 };
    sum.residual += rating.y - baseline(rating);
    sum.count++;
    sums.set(keyOf(rating), sum);
  }
  return new Map([...sums].map(([key, { residual, count }]) => [key, residual / (count + SHRINKAGE)]));
}

function rmse(test: Rating[], predict: (rating: Rating) => number): string {
  const clip = (y: number) => Math.min(10, Math.max(0, y));
  return Math.sqrt(test.reduce((sum, r) => sum + (clip(predict(r)) - r.y) ** 2, 0) / test.length).toFixed(4);
}
