// Functions that the benches of new films share: they read movietweetings' ratings in order of time, and vectors of
// runs as the commands write them.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportRun } from "../use/export/export.js";
import { transform } from "../use/transform/transform.js";
import { projectFolder } from "../testing/places.js";
import { mulberry32 } from "../testing/random.js";
import type { GivenTransform } from "../training/shared-options/transform-options.js";
import type { Watch } from "../training/session/watch.js";

export interface Rating {
  user: string;
  item: string;
  y: number;
  time: number;
}
export interface Vector {
  bias: number;
  vector: number[];
}

/** Folder with the ratings and films of movietweetings. */
export const films = join(projectFolder, "..", "shared", "data", "movietweetings");
export const watch: Watch = { observe: () => undefined, signal: new AbortController().signal };

/** Reads ratings in order of time. @param log CSV whose first columns are user, film, rating and time */
export function readRatings(log = join(films, "ratings.csv")): Rating[] {
  return readFileSync(log, "utf8")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","))
    .map(([user, item, y, time]) => ({ user: user!, item: item!, y: Number(y), time: Number(time) }))
    .sort((a, b) => a.time - b.time);
}

export function writeRatings(path: string, ratings: readonly Rating[]): void {
  const lines = ratings.map(({ user, item, y, time }) => `${user},${item},${y},${time}`);
  writeFileSync(path, ["user_id,movie_id,rating,timestamp", ...lines].join("\n"));
}

/** Returns the vectors that `embed transform` writes, by key. */
export async function transformed(
  path: string,
  { on, ...options }: GivenTransform & { on: string[] },
): Promise<Map<string, Vector>> {
  const chunks: Buffer[] = [];
  await transform(path, on, { format: "jsonl", ...options }, collect(chunks), watch);
  const name = options.key ?? "movie_id";
  return new Map(linesOf<Record<string, string> & Vector>(chunks).map((row) => [row[name]!, row] as const));
}

/** Returns the vectors of a field that `embed export` writes, by key. */
export async function exported(path: string, field: "user" | "item"): Promise<Map<string, Vector>> {
  const lines: Buffer[] = [];
  const options = { format: "jsonl", field: [field], withWeight: true, strict: false, force: false };
  await exportRun(path, options, collect(lines), watch.signal);
  return new Map(
    linesOf<{ key: string; weight: number; vector: number[] }>(lines).map(({ key, weight, vector }) => [
      key,
      { bias: weight, vector },
    ]),
  );
}

export function shuffle<T>(items: readonly T[], seed: number): T[] {
  const random = mulberry32(seed);
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function collect(chunks: Buffer[]): (chunk: Uint8Array) => Promise<void> {
  return (chunk) => {
    chunks.push(Buffer.from(chunk));
    return Promise.resolve();
  };
}

function linesOf<T>(chunks: Buffer[]): T[] {
  return Buffer.concat(chunks)
    .toString("utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}
