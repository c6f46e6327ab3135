// Keys in what a run states of itself in words: made-up rows, expressions, warnings.

import type { Preprocess } from "../../../dataset/vocabulary/preprocess.js";
import type { TestVector } from "../../../dataset/test-vectors.js";
import { allKeys, type AskedKeys } from "./forgetting.js";

/** What stands where a key stood. */
const INSTEAD = "(forgotten)";

/** A preprocess.json, of any model, without the keys. */
export function preprocessWithout<
  T extends Pick<Preprocess, "drop" | "where" | "roles"> & Partial<Pick<Preprocess, "testVectors">>,
>(preprocess: T, keys: AskedKeys): T {
  const { drop, where, testVectors } = preprocess;
  const plain = (text: string): string => expressionWithout(text, allKeys(keys));
  return {
    ...preprocess,
    drop: mapTexts(drop, plain),
    ...(where && { where: mapTexts(where, plain) }),
    ...(testVectors && { testVectors: vectorsWithout(testVectors, keys, preprocess.roles.multi) }),
  };
}

/** The made-up rows without those that hold one of the keys. @param keys by column */
function vectorsWithout(
  vectors: readonly TestVector[],
  keys: AskedKeys,
  multi: Readonly<Record<string, string>>,
): TestVector[] {
  const valuesOf = (column: string, cell: string): string[] => {
    const separator = Object.hasOwn(multi, column) ? multi[column] : undefined;
    if (separator === undefined) return [cell];
    // a value may carry a number: tea:0.5
    return cell.split(separator).flatMap((value) => [value, value.slice(0, value.lastIndexOf(":"))]);
  };
  return vectors.filter(({ cells }) =>
    Object.entries(cells).every(
      ([column, cell]) => !valuesOf(column, cell).some((value) => keys.get(column)?.has(value)),
    ),
  );
}

/** A text such as an expression of --where or --drop, in which a key stands in quotes or after `^=`. */
export function expressionWithout(text: string, keys: readonly string[]): string {
  return keys.reduce((rest, key) => {
    const [single, double] = [`'${key.replaceAll("'", "''")}'`, `"${key.replaceAll('"', '""')}"`];
    const quoted = rest.replaceAll(single, `'${INSTEAD}'`).replaceAll(double, `"${INSTEAD}"`);
    return quoted.endsWith(`^=${key}`) ? `${quoted.slice(0, -key.length)}${INSTEAD}` : quoted;
  }, text);
}

/** A sentence in which a key stands as a word. */
export function sentenceWithout(text: string, keys: readonly string[]): string {
  return keys.reduce((rest, key) => rest.replaceAll(wordOf(key), INSTEAD), text);
}

/** Whether bytes hold one of the keys as a word: not within a longer one. */
export function holdsWord(bytes: Uint8Array, keys: readonly string[]): boolean {
  const text = Buffer.from(bytes).toString("utf8");
  return keys.some((key) => text.includes(key) && wordOf(key).test(text));
}

function wordOf(key: string): RegExp {
  const literal = key.replaceAll(/[$()*+./?[\\\]^{|}]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}_-])${literal}(?![\\p{L}\\p{N}_-])`, "gu");
}

/** Texts anywhere in what JSON holds, each by `change`. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => mapTexts(each, change)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mapTexts(each, change)])) as T;
}
