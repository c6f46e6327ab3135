// `npm run bench -- hidden-times FOLDER`: splits gowalla's training split as its test split seems to have been made,
// for choosing options. Writes FOLDER/train.csv and FOLDER/valid.csv (docs/algorithms/ranking.md, "Choosing options").
//
//   time of user u's item i  =  <z_u, v_i> + .08 n_i + .05 n_ui + .06 max(0, ln(events of i / 100))
//   (the latest fifth of u's items is held out)
//
//   v_i  row i of V S divided by its norm, from the degree-normalized matrix U S V' of users and items, 128 dimensions
//   z_u, n  standard normal, from hashes of the seed, the user and the item

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transpose } from "../dataset/sequences/interactions.js";
import { log } from "../base/numeric/exp.js";
import { normalDraw } from "../base/numeric/normal.js";
import { draw } from "../base/numeric/random.js";
import { historyOf } from "../dataset/sampling/negatives.js";
import { degreeNormalized } from "../compute/solvers/svd/matrix.js";
import { truncatedSvd } from "../compute/solvers/svd/truncated-svd.js";
import { gowalla } from "./implicit.js";

const [DIM, SEED] = [128, 1];
/** Maximum number of items of a user; the statistics leave out users with more. */
const MOST_ITEMS = 60;

interface Pairs {
  users: Uint32Array;
  items: Uint32Array;
}

export async function bench(): Promise<void> {
  const folder = process.argv[3];
  if (folder === undefined) throw new Error("usage: npm run bench -- hidden-times FOLDER");
  if (!existsSync(gowalla)) {
    console.log(`skipped: no check-ins in ${gowalla}`);
    return;
  }
  const [train, test] = [read("train.csv"), read("test.csv")];
  const isHeld = await heldOut(train);
  mkdirSync(folder, { recursive: true });
  const write = (name: string, held: boolean) => {
    const rows = [...train.users.keys()].filter((e) => isHeld[e] === held);
    const lines = rows.map((e) => `${train.users[e]},${train.items[e]}`);
    writeFileSync(join(folder, name), `${["user,item", ...lines].join("\n")}\n`);
    return {
      users: train.users.filter((_, e) => isHeld[e] === held),
      items: train.items.filter((_, e) => isHeld[e] === held),
    };
  };
  const [rest, valid] = [write("train.csv", false), write("valid.csv", true)];
  console.log(
    "|  | held out | events of their items, against the others' | of items above 1,000 events | pairs seen together most | least |",
  );
  console.log("| --- | --- | --- | --- | --- | --- |");
  for (const [name, kept, held] of [
    ["test", train, test],
    ["hidden times", rest, valid],
  ] as const)
    console.log(`| ${[name, ...statisticsOf(kept, held)].join(" | ")} |`);
}

function read(name: string): Pairs {
  const rows = readFileSync(join(gowalla, name), "utf8").trimEnd().split("\n").slice(1);
  const pairs = rows.map((row) => row.split(",").map(Number));
  return { users: Uint32Array.from(pairs, ([u]) => u!), items: Uint32Array.from(pairs, ([, i]) => i!) };
}

const normalAt = (key: number, counter: number) => normalDraw(draw(key, counter));
const sizeOf = (numbers: Uint32Array) => numbers.reduce((most, n) => Math.max(most, n), 0) + 1;

async function heldOut({ users, items }: Pairs): Promise<boolean[]> {
  const [numUsers, numItems] = [sizeOf(users), sizeOf(items)];
  const { indptr, items: indices } = historyOf(users, items, numUsers);
  const rows = { indptr, indices };
  const matrix = degreeNormalized(rows, transpose(rows, numItems));
  const { right, singularValues, dim } = await truncatedSvd(matrix, {
    dim: DIM,
    tolerance: 0.1,
    seed: SEED,
    threads: 2,
  });
  const counts = new Uint32Array(numItems);
  for (const item of items) counts[item]!++;
  const vectors = new Float64Array(numItems * dim);
  for (let item = 0; item < numItems; item++) {
    const v = vectors.subarray(item * dim, (item + 1) * dim);
    for (let d = 0; d < dim; d++) v[d] = right[item * dim + d]! * singularValues[d]!;
    const length = Math.hypot(...v) || 1;
    for (let d = 0; d < dim; d++) v[d]! /= length;
  }
  const isHeld = Array.from(users, () => false);
  const events = new Map<number, number[]>();
  users.forEach((user, e) => {
    const own = events.get(user);
    if (own) own.push(e);
    else events.set(user, [e]);
  });
  for (const [user, own] of events) {
    const z = Float64Array.from({ length: dim }, (_, d) => normalAt(draw(SEED, user), d));
    const timeOf = (e: number) => {
      const item = items[e]!;
      let time =
        0.08 * normalAt(draw(SEED, 0x6974656d), item) +
        0.05 * normalAt(draw(draw(SEED, 0x70616972), user), item);
      time += 0.06 * Math.max(0, log(counts[item]! / 100));
      for (let d = 0; d < dim; d++) time += z[d]! * vectors[item * dim + d]!;
      return time;
    };
    const ordered = own.map((e) => [timeOf(e), e] as const).sort((a, b) => b[0] - a[0]);
    for (const [, e] of ordered.slice(0, Math.ceil(own.length / 5))) isHeld[e] = true;
  }
  return isHeld;
}

/**
 * Returns statistics of the held-out pairs of user and item, which should be similar for gowalla's test split and for
 * the simulated one: shares of all pairs, and ratios to the values expected by chance.
 */
function statisticsOf(kept: Pairs, held: Pairs): string[] {
  const users = Uint32Array.from([...kept.users, ...held.users]);
  const items = Uint32Array.from([...kept.items, ...held.items]);
  const [numUsers, numItems] = [sizeOf(users), sizeOf(items)];
  const counts = new Uint32Array(numItems);
  for (const item of kept.items) counts[item]!++;
  const all = new Uint32Array(numItems);
  for (const item of items) all[item]!++;
  const share = held.items.length / items.length;
  const mean = (of: Uint32Array) => of.reduce((sum, item) => sum + counts[item]!, 0) / of.length;
  const frequent = (of: Uint32Array) => of.reduce((sum, item) => sum + (all[item]! > 1000 ? 1 : 0), 0);
  // for each pair of items of a user: how many users have both items, and whether both are held out for this user
  const history = historyOf(users, items, numUsers);
  const byItem = historyOf(items, users, numItems);
  const heldOf = historyOf(held.users, held.items, numUsers);
  const has = (user: number, item: number) =>
    heldOf.items.subarray(heldOf.indptr[user], heldOf.indptr[user + 1]).includes(item);
  const pairs: { together: number; both: number; chance: number }[] = [];
  for (let user = 0; user < numUsers; user += 40) {
    const own = history.items.subarray(history.indptr[user], history.indptr[user + 1]);
    if (own.length < 10 || own.length > MOST_ITEMS) continue;
    const isHeld = [...own].map((item) => has(user, item));
    const n = isHeld.filter(Boolean).length;
    const chance = (n * (n - 1)) / (own.length * (own.length - 1));
    for (let a = 0; a < own.length; a++) {
      const seen = new Set(byItem.items.subarray(byItem.indptr[own[a]!], byItem.indptr[own[a]! + 1]));
      for (let b = 0; b < a; b++) {
        const others = byItem.items.subarray(byItem.indptr[own[b]!], byItem.indptr[own[b]! + 1]);
        const both = others.reduce((sum, other) => sum + (seen.has(other) ? 1 : 0), 0);
        const together = both / Math.sqrt(seen.size * others.length);
        pairs.push({ together, both: isHeld[a] && isHeld[b] ? 1 : 0, chance });
      }
    }
  }
  pairs.sort((a, b) => b.together - a.together);
  const timesChance = (of: typeof pairs) =>
    of.reduce((sum, { both }) => sum + both, 0) / of.reduce((sum, { chance }) => sum + chance, 0);
  return [
    `${(100 * share).toFixed(1)} %`,
    (mean(held.items) / mean(kept.items)).toFixed(2),
    `${((100 * frequent(held.items)) / frequent(items)).toFixed(1)} %`,
    timesChance(pairs.slice(0, Math.ceil(pairs.length / 20))).toFixed(2),
    timesChance(pairs.slice(pairs.length >>> 1)).toFixed(2),
  ];
}
