// Logs of different shapes on which defaults are measured: 2 to 40 fields, few or many keys per field, numbers and
// keys, labels, ratings and events. They are created once in the temporary folder: generated from a seed, or taken from
// public logs and reduced to a size at which a search can train many times.

import { createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import { text } from "node:stream/consumers";
import { exp } from "../base/numeric/exp.js";
import { mulberry32, type Random } from "../testing/random.js";
import { projectFolder } from "../testing/places.js";
import { ctrLog, run, sharedBench } from "./ctr-logs.js";
import { factors, normal, repeats, type LogLines } from "./id-logs.js";

/** Files of a log, and the options of the command that trains on it, which include the splits. */
export interface DefaultLog {
  paths: string[];
  given: Record<string, unknown>;
}

const data = join(projectFolder, "..", "shared", "data");
const cache = join(tmpdir(), "embed-bench");
const splits = { split: "random", valid: 0.1, test: 0.1 } as const;

/**
 * Functions that return the logs on which defaults are measured, by the name that is printed. They reject if the log is
 * missing.
 */
export const logs: Readonly<Record<string, () => Promise<DefaultLog>>> = {
  // 16 fields of 3 to 50,000 keys; labels from a planted factorization machine
  clicks: async () => ({ paths: [`${await ctrLog(1, 100_000)}.csv`], given: { ...splits, label: "click" } }),
  // 26 numbers and two fields of keys
  tabular: async () => ({ paths: [await tabular()], given: { ...splits, label: "label" } }),
  // 13 fields, most of which have few keys; the test split is the published one
  adult: () => Promise.resolve(adult({})),
  // the public log Adult, with its six integer columns as numbers
  "adult-numbers": () =>
    Promise.resolve(
      adult({ numeric: "age,fnlwgt,education_num,capital_gain,capital_loss,hours_per_week".split(",") }),
    ),
  // 13 heavy-tailed numbers and 26 fields of keys; the log-odds are a sum over the columns
  wide: () => planted("wide-39", 50_000, wide),
  // 40 fields of keys; labels from a planted factorization machine
  forty: () => planted("forty", 50_000, forty),
  // two fields of ids; labels depend on factors and biases of users and items
  ids: () => planted("ids", 100_000, ids),
  // ten fields of ids (id-logs.ts)
  repeats: () => generated("repeats", repeats),
  factors: () => generated("factors", factors),
  // ratings of films with genres; the latest ratings are held out
  ratings: () =>
    Promise.resolve(
      ratings({ side: [`${data}/movietweetings/movies.csv:movie_id`], multi: { genres: "|" } }),
    ),
  // ratings of films without the genres, so that the only fields are the ids of user and film
  "ratings-ids": () => Promise.resolve(ratings({})),
  // ratings from 1 to 5 by 1,000 users of 1,500 films, 100 ratings per user, from planted biases and factors
  "ratings-dense": () => dense(100_000),
  // ratings of movietweetings; a rating of at least 8 is a like
  likes: () => Promise.resolve(ratings({ positiveFrom: 8, split: "random" })),
  // invoices of one month; for each purchase, three sampled negatives
  retail: async () => ({
    paths: [await retail()],
    given: {
      ...splits,
      split: "time",
      user: "CustomerID",
      item: "StockCode",
      time: "InvoiceDate",
      fields: ["CustomerID", "StockCode", "Country"],
      negatives: 3,
    },
  }),
  // check-ins of every twentieth user; for each check-in, three sampled negatives
  gowalla: () =>
    Promise.resolve({ paths: [gowalla()], given: { ...splits, user: "user", item: "item", negatives: 3 } }),
};

function adult(more: object): DefaultLog {
  const given = {
    split: "random",
    valid: 0.1,
    test: join(data, "adult", "test.csv"),
    label: "income",
    ...more,
  };
  return { paths: [join(data, "adult", "train.csv")], given };
}

function ratings(more: object): DefaultLog {
  return {
    paths: [join(data, "movietweetings", "ratings.csv")],
    given: { ...splits, split: "time", label: "rating", ...more },
  };
}

async function tabular(): Promise<string> {
  return await made("tabular-40000.csv", async (path) => {
    await run(process.execPath, [join(sharedBench, "gen-tabular.mjs"), path, "40000", "1"]);
  });
}

/** Returns the invoices of November 2011 that have a customer and are no cancellations. */
export async function retail(): Promise<string> {
  return await made("retail-month.csv", async (path) => {
    const from = join(data, "online-retail", "online_retail_2010_2011.csv.gz");
    const [header, ...lines] = (await text(createReadStream(from).pipe(createGunzip())))
      .trimEnd()
      .split("\n");
    const kept = lines.filter(
      (line) => /,2011-11-/.test(line) && !line.startsWith("C") && !line.includes(",,"),
    );
    writeFileSync(path, [header, ...kept].join("\n") + "\n");
  });
}

/** Generates ratings of a dense matrix shaped like MovieLens 100K, with similar noise, biases and factors. */
async function dense(numRows: number): Promise<DefaultLog> {
  const path = await made(`ratings-dense-${numRows}.csv`, (out) => {
    const [rank, numUsers, numItems] = [8, 1000, 1500];
    const random = mulberry32(42);
    const side = (size: number, deviation: number) =>
      Array.from({ length: size }, () => ({
        w: deviation * normal(random),
        v: Array.from({ length: rank }, () => 0.42 * normal(random)),
      }));
    const [users, items] = [side(numUsers, 0.4), side(numItems, 0.45)];
    const lines = ["user_id,item_id,rating"];
    for (let r = 0; r < numRows; r++) {
      const [u, i] = [Math.floor(random() ** 1.7 * numUsers), Math.floor(random() ** 2 * numItems)];
      const [user, item] = [users[u]!, items[i]!];
      const y =
        user.v.reduce((sum, x, d) => sum + x * item.v[d]!, 3.5 + user.w + item.w) + 0.88 * normal(random);
      lines.push(`u${u},i${i},${Math.min(5, Math.max(1, Math.round(y)))}`);
    }
    writeFileSync(out, `${lines.join("\n")}\n`);
    return Promise.resolve();
  });
  return { paths: [path], given: { ...splits, label: "rating" } };
}

/** Returns the check-ins of every twentieth user. */
export function gowalla(): string {
  const path = join(cache, "gowalla-part.csv");
  if (existsSync(path)) return path;
  mkdirSync(cache, { recursive: true });
  const [header, ...lines] = readFileSync(join(data, "gowalla", "train.csv"), "utf8")
    .trimEnd()
    .split("\n");
  const kept = lines.filter((line) => Number(line.slice(0, line.indexOf(","))) % 20 === 3);
  writeFileSync(path, [header, ...kept].join("\n") + "\n");
  return path;
}

async function made(name: string, make: (path: string) => Promise<void>): Promise<string> {
  mkdirSync(cache, { recursive: true });
  const path = join(cache, name);
  if (!existsSync(path)) await make(path);
  return path;
}

/** A row of a planted log: its cells, and the log-odds that its label is 1. */
interface Planted {
  cells: (string | number)[];
  score: number;
}
interface Generator {
  header: string[];
  row: (random: Random) => Planted;
}

async function planted(
  name: string,
  numRows: number,
  make: (plant: Random) => Generator,
): Promise<DefaultLog> {
  const path = await made(`${name}-${numRows}.csv`, (out) => {
    const { header, row } = make(mulberry32(42));
    const random = mulberry32(1);
    const lines = [["label", ...header].join(",")];
    for (let r = 0; r < numRows; r++) {
      const { cells, score } = row(random);
      lines.push([random() < 1 / (1 + exp(-score)) ? 1 : 0, ...cells].join(","));
    }
    writeFileSync(out, lines.join("\n") + "\n");
    return Promise.resolve();
  });
  return { paths: [path], given: { ...splits, label: "label" } };
}

async function generated(name: string, linesOf: LogLines): Promise<DefaultLog> {
  const path = await made(`${name}-200000.csv`, (out) => {
    writeFileSync(out, `${linesOf(200_000, mulberry32(1)).join("\n")}\n`);
    return Promise.resolve();
  });
  return { paths: [path], given: { ...splits, label: "label" } };
}

function wide(plant: Random): Generator {
  const sizes = Array.from({ length: 26 }, (_, f) => Math.round(4 * 1.45 ** f));
  const effects = sizes.map((size) => Array.from({ length: size }, () => 0.35 * normal(plant)));
  const slopes = Array.from({ length: 13 }, () => 0.15 * normal(plant));
  return {
    header: [...slopes.map((_, i) => `I${i + 1}`), ...sizes.map((_, i) => `C${i + 1}`)],
    row(random) {
      let score = -1.2;
      const numbers = slopes.map((slope) => {
        const z = normal(random);
        score += slope * z;
        return random() < 0.1 ? "" : Math.floor(10 * Math.exp(1.2 * z));
      });
      const keys = sizes.map((size, f) => {
        const key = Math.floor(random() ** 2 * size);
        score += effects[f]![key]!;
        return `k${key}`;
      });
      return { cells: [...numbers, ...keys], score };
    },
  };
}

function forty(plant: Random): Generator {
  const sizes = Array.from({ length: 40 }, (_, f) => Math.round(3 * 1.2 ** f));
  const rank = 4;
  const features = sizes.map((size) =>
    Array.from({ length: size }, () => ({
      w: 0.15 * normal(plant),
      v: Array.from({ length: rank }, () => 0.12 * normal(plant)),
    })),
  );
  return {
    header: sizes.map((_, f) => `f${f + 1}`),
    row(random) {
      let score = -0.8;
      const [sum, squares] = [new Float64Array(rank), new Float64Array(rank)];
      const cells = sizes.map((size, f) => {
        const key = Math.floor(random() ** 2 * size);
        const { w, v } = features[f]![key]!;
        score += w;
        v.forEach((x, d) => {
          sum[d]! += x;
          squares[d]! += x * x;
        });
        return `k${key}`;
      });
      for (let d = 0; d < rank; d++) score += 0.5 * (sum[d]! ** 2 - squares[d]!);
      return { cells, score };
    },
  };
}

function ids(plant: Random): Generator {
  const rank = 6;
  const side = (size: number) =>
    Array.from({ length: size }, () => ({
      w: 0.6 * normal(plant),
      v: Array.from({ length: rank }, () => 0.6 * normal(plant)),
    }));
  const [users, items] = [side(6000), side(2000)];
  return {
    header: ["user_id", "item_id"],
    row(random) {
      const [u, i] = [Math.floor(random() ** 2 * 6000), Math.floor(random() ** 2 * 2000)];
      const [user, item] = [users[u]!, items[i]!];
      const score = user.v.reduce((sum, x, d) => sum + x * item.v[d]!, user.w + item.w - 0.5);
      return { cells: [`u${u}`, `i${i}`], score };
    },
  };
}
