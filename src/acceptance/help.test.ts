// `embed --help`, `embed help`, `embed --version`, and messages for mistyped command lines.

import { readFileSync } from "node:fs";
import {
  ArtifactError,
  ConfigError,
  DataError,
  DivergedError,
  exitCodes,
  GateError,
  IoError,
  LockedError,
  NoInputError,
  NoRowsError,
  OutputError,
  UsageError,
} from "../base/errors.js";
import { commands as everyCommand } from "../faces/cli/commands.js";
import { topics } from "../faces/cli/topics.js";
import { trainers } from "../trainers/index.js";
import { join } from "node:path";
import { embed, embedOk } from "../testing/embed.js";
import { projectFolder } from "../testing/places.js";
import { parseJson, readJson } from "../testing/json.js";

/** Commands whose help has examples with the shipped fixtures. */
const onFixtures = everyCommand
  .map(({ name }) => name)
  .filter((name) => !["help", "completion", "import"].includes(name));

/** Returns the lines of options in a help text. */
const optionLines = (help: string): string[] =>
  help.split("\n").filter((line) => /^ {2}(-\w, )?--/.test(line));

const printed = new Map<string, string>();

/** Returns what `embed COMMAND FLAG` prints; runs it once. */
async function helpOf(command: string, flag: "--help" | "--help-all"): Promise<string> {
  const line = `${command} ${flag}`;
  if (!printed.has(line)) printed.set(line, (await embedOk([command, flag])).stdout);
  return printed.get(line)!;
}

test("--help lists the commands that exist, and none that does not", async () => {
  const { stdout, stderr } = await embedOk(["--help"]);
  const listed = [...stdout.matchAll(/^ {2}([a-z][a-z0-9-]*)/gm)].map((match) => match[1]!);
  expect(everyCommand.map(({ name }) => name).filter((name) => !listed.includes(name))).toEqual([]);
  expect(listed).not.toContain("serve");
  expect(stderr).toBe("");
});

test.each(onFixtures)(
  "%s --help leads with two examples that run on the shipped fixtures",
  async (command) => {
    const stdout = await helpOf(command, "--help");
    const examples = [...stdout.matchAll(new RegExp(`^.*embed ${command} .*$`, "gm"))];
    expect(examples.length).toBeGreaterThanOrEqual(2);
    expect(stdout).toContain("fixtures/");
    const firstOption = stdout.search(/^ {2}-/m);
    expect(examples[0]!.index).toBeLessThan(firstOption);
  },
);

test("--version prints the package's version", async () => {
  const { version } = readJson<{
    version: string;
  }>(join(projectFolder, "package.json"));
  expect((await embedOk(["--version"])).stdout).toBe(`${version}\n`);
});

describe.each(everyCommand.map(({ name }) => name))("%s", (command) => {
  test("--help shows at most 30 options, each on one line off a terminal, and --help-all the others", async () => {
    const stdout = await helpOf(command, "--help");
    const [common, all] = [stdout, await helpOf(command, "--help-all")].map(optionLines);
    expect(common!.length).toBeLessThanOrEqual(30);
    expect(common!.filter((line) => !hasOption(all!, line))).toEqual([]);
    const left = /^(\d+) more options/m.exec(stdout)?.[1] ?? "0";
    expect(common!.length + Number(left)).toBe(all!.length);
  });

  test("each line of --help-all names what it is about", async () => {
    const lines = optionLines(await helpOf(command, "--help-all"));
    // a description must be understood alone, as grep shows it: it must not continue the line before, and needs a
    // subject
    const riddles = lines.filter((line) =>
      /^ {2}\S.*? {2,}(its|of|likewise|in its place|the same|more of them|these|they|whose|that|as)\b/.test(
        line,
      ),
    );
    expect(riddles).toEqual([]);
    expect(lines.filter((line) => line.replace(/^ {2}\S.*? {2,}/, "").split(" ").length < 2)).toEqual([]);
  });
});

function hasOption(all: readonly string[], line: string): boolean {
  const words = line.trim().split(/ {2,}/);
  return all.some((one) => one.trim().split(/ {2,}/).join() === words.join());
}

test("no command at all is 64 with the help on stderr", async () => {
  const got = await embed([]);
  expect([got.code, got.stdout]).toEqual([64, ""]);
  expect(got.stderr).toContain("train-fm");
  expect(got.stderr.trimEnd().split("\n").at(-1)).toMatch(/^embed: no command given/);
});

test("train alone is 64 with a line for each trainer", async () => {
  const got = await embed(["train", "log.csv"]);
  expect(got.code).toBe(64);
  const lines = got.stderr.split("\n").map((line) => line.replace(/(?<=\w) {2,}/, "  "));
  expect(lines).toEqual(
    expect.arrayContaining(trainers.map(({ command, summary }) => `  ${command}  ${summary}`)),
  );
});

/** Mistyped command lines with their messages. */
const mistakes: [typed: string, said: RegExp][] = [
  ["trian-fm log.csv", /^embed: unknown command 'trian-fm': did you mean 'train-fm'\? `embed help` lists/],
  ["xxxxxxxxxxxxx", /^embed: unknown command 'xxxxxxxxxxxxx'; `embed help` lists/],
  ["--hlep", /^embed: unknown option '--hlep'/],
  ["train-fm log.csv --valdi 0.1", /^embed: train-fm has no option '--valdi': did you mean '--valid'\?/],
  // options that --help hides are suggested, too
  [
    "train-fm log.csv --burnin 5 -o run",
    /^embed: train-fm has no option '--burnin': did you mean '--burn-in'\?/,
  ],
  ["train-fm log.csv", /^embed: train-fm needs -o, --out <run>: run directory/],
  [
    "train-fm log.csv -o run --split tiem",
    /^embed: --split expects one of time, .*, got 'tiem': did you mean 'time'\?/,
  ],
  ["train-fm log.csv -o run --dim", /^embed: --dim <n> needs a value: embedding dimension/],
  ["train-fm log.csv -o run --dim x", /^embed: --dim expects a number, got 'x'/],
  [
    "train-fm log.csv -o run --valid 110%",
    /^embed: --valid expects a share of at least 0 and below 1, such as 0.1 or 10%/,
  ],
  ["train-fm nowhere.csv -o run", /^embed: 'nowhere.csv' does not exist/],
  ["ls", /^embed: ls needs <store>/],
  ["ls a b c", /^embed: ls takes at most 2 arguments, got 3/],
  ["help splts", /^embed: no command or topic 'splts': did you mean 'splits'\?/],
  ["completion tcsh", /^embed: .*bash, zsh, fish/],
];

test.each(mistakes)("embed %s: the error begins as all do, with what was meant", async (typed, said) => {
  const got = await embed(typed.split(" "));
  expect([got.code, got.stdout]).toEqual([typed.includes("nowhere") ? 66 : 64, ""]);
  expect(got.stderr).toMatch(said);
  expect(got.stderr.trimEnd().split("\n")).toHaveLength(1);
});

test("with --log-format json an error of the command line is an object, too", async () => {
  const got = await embed(["train-fm", "log.csv", "-o", "run", "--dmi", "3", "--log-format", "json"]);
  expect(got.code).toBe(64);
  expect(parseJson(got.stderr)).toEqual({
    stage: "error",
    text: expect.stringContaining("'--dim'") as string,
  });
});

describe("help TOPIC", () => {
  test.each(topics)("$name", async ({ name }) => {
    const { stdout, stderr } = await embedOk(["help", name]);
    expect(stdout.length).toBeGreaterThan(300);
    expect(stderr).toBe("");
    // no line has more than 140 characters, except for indented lines: those of options and of tables
    expect(stdout.split("\n").filter((line) => !line.startsWith("  ") && line.length > 140)).toEqual([]);
  });

  test("shows the shared options in the words of the commands' help", async () => {
    const all = await helpOf("train-fm", "--help-all");
    for (const name of ["columns", "reading", "splits", "weekly"]) {
      const lines = optionLines((await embedOk(["help", name])).stdout);
      expect(lines.length).toBeGreaterThan(5);
      expect(lines.filter((line) => !hasOption(optionLines(all), line))).toEqual([]);
    }
  });

  test("help COMMAND is COMMAND --help, and help alone --help", async () => {
    expect((await embedOk(["help", "recall"])).stdout).toBe((await embedOk(["recall", "--help"])).stdout);
    expect((await embedOk(["help"])).stdout).toBe((await embedOk(["--help"])).stdout);
  });

  test("exit codes are those of the errors, and of docs/cli.md", async () => {
    const { stdout } = await embedOk(["help", "exit-codes"]);
    const page = readFileSync(join(projectFolder, "docs/cli.md"), "utf8");
    for (const { code, name, when } of exitCodes) {
      expect(stdout).toMatch(new RegExp(`^  ${code} +\\S`, "m"));
      const row = page.split("\n").find((line) => line.startsWith(`| ${code} `));
      expect(row?.split("|").map((cell) => cell.trim())).toEqual(["", code, name ?? "", when, ""]);
    }
    const thrown = [
      ...[UsageError, DataError, NoRowsError, NoInputError, OutputError, IoError, LockedError, ConfigError],
      ...[DivergedError, GateError, ArtifactError],
    ];
    for (const One of thrown)
      expect(exitCodes.map(({ code }) => code)).toContain(String(new One("").exitCode));
  });
});
