// A ratchet on the size of the code: the lines of a file, and the lines, files and folders of all that ships. The same
// count on the command line, which .ci/run prints, is `.ci/size`.

import { readAssemblySources, readSources, sourceOf, type ProjectSource } from "../testing/sources.js";

/** Maximum number of lines in a file of the package. */
const MOST_LINES = 600;

/**
 * The size of what ships. A commit that raises a number says which code it deleted instead, or why users gain more than
 * maintainers lose. A commit that lowers the count by more than `slack` lowers the number, too.
 */
const limits = {
  lines: { most: 147_660, slack: 250 },
  files: { most: 925, slack: 5 },
  rooms: { most: 14, slack: 0 },
};

/** Whether a file ships: not a test, a reference of a kernel, generated, or for tests and benchmarks alone. */
function ships({ file }: ProjectSource): boolean {
  return !/\.test\b|^(?:bench|testing|acceptance)\/|\/layout$|reference/.test(file);
}

const shipped = [...readSources(), ...readAssemblySources()].filter(ships);
/** Creates the source of a file with the given number of lines. */
const planted = (file: string, numLines: number) => sourceOf(file, "//\n".repeat(numLines));

function tooLong(sources: readonly ProjectSource[]): string[] {
  return sources
    .filter(({ numLines }) => numLines > MOST_LINES)
    .map(
      ({ file, numLines }) =>
        `src/${file}.ts has ${numLines} lines, more than ${MOST_LINES}: move one of its concepts into a file of its own`,
    );
}

function outsideLimits(sources: readonly ProjectSource[]): string[] {
  const folders = sources.map(({ file }) => file.split("/")).filter(({ length }) => length > 1);
  const counts = {
    lines: sources.reduce((sum, { numLines }) => sum + numLines, 0),
    files: sources.length,
    rooms: new Set(folders.map(([room]) => room)).size,
  };
  return (Object.keys(limits) as (keyof typeof limits)[]).flatMap((name) => {
    const [count, { most, slack }] = [counts[name], limits[name]];
    if (count > most)
      return [
        `${count} ${name} ship, more than ${most}: delete what has no user or is there twice, or raise the limit and ` +
          "say in the commit what was deleted instead, or why users gain more than maintainers lose",
      ];
    return count < most - slack
      ? [`only ${count} ${name} ship: lower the limit of ${most} to this number`]
      : [];
  });
}

test("a file that ships has at most 600 lines", () => {
  expect(tooLong(shipped)).toEqual([]);
  expect(tooLong([planted("base/io/planted", 600), planted("base/io/longer", 601)])).toEqual([
    expect.stringContaining("src/base/io/longer.ts has 601 lines"),
  ]);
});

test("what ships stays within the limits of lines, files and rooms, and these are not far above it", () => {
  expect(outsideLimits(shipped)).toEqual([]);
  const more = [
    planted("new-room/planted", 600),
    ...Array.from({ length: 6 }, (_, i) => planted(`base/io/${i}`, 1)),
  ];
  expect(outsideLimits([...shipped, ...more])).toEqual([
    expect.stringContaining(`lines ship, more than ${limits.lines.most}`),
    expect.stringContaining(`files ship, more than ${limits.files.most}`),
    expect.stringContaining(`rooms ship, more than ${limits.rooms.most}`),
  ]);
  expect(outsideLimits(shipped.slice(0, -20))).toHaveLength(2);
});
