// `npm run bench -- inductive [1|2|3] [new|few]`: how much side features and neighbors (train-ranking --item-neighbors)
// help films with no or few ratings. The newest tenth of movietweetings' films, by first rating, is hidden from
// training. For each user, the hidden films are ranked by the vectors that `transform` computes from their genres. With
// the argument 1, 2 or 3, the newest one, two or three tenths of the films are dropped, and the newest tenth of the
// other films is hidden: options are chosen on these films.
//
//   genre mean     the vector and bias of a genre are means over its films, those of a film means over its genres, or
//                  over all films
//   permuted       the same training with the films' genres shuffled over the films
//   few ratings    a tenth of the ratings is held out at random; films with 1 to 5 raters in training are ranked among
//                  themselves

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { train } from "../testing/train-by-command.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import type { GivenRanking } from "../trainers/ranking/options.js";
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

const K = 20;
const SEEDS = [1, 2, 3];
const FEW = 5;

type Vectors = ReadonlyMap<string, Vector>;
/** Genres by film. */
type Genres = ReadonlyMap<string, readonly string[]>;
/** Recall@20 by user. */
type Recalls = ReadonlyMap<string, number>;

/**
 * A training that is measured: its options, and whether its films have their own genres, permuted genres (those of
 * other films), or none.
 */
interface Setting {
  given: GivenRanking;
  genres?: "permuted" | "none";
}

/** Options that were chosen on the validation films (docs/experiments/inductive.md). */
const chosen: GivenRanking = { negatives: 8, epochs: 5, dim: 32 };
const neighbors: GivenRanking = { ...chosen, itemNeighbors: 20, neighborWeight: 0.3 };
const settings: Record<string, Setting> = {
  "user and film alone": { given: chosen, genres: "none" },
  genres: { given: chosen },
  "genres, neighbors": { given: neighbors },
  "genres permuted": { given: chosen, genres: "permuted" },
  "genres permuted, neighbors": { given: neighbors, genres: "permuted" },
};

/** EMBED_SETTINGS: trainings to measure instead of `settings`, as JSON. */
const asked = process.env["EMBED_SETTINGS"];

export async function bench(): Promise<void> {
  if (!existsSync(films)) {
    console.log(`skipped: no ratings in ${films}`);
    return;
  }
  const all = readRatings();
  const items = [...new Set(all.map(({ item }) => item))];
  const tenth = Math.floor(items.length / 10);
  // without an argument, hides the newest tenth of the films; with n, drops the newest n tenths and hides the newest
  // tenth of the others
  const older = Number(process.argv.find((arg) => /^\d$/.test(arg)) ?? 0);
  const end = items.length - older * tenth;
  const ratings = without(all, new Set(items.slice(end)));
  const hidden = new Set(items.slice(end - tenth, end));
  const folder = mkdtempSync(join(tmpdir(), "embed-inductive-"));
  try {
    const parts = process.argv.slice(3);
    if (!parts.includes("few")) await newFilms(folder, ratings, hidden);
    if (!parts.includes("new")) await fewRatings(folder, ratings);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function newFilms(folder: string, ratings: Rating[], hidden: Set<string>): Promise<void> {
  const genres = readGenres();
  const training = without(ratings, hidden);
  const wanted = wantedOf(ratings.filter(({ item }) => hidden.has(item)));
  const known = new Set(training.map(({ user }) => user));
  const users = [...wanted.keys()].filter((user) => known.has(user));
  console.log(`${hidden.size} new films, ${users.length} users, Recall@${K} ± standard deviation over seeds`);

  const results = new Map<string, Recalls[]>();
  const put = (name: string, recalls: Recalls) => results.set(name, [...(results.get(name) ?? []), recalls]);
  for (const seed of SEEDS) {
    const order = shuffle([...hidden], seed);
    const evaluation = (p: Vectors, q: Vectors) => recallsOf(users, wanted, p, q, order);
    for (const [name, setting] of settingsOf()) {
      const shown = setting.genres === "permuted" ? permuted(genres, seed) : genres;
      const run = await trained(folder, training, shown, setting, seed);
      const known = await exported(run, "item");
      const queries = await exported(run, "user");
      if (setting.genres !== "none") {
        const table = join(folder, "new.csv");
        writeGenres(table, new Map([...hidden].map((film) => [film, shown.get(film) ?? []])));
        const fresh = await transformed(run, { on: [table], key: "movie_id" });
        put(name, evaluation(queries, fresh));
        put(`${name}, without biases`, evaluation(queries, unbiased(fresh)));
      }
      if (setting.genres !== "permuted") {
        const means = genreMeans(known, genres, order);
        put(`genre mean of: ${name}`, evaluation(queries, means));
        put(`genre mean of: ${name}, without biases`, evaluation(queries, unbiased(means)));
      }
    }
    const popular = genrePopularity(training, genres, order);
    put(
      "genre popularity",
      evaluation(new Map(users.map((user) => [user, { bias: 0, vector: [] }])), popular),
    );
    put("chance", evaluation(new Map(users.map((user) => [user, { bias: 0, vector: [] }])), new Map()));
  }
  const means = new Map([...results].map(([name, recalls]) => [name, overSeeds(users, recalls)]));
  for (const [name, recalls] of results) {
    const seeds = recalls.map((of) => mean(users.map((user) => of.get(user)!)));
    console.log(`  ${name}: ${mean(seeds).toFixed(4)} ± ${deviation(seeds).toFixed(4)}`);
  }
  // compares each training with the better of the means over genres; trainings without biases are compared with means
  // without biases
  const isUnbiased = (name: string) => name.endsWith("without biases");
  for (const [name, recalls] of means) {
    const [best] = [...means]
      .filter(([other]) => other.startsWith("genre mean") && isUnbiased(other) === isUnbiased(name))
      .sort((a, b) => mean(b[1]) - mean(a[1]));
    if (best && !name.startsWith("genre mean"))
      console.log(`  ${name} less '${best[0]}': ${difference(recalls, best[1])}`);
  }
}

/** Ranks films with few ratings: a tenth of all ratings is held out at random. */
async function fewRatings(folder: string, ratings: Rating[]): Promise<void> {
  const genres = readGenres();
  const parts = shuffle(ratings, 11);
  const [held, training] = [
    parts.slice(0, Math.floor(ratings.length / 10)),
    parts.slice(Math.floor(ratings.length / 10)),
  ];
  const raters = new Map<string, Set<string>>();
  for (const { user, item } of training) raters.set(item, (raters.get(item) ?? new Set()).add(user));
  const few = [...raters].filter(([, of]) => of.size <= FEW).map(([item]) => item);
  const isFew = new Set(few);
  const known = new Set(training.map(({ user }) => user));
  const wanted = wantedOf(held.filter(({ user, item }) => known.has(user) && isFew.has(item)));
  const users = [...wanted.keys()];
  console.log(
    `${few.length} films of 1 to ${FEW} raters, ${users.length} users, Recall@${K} among these films; among all`,
  );
  const seeds = new Map<string, number[][]>();
  for (const seed of SEEDS)
    for (const [name, setting] of settingsOf()) {
      const shown = setting.genres === "permuted" ? permuted(genres, seed) : genres;
      const run = await trained(folder, training, shown, setting, seed);
      const [p, q] = [await exported(run, "user"), await exported(run, "item")];
      const among = [few, [...raters.keys()]].map((list) =>
        recallsOf(users, wanted, p, q, shuffle(list, seed)),
      );
      for (const [i, recalls] of among.entries()) {
        const key = `${name}${i === 0 ? "" : ", among all"}`;
        seeds.set(key, [...(seeds.get(key) ?? []), users.map((user) => recalls.get(user)!)]);
      }
    }
  const own = (name: string) => users.map((_, u) => mean(seeds.get(name)!.map((of) => of[u]!)));
  for (const [name, of] of seeds) {
    const figures = of.map(mean);
    const plain = name.endsWith(", among all") ? "genres, among all" : "genres";
    const less =
      seeds.has(plain) && name !== plain ? `; less '${plain}': ${difference(own(name), own(plain))}` : "";
    console.log(`  ${name}: ${mean(figures).toFixed(4)} ± ${deviation(figures).toFixed(4)}${less}`);
  }
}

function settingsOf(): [string, Setting][] {
  return Object.entries(asked === undefined ? settings : (JSON.parse(asked) as Record<string, Setting>));
}

async function trained(
  folder: string,
  ratings: Rating[],
  genres: Genres,
  { given, genres: which }: Setting,
  seed: number,
): Promise<string> {
  const [log, table, out] = [
    join(folder, "train.csv"),
    join(folder, "films.csv"),
    mkdtempSync(join(folder, "run-")),
  ];
  writeRatings(log, ratings);
  writeGenres(table, genres);
  const columns = { user: "user_id", item: "movie_id", ignore: ["rating"], threads: 1 };
  const joined =
    which === "none"
      ? { fields: ["user_id", "movie_id"] }
      : { side: [`${table}:movie_id`], multi: { genres: "|" }, itemFields: ["genres"] };
  await train(
    "train-ranking",
    [log],
    { ...columns, ...joined, ...given, seed, out: join(out, "run") },
    watch,
  );
  return join(out, "run");
}

/**
 * Returns the Recall@20 of each user.
 *
 * @param films the candidates; of two films with equal scores, the one that comes first in this order ranks higher
 */
function recallsOf(
  users: readonly string[],
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
  p: Vectors,
  q: Vectors,
  films: readonly string[],
): Recalls {
  const rows = films.map((film) => q.get(film));
  return new Map(
    users.map((user) => {
      const { vector } = p.get(user)!;
      const scores = rows.map((row) => (row ? row.bias + dot(vector, row.vector) : 0));
      const top = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, K);
      const own = wanted.get(user)!;
      return [user, top.filter((f) => own.has(films[f]!)).length / own.size];
    }),
  );
}

function genreMeans(known: Vectors, genres: Genres, wanted: readonly string[]): Vectors {
  const byGenre = new Map<string, Vector[]>();
  for (const [film, vector] of known)
    for (const genre of genres.get(film) ?? []) byGenre.set(genre, [...(byGenre.get(genre) ?? []), vector]);
  const means = new Map([...byGenre].map(([genre, of]) => [genre, meanVector(of)]));
  // a film without genres gets the mean of all genres
  const whole = meanVector([...known.values()]);
  return new Map(
    wanted.map((film) => {
      const own = (genres.get(film) ?? []).flatMap((genre) => means.get(genre) ?? []);
      return [film, own.length > 0 ? meanVector(own) : whole];
    }),
  );
}

function genrePopularity(training: Rating[], genres: Genres, wanted: readonly string[]): Vectors {
  const counts = new Map<string, number>();
  for (const { item } of training)
    for (const genre of genres.get(item) ?? []) counts.set(genre, (counts.get(genre) ?? 0) + 1);
  const sum = (film: string) =>
    (genres.get(film) ?? []).reduce((all, genre) => all + (counts.get(genre) ?? 0), 0);
  return new Map(wanted.map((film) => [film, { bias: sum(film), vector: [] }]));
}

function unbiased(vectors: Vectors): Vectors {
  return new Map([...vectors].map(([key, { vector }]) => [key, { bias: 0, vector }]));
}

function meanVector(vectors: readonly Vector[]): Vector {
  const dim = vectors[0]?.vector.length ?? 0;
  return {
    bias: mean(vectors.map(({ bias }) => bias)),
    vector: Array.from({ length: dim }, (_, d) => mean(vectors.map(({ vector }) => vector[d]!))),
  };
}

function wantedOf(held: Rating[]): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const { user, item } of held) wanted.set(user, (wanted.get(user) ?? new Set()).add(item));
  return wanted;
}

function without(ratings: Rating[], hidden: Set<string>): Rating[] {
  return ratings.filter(({ item }) => !hidden.has(item));
}

function readGenres(): Map<string, string[]> {
  const lines = readFileSync(join(films, "movies.csv"), "utf8").trimEnd().split("\n").slice(1);
  return new Map(
    lines.map((line) => {
      const genres = line.slice(line.lastIndexOf(",") + 1).trim();
      return [line.slice(0, line.indexOf(",")), genres === "" ? [] : genres.split("|")];
    }),
  );
}

function writeGenres(path: string, genres: Genres): void {
  writeFileSync(
    path,
    ["movie_id,genres", ...[...genres].map(([film, of]) => `${film},${of.join("|")}`)].join("\n"),
  );
}

function permuted(genres: Genres, seed: number): Genres {
  const lists = shuffle([...genres.values()], 100 + seed);
  return new Map([...genres.keys()].map((film, i) => [film, lists[i]!]));
}

function overSeeds(users: readonly string[], recalls: readonly Recalls[]): number[] {
  return users.map((user) => mean(recalls.map((of) => of.get(user)!)));
}

/** Formats the difference of means over the same users, with a 95 % bootstrap interval over users. */
function difference(one: readonly number[], other: readonly number[]): string {
  const random = mulberry32(5);
  const differences = one.map((x, u) => x - other[u]!);
  const drawn = Array.from({ length: 2000 }, () =>
    mean(differences.map(() => differences[integerBelow(differences.length, random)]!)),
  ).sort((a, b) => a - b);
  return `${mean(differences).toFixed(4)} (95 % in [${drawn[50]!.toFixed(4)}, ${drawn[1949]!.toFixed(4)}])`;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, x) => sum + x, 0) / Math.max(1, numbers.length);
}

function deviation(numbers: readonly number[]): number {
  const center = mean(numbers);
  return Math.sqrt(numbers.reduce((sum, x) => sum + (x - center) ** 2, 0) / Math.max(1, numbers.length - 1));
}

function dot(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) throw new RangeError(`vectors of ${a.length} and ${b.length} numbers`);
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}
