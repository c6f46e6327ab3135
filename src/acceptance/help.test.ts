// `embed --help`, `embed --version`, and what a mistyped command says.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk } from "../testing/embed.js";
import { projectFolder } from "../testing/places.js";
import { parseJson } from "../testing/json.js";

const commands = [
  "inspect",
  "encode",
  "train-fm",
  "train-ranking",
  "train-two-tower",
  "train-als",
  "train-item2vec",
  "train-graph",
  "train-gbdt",
  "train-pca",
  "train-net",
  "lift",
  "predict",
  "transform",
  "export",
  "index",
  "neighbors",
  "recall",
  "evaluate",
  "report",
  "init",
  "run",
  "publish",
  "rollback",
  "ls",
  "gc",
  "forget",
  "gate",
  "align",
  "reproduce",
  "schedule",
];

test("--help lists the commands that exist, and none that does not", async () => {
  const { stdout, stderr } = await embedOk(["--help"]);
  const listed = [...stdout.matchAll(/^ {2}([a-z][a-z0-9-]*)/gm)].map((match) => match[1]!);
  expect(commands.filter((command) => !listed.includes(command))).toEqual([]);
  expect(listed).not.toContain("serve");
  expect(stderr).toBe("");
});

test.each(commands)("%s --help leads with two examples that run on the shipped fixtures", async (command) => {
  const { stdout } = await embedOk([command, "--help"]);
  const examples = [...stdout.matchAll(new RegExp(`^.*embed ${command} .*$`, "gm"))];
  expect(examples.length).toBeGreaterThanOrEqual(2);
  expect(stdout).toContain("fixtures/");
  const firstOption = stdout.search(/^ {2}-/m);
  expect(examples[0]!.index).toBeLessThan(firstOption);
});

test("--version prints the package's version", async () => {
  const { version } = parseJson<{
    version: string;
  }>(readFileSync(join(projectFolder, "package.json"), "utf8"));
  expect((await embedOk(["--version"])).stdout).toBe(`${version}\n`);
});

test("no command at all is 64 with the help on stderr", async () => {
  const got = await embed([]);
  expect([got.code, got.stdout]).toEqual([64, ""]);
  expect(got.stderr).toContain("train-fm");
});

test("a mistyped command is 64 with the nearest", async () => {
  const got = await embed(["trian-fm", "log.csv"]);
  expect(got.code).toBe(64);
  expect(got.stderr).toContain("train-fm");
});
