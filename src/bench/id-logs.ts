// Generated logs with ten fields of ids and 200,000 rows, with Zipf frequencies of keys: a network of many embeddings
// may memorize them.
//
//   repeats   users use their own items again, depending on contexts; after each use come two items that the user never
//             had
//   factors   log-odds from planted weights, pairs of fields and one triple of fields

import { exp } from "../base/numeric/exp.js";
import type { Random } from "../testing/random.js";

/** Generates the lines of a log, the header first. */
export type LogLines = (numRows: number, random: Random) => string[];

const NEGATIVES = 2;

/** Returns a function that draws keys in [0, size); the probability of key n is proportional to 1 / (n + 1). */
function zipf(size: number): (random: Random) => number {
  // approximates the distribution by a continuous one, and inverts its distribution function
  return (random) => Math.min(size - 1, Math.floor((size + 1) ** random()) - 1);
}

export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, k) => sum + x * b[k]!, 0);

/**
 * Number of keys of each column that describes the context of an event. Columns in CONTEXTS have a new key in each
 * event; those in OF_USER have one key per user.
 */
const CONTEXTS = { daytime: 7, weekday: 7, place: 3, weather: 9, network: 2, language: 12 };
const OF_USER = { country: 80, city: 230 };

/** Users have 5 to 60 items. The contexts decide which of them is used; sometimes a user adds a new item. */
export const repeats: LogLines = (numRows, random) => {
  const [numUsers, numItems, rank] = [1000, 4000, 6];
  const vector = () => Array.from({ length: rank }, () => normal(random));
  const drawItem = zipf(numItems);
  const items = Array.from({ length: numItems }, vector);
  const contexts = Object.entries(CONTEXTS).map(([name, size]) => ({
    name,
    draw: zipf(size),
    keys: Array.from({ length: size }, vector),
  }));
  const users = Array.from({ length: numUsers }, () => {
    const taste = vector();
    const had = new Set<number>();
    const numHad = Math.floor(5 * 12 ** random());
    // each item of a user is the one of three items, drawn by popularity, that fits the user's taste best
    while (had.size < numHad) {
      const offered = [0, 1, 2].map(() => drawItem(random));
      had.add(
        offered.reduce((best, item) => (dot(taste, items[item]!) > dot(taste, items[best]!) ? item : best)),
      );
    }
    const fixed = Object.entries(OF_USER).map(([name, size]) => `${name}${zipf(size)(random)}`);
    return { had, fixed };
  });
  const drawUser = zipf(numUsers);
  const header = ["label", "user", "item", ...Object.keys(CONTEXTS), ...Object.keys(OF_USER)].join(",");
  const lines = [header];
  while (lines.length <= numRows) {
    const u = drawUser(random);
    const { had, fixed } = users[u]!;
    const keys = contexts.map(({ draw }) => draw(random));
    const wanted = contexts.map(({ keys: vectors }, c) => vectors[keys[c]!]!);
    const beside = [...keys.map((key, c) => `${contexts[c]!.name}${key}`), ...fixed].join(",");
    if (random() < 0.05) had.add(drawItem(random));
    // draws an item with probability proportional to e^fit, by adding Gumbel noise
    const fit = (item: number) =>
      0.3 * wanted.reduce((sum, w) => sum + dot(w, items[item]!), 0) - Math.log(-Math.log(random() + 1e-12));
    let [used, best] = [-1, -Infinity];
    for (const item of had) {
      const value = fit(item);
      if (value > best) [used, best] = [item, value];
    }
    lines.push(`1,user${u},item${used},${beside}`);
    for (let n = 0; n < NEGATIVES && lines.length <= numRows;) {
      const other = Math.floor(random() * numItems);
      if (had.has(other)) continue;
      lines.push(`0,user${u},item${other},${beside}`);
      n++;
    }
  }
  return lines;
};

/**
 * Generates labels whose log-odds are the sum of a weight per key, of dot products in five pairs of fields, and of the
 * product of three fields' signs.
 */
export const factors: LogLines = (numRows, random) => {
  const sizes = [5, 12, 30, 80, 200, 500, 1200, 3000, 8000, 20_000];
  const [pairs, triple] = [
    [
      [1, 2],
      [0, 4],
      [3, 5],
      [4, 6],
      [5, 7],
    ] as const,
    [0, 1, 3] as const,
  ];
  const rank = 4;
  const fields = sizes.map((size) => ({
    draw: zipf(size),
    keys: Array.from({ length: size }, () => ({
      w: 0.35 * normal(random),
      v: Array.from({ length: rank }, () => 0.6 * normal(random)),
      sign: random() < 0.5 ? -1 : 1,
    })),
  }));
  const lines = [["label", ...sizes.map((_, f) => `f${f + 1}`)].join(",")];
  for (let r = 0; r < numRows; r++) {
    const places = fields.map(({ draw }) => draw(random));
    const keys = fields.map(({ keys: all }, f) => all[places[f]!]!);
    let score = keys.reduce((sum, { w }) => sum + w, -1);
    for (const [a, b] of pairs) score += dot(keys[a]!.v, keys[b]!.v);
    score += triple.reduce((product, f) => product * keys[f]!.sign, 0.6);
    const label = random() < 1 / (1 + exp(-score)) ? 1 : 0;
    lines.push([label, ...places.map((key) => `k${key}`)].join(","));
  }
  return lines;
};
