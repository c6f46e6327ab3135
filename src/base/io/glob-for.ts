// Finds a glob pattern for files that a shell has expanded ('logs/*.csv' without quotes), so that it also matches later
// files.
//
//   logs/sales_2010-W48.csv.gz, logs/sales_2010-W49.csv.gz ──► logs/sales_*.csv.gz
//
// If one number of a date differs, the whole date is replaced, so that next year's files match, too.

import { MAGIC, expandPaths } from "./glob.js";

/** The glob patterns that were found for a list of files. */
export interface Proposal {
  /** patterns that match exactly the files: one, or one per compression; undefined if there are none */
  patterns?: string[];
  /** the pattern that matches all files and the fewest others, and those others */
  nearest?: { pattern: string; others: string[] };
}

/** Finds the widest pattern that matches the given files and no other existing ones. @param files two or more */
export async function patternsFor(files: readonly string[]): Promise<Proposal> {
  const wanted = new Set(files);
  let nearest: Proposal["nearest"];
  for (const patterns of candidates(files)) {
    const found = await expandPaths(patterns).catch(() => []);
    const others = found.filter((path) => !wanted.has(path));
    if (others.length === 0 && new Set(found).size === wanted.size) return { patterns };
    if (others.length > 0) nearest ??= { pattern: patterns[0]!, others };
  }
  return { nearest };
}

/** Returns a pattern for a file and files with a similar name; undefined if the file's name contains no number. */
export function patternLike(file: string): string | undefined {
  const at = file.lastIndexOf("/") + 1;
  const { stem, compression } = split(file.slice(at));
  const number = /\d+/.exec(stem);
  if (!number || MAGIC.test(file)) return undefined;
  const end = /\d(?=\D*$)/.exec(stem)!.index + 1;
  return `${file.slice(0, at)}${cutPrefix(stem.slice(0, number.index))}*${cutSuffix(stem.slice(end))}${compression}`;
}

/** Returns patterns that may match the files, those that match most first. */
function candidates(files: readonly string[]): string[][] {
  const named = files.map((file) => {
    const at = file.lastIndexOf("/") + 1;
    const { stem, compression } = split(file.slice(at));
    return { parts: [...file.slice(0, at).split("/").slice(0, -1), stem], compression };
  });
  const depth = named[0]!.parts.length;
  if (MAGIC.test(files.join("")) || named.some(({ parts }) => parts.length !== depth)) return [];
  const compressions = [...new Set(named.map(({ compression }) => compression))].sort();
  return (["wide", "narrow"] as const).map((width) => {
    const parts = named[0]!.parts.map((_, i) =>
      pattern(
        named.map((each) => each.parts[i]!),
        width,
      ),
    );
    return compressions.map((compression) => parts.join("/") + compression);
  });
}

function split(name: string): { stem: string; compression: string } {
  const compression = /\.(gz|zst)$/i.exec(name)?.[0] ?? "";
  return { stem: name.slice(0, name.length - compression.length), compression };
}

function pattern(names: readonly string[], width: "wide" | "narrow"): string {
  const [first] = names;
  if (names.every((name) => name === first)) return first!;
  const shortest = Math.min(...names.map(({ length }) => length));
  let head = 0;
  while (head < shortest && names.every((name) => name[head] === first![head])) head++;
  let tail = 0;
  while (tail < shortest - head && names.every((name) => name.at(-1 - tail) === first!.at(-1 - tail))) tail++;
  const [prefix, suffix] = [first!.slice(0, head), first!.slice(first!.length - tail)];
  if (width === "narrow") return `${prefix}*${suffix}`;
  const shapes = new Set(names.map((name) => name.replaceAll(/\d+/g, "0")));
  // the names differ in more than numbers, so the pattern replaces the differing words as a whole
  if (shapes.size > 1) return `${prefix.replace(/[\p{L}\d]+$/u, "")}*${suffix.replace(/^[\p{L}\d]+/u, "")}`;
  return `${cutPrefix(prefix)}*${cutSuffix(suffix)}`;
}

/** Removes the numbers at a prefix's end and the separators between them: `ratings-2013-w0` becomes `ratings-`. */
function cutPrefix(prefix: string): string {
  const runs = prefix.match(/\d+|\D+/g) ?? [];
  while (runs.length > 0 && (/\d/.test(runs.at(-1)!) || (runs.length > 1 && runs.at(-1)!.length <= 2)))
    runs.pop();
  return runs.join("");
}

/** Removes the numbers at a suffix's start and the separators between them: `-03-2013.csv` becomes `.csv`. */
function cutSuffix(suffix: string): string {
  const runs = suffix.match(/\d+|\D+/g) ?? [];
  while (runs.length > 0 && (/\d/.test(runs[0]!) || (runs.length > 1 && runs[0]!.length <= 2))) runs.shift();
  return runs.join("");
}
