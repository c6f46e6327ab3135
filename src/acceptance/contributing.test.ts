// The trainer in CONTRIBUTING.md works unchanged: it is compiled in a copy of the program, registered, trained and
// used.

import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../testing/embed.js";
import { readJson } from "../testing/json.js";
import { projectFolder } from "../testing/places.js";
import { plantedText } from "../testing/trainers.js";

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const project = (...names: string[]): string => join(projectFolder, ...names);

/**
 * Returns the code blocks of CONTRIBUTING.md that are files of src/, by path. The first line of such a block is `//
 * src/PATH`, or `// src/PATH: PART` if the block shows only a part of the file.
 */
function filesOfPage(): Map<string, string> {
  const page = readFileSync(project("CONTRIBUTING.md"), "utf8");
  const blocks = page.matchAll(/```ts\n\/\/ src\/([\w./-]+)(?::[^\n]*)?\n([\s\S]*?)\n```/g);
  return new Map(Array.from(blocks, ([, path, code]) => [path!, code!]));
}

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command of the copied program. */
async function copied(...args: string[]): Promise<Ended> {
  return await new Promise((resolve) => {
    execFile(process.execPath, [at("bin", "embed.js"), ...args], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

const files = filesOfPage();
const ofTrainer = [...files.keys()].filter((path) => path.startsWith("trainers/drawn/"));

beforeAll(() => {
  const left = /^(?:acceptance|bench|testing|program)$|\.test\./;
  cpSync(project("dist"), at("dist"), {
    recursive: true,
    filter: (path) =>
      !path
        .slice(project("dist").length + 1)
        .split("/")
        .some((name) => left.test(name)),
  });
  for (const name of ["bin", "package.json"]) cpSync(project(name), at(name), { recursive: true });
  symlinkSync(project("node_modules"), at("node_modules"));
  mkdirSync(at("dist", "trainers", "drawn"));
  for (const path of ofTrainer) writeFileSync(at("dist", path), files.get(path)!);
  // compiles faces/cli/main again: the copied build has it only in the bundle dist/program, which does not contain the new
  // trainer
  rmSync(at("dist", "faces", "cli", "main.d.ts"));
  cpSync(project("src", "faces", "cli", "main.ts"), at("dist", "faces", "cli", "main.ts"));
  // adds the page's trainer at the end of the program's list of trainers
  const list = at("dist", "trainers", "index.js");
  const [before, after] = readFileSync(list, "utf8").split(/(?<=export const trainers = \[[\s\S]*?)^\];/m);
  writeFileSync(list, `${before}${files.get("trainers/index.ts")}\n];${after}`);
  const { compilerOptions } = readJson<{ compilerOptions: object }>(project("tsconfig.json"));
  const here = { outDir: "dist", rootDir: "dist", incremental: false, composite: false, skipLibCheck: true };
  writeFileSync(
    at("tsconfig.json"),
    JSON.stringify({
      compilerOptions: { ...compilerOptions, ...here },
      files: [...ofTrainer, "faces/cli/main.ts"].map((path) => `dist/${path}`),
    }),
  );
  writeFileSync(at("log.csv"), plantedText("purchases", 400));
}, 60_000);

test("it compiles with the project's own settings", () => {
  expect(ofTrainer).toEqual(["options", "trainer", "models"].map((name) => `trainers/drawn/${name}.ts`));
  const tsc = project("node_modules", "typescript", "bin", "tsc");
  expect(
    spawnSync(process.execPath, [tsc, "-p", folder, "--singleThreaded"], { encoding: "utf8" }).stdout,
  ).toBe("");
});

test("it trains on planted events, the same bytes again, and refuses in words", async () => {
  const columns = ["--user", "user_id", "--item", "item_id", "--dim", "4"];
  const train = async (out: string, ...more: string[]) =>
    await copied("train-drawn", "log.csv", ...columns, "-o", out, "--json", ...more);
  const [first, second, other, refused, help] = await Promise.all([
    train("run"),
    train("again", "--threads", "1"),
    train("other", "--seed", "2"),
    train("none", "--dim", "0"),
    copied("help"),
  ]);
  for (const { code, stderr } of [first, second, other])
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("warning") as string });
  expect(help.stdout).toContain("train-drawn");
  const table = (run: string) => readFileSync(at(run, "embeddings.arrow"));
  expect(table("again").equals(table("run"))).toBe(true);
  expect(table("other").equals(table("run"))).toBe(false);
  expect({ code: refused.code, stderr: refused.stderr }).toEqual({
    code: 64,
    stderr: expect.stringMatching(/--dim .*1 to 1024, got '0'/) as string,
  });
});

test("its runs are exported, reproduced, compared and forgotten from, and refuse what they lack", async () => {
  const [exported, reproduced, neighbors, aligned, forgotten] = await Promise.all([
    copied("export", "run", "--format", "csv"),
    copied("reproduce", "run"),
    copied("neighbors", "run", "--key", "item:tea-1", "--json"),
    copied("align", "run", "--to", "other", "-o", "aligned"),
    copied("forget", "again", "item:tea-1"),
  ]);
  expect({ code: exported.code, nan: /NaN|Infinity/.exec(exported.stdout) }).toEqual({ code: 0, nan: null });
  expect(reproduced.stdout).toContain("run: reproduced, all files identical");
  expect({ code: neighbors.code, stderr: neighbors.stderr }).toEqual({ code: 0, stderr: "" });
  expect({ code: aligned.code, stderr: aligned.stderr }).toEqual({
    code: 64,
    stderr: expect.stringContaining(
      "drawn vectors (train-drawn), which cannot be aligned: its vectors mean nothing",
    ) as string,
  });
  expect(forgotten).toMatchObject({ code: 0 });
  const left = await copied("export", "again", "--format", "csv");
  expect(exported.stdout).toContain("tea-1,");
  expect(left.stdout).not.toContain("tea-1,");
});

test("the files that the page says to change are there", () => {
  const page = readFileSync(project("CONTRIBUTING.md"), "utf8");
  const table = page.split("| to change ")[1]!.split("\n\n")[0]!;
  const paths = [...table.matchAll(/`((?:src|docs)\/[^`]+)`/g)].map(([, path]) => path!);
  expect(paths.length).toBeGreaterThan(15);
  // in the paths of CONTRIBUTING.md, NAME stands for any name, and a folder stands for its files
  const there = ["src", "docs"].flatMap((root) =>
    readdirSync(project(root), { recursive: true }).map(
      (name) => `${root}/${String(name).replaceAll("\\", "/")}`,
    ),
  );
  const pattern = (path: string) =>
    new RegExp(
      `^${path.replaceAll(".", "\\.").replaceAll("NAME", "[\\w-]+")}${path.endsWith("/") ? "" : "$"}`,
    );
  expect(paths.filter((path) => !there.some((name) => pattern(path).test(name)))).toEqual([]);
});
