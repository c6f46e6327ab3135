// Reads JSON as the type that the caller names, without checking it: the test checks what it uses.
/* oxlint-disable typescript/no-unnecessary-type-parameters -- the receiver names the type, as with JSON.parse and `as` */

import { readFileSync } from "node:fs";

export function parseJson<T>(text: string): T {
  const value: T = JSON.parse(text);
  return value;
}

export function readJson<T>(path: string): T {
  return parseJson<T>(readFileSync(path, "utf8"));
}

/** Parses a text with a value per line. */
export function jsonLines<T>(text: string): T[] {
  return text
    .trim()
    .split("\n")
    .map((line) => parseJson<T>(line));
}
