// `embed completion`: bash completes with its script; zsh and fish parse theirs if they are installed.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../faces/cli/commands.js";
import { embedOk, temporaryFolder } from "../testing/embed.js";

const folder = temporaryFolder();
const script = (shell: string): string => join(folder, `embed.${shell}`);

beforeAll(async () => {
  for (const shell of ["bash", "zsh", "fish"])
    writeFileSync(script(shell), (await embedOk(["completion", shell])).stdout);
});

/** Returns the completions that bash offers for the last of the typed words; bash treats `=` as a word of its own. */
function completed(...words: string[]): string[] {
  const body = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _embed; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const got = spawnSync("bash", ["--norc", "-uc", body, "bash", script("bash"), "embed", ...words], {
    encoding: "utf8",
  });
  expect([got.status, got.stderr]).toEqual([0, ""]);
  return got.stdout.split("\n").filter((word) => word !== "");
}

describe("bash", () => {
  test("completes commands", () => {
    expect(completed("train-f")).toEqual(["train-fm"]);
    expect(completed("")).toEqual(expect.arrayContaining(commands.map(({ name }) => name)));
  });

  test("completes the options of the command, hidden ones of --help among them", () => {
    expect(completed("train-fm", "log.csv", "--burn")).toEqual(["--burn-in"]);
    expect(completed("recall", "run", "--fo").toSorted()).toEqual([
      "--fold-in",
      "--for",
      "--force",
      "--format",
    ]);
    expect(completed("ls", "--burn")).toEqual([]);
  });

  test("completes the choices of an option, also behind =", () => {
    expect(completed("train-fm", "log.csv", "--split", "")).toEqual([
      "time",
      "random",
      "rows",
      "user",
      "items",
      "last",
    ]);
    expect(completed("train-fm", "log.csv", "--split", "=", "u")).toEqual(["user"]);
    expect(completed("train-fm", "log.csv", "--split", "=")).toContain("last");
  });

  test("leaves logs and values of options to file names", () => {
    expect(completed("train-fm", "l")).toEqual([]);
    expect(completed("train-fm", "log.csv", "-o", "")).toEqual([]);
  });

  test("completes the topics and commands of help, and the shells of completion", () => {
    expect(completed("help", "sp")).toEqual(["splits"]);
    expect(completed("help", "train-g").toSorted()).toEqual(["train-gbdt", "train-graph"]);
    expect(completed("completion", "")).toEqual(["bash", "zsh", "fish"]);
  });
});

describe.each(["zsh", "fish"])("%s", (shell) => {
  test("reads its script without a complaint", () => {
    const got = spawnSync(shell, ["-n", script(shell)], { encoding: "utf8" });
    if (got.error) {
      console.warn(`skipped: ${shell} is not on this machine (${got.error.message})`);
      return;
    }
    expect([got.status, got.stderr]).toEqual([0, ""]);
  });
});
