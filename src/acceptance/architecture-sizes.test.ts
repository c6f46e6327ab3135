// Limits on the amount of code: on the lines of each file, and on those of the folder api/ between trainers and
// commands, which must not grow.

import { readAssemblySources, readSources, sourceOf, type ProjectSource } from "../testing/sources.js";
import { scaffolding } from "./rooms.js";

/** Maximum number of lines in a file of the package. */
const MOST_LINES = 400;
/** Files with more lines than the maximum, which must be split. */
const longer: string[] = [];

/**
 * Maximum number of lines in api/, without option tables. Code that a second command needs belongs in a folder that
 * api/ may import, and code for one kind of model in its trainer's folder. The number may only be reduced: set it to
 * the count, rounded up to hundreds, when that is lower.
 */
const API_LINES = 12_900;

const shipped = [...readSources(), ...readAssemblySources()].filter(
  ({ file, room }) => !/\.(?:test|reference)$|\.test\./.test(file) && !scaffolding.includes(room),
);
/** Creates the source of a file with the given number of lines. */
const planted = (file: string, numLines: number) => sourceOf(file, "//\n".repeat(numLines));

function tooLong(sources: readonly ProjectSource[]): string[] {
  const long = sources.filter(({ numLines }) => numLines > MOST_LINES);
  return [
    ...long
      .filter(({ file }) => !longer.includes(file))
      .map(
        ({ file, numLines }) =>
          `src/${file}.ts has ${numLines} lines, more than ${MOST_LINES}: move one of its concepts into a file of its own`,
      ),
    ...longer
      .filter((name) => !long.some(({ file }) => file === name))
      .map((name) => `src/${name}.ts has at most ${MOST_LINES} lines: remove it from the longer files`),
  ];
}

function overBudget(sources: readonly ProjectSource[]): string[] {
  const lines = sources
    .filter(({ file, room }) => room === "api" && !/\/options(?:\/|$)/.test(file))
    .reduce((sum, { numLines }) => sum + numLines, 0);
  if (lines <= API_LINES) return [];
  return [
    `src/api/ has ${lines} lines beside its options, more than ${API_LINES}: move what several commands need to a room below ` +
      "(training/, evaluation/, export/), what one kind of model needs to its trainer, or merge what is there twice",
  ];
}

test("a file that ships has at most 400 lines", () => {
  expect(tooLong(shipped)).toEqual([]);
  expect(tooLong([...shipped, planted("io/planted", 400)])).toEqual([]);
  expect(tooLong([...shipped, planted("io/planted", 401)])).toEqual([
    expect.stringContaining("src/io/planted.ts has 401 lines"),
  ]);
});

test("api/ stays within its budget of lines", () => {
  expect(overBudget(shipped)).toEqual([]);
  expect(overBudget([...shipped, planted("api/planted", API_LINES)])).toEqual([
    expect.stringContaining(`more than ${API_LINES}`),
  ]);
});
