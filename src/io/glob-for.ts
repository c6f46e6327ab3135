// Files that a shell has listed ('logs/*.csv' without quotes) → the pattern that matches them and those that come later.
//
//   logs/sales_2010-W48.csv.gz, logs/sales_2010-W49.csv.gz ──► logs/sales_*.csv.gz
//
// A date or a number that differs takes its neighbours along: next year's files are to match, too.

import { MAGIC, expandPaths } from "./glob.js";

/** What a list of files comes to. */
export interface Proposal {
  /** one, or one for each compression; they match exactly the files. Undefined: none does */
  patterns?: string[];
  /** the pattern that comes nearest, and what it matches beside the files */
  nearest?: { pattern: string; others: string[] };
}

/** Finds the widest pattern that matches the files and no others that are there now. @param files two or more */
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

/** A pattern for a file and others that are named like it; undefined where its name has no number. */
export function patternLike(file: string): string | undefined {
  const at = file.lastIndexOf("/") + 1;
  const { stem, compression } = split(file.slice(at));
  const number = /\d+/.exec(stem);
  if (!number || MAGIC.test(file)) return undefined;
  const end = /\d(?=\D*$)/.exec(stem)!.index + 1;
  return `${file.slice(0, at)}${cutPrefix(stem.slice(0, number.index))}*${cutSuffix(stem.slice(end))}${compression}`;
}

/** Lists of patterns, wider ones first. */
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

/** A file's name apart from the ending that says how it is compressed. */
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
  // names of different words: a word is not cut in two
  if (shapes.size > 1) return `${prefix.replace(/[\p{L}\d]+$/u, "")}*${suffix.replace(/^[\p{L}\d]+/u, "")}`;
  return `${cutPrefix(prefix)}*${cutSuffix(suffix)}`;
}

/** Without the numbers at its end and what stands between them: `ratings-2013-w0` is `ratings-`. */
function cutPrefix(prefix: string): string {
  const runs = prefix.match(/\d+|\D+/g) ?? [];
  while (runs.length > 0 && (/\d/.test(runs.at(-1)!) || (runs.length > 1 && runs.at(-1)!.length <= 2)))
    runs.pop();
  return runs.join("");
}

/** The same of the numbers at its start: `-03-2013.csv` is `.csv`. */
function cutSuffix(suffix: string): string {
  const runs = suffix.match(/\d+|\D+/g) ?? [];
  while (runs.length > 0 && (/\d/.test(runs[0]!) || (runs.length > 1 && runs[0]!.length <= 2))) runs.shift();
  return runs.join("");
}
