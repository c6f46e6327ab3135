// Runs code blocks of a page of docs/ unchanged.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "./places.js";

/** Returns the first code block of a page of docs/ in this language that contains `holds`. @throws {Error} none does */
export function blockOf(page: string, language: string, holds: string): string {
  const text = readFileSync(join(projectFolder, "docs", page), "utf8");
  const blocks = text.split(`\`\`\`${language}\n`).slice(1);
  const block = blocks.map((rest) => rest.split("\n```")[0]!).find((code) => code.includes(holds));
  if (block === undefined) throw new Error(`docs/${page} has no block of ${language} with ${holds}`);
  return block;
}

/** Returns the output of code that is run in a folder. @throws {Error} it fails */
export function printedBy(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  cwd = projectFolder,
): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Path of a Python program that has the packages of .ci/requirements.txt; undefined if the environment names none. */
export const testPython: string | undefined = process.env["EMBED_TEST_PYTHON"];

/** Whether the Python of the tests has a module. */
export function testPythonHas(module: string): boolean {
  if (testPython === undefined) return false;
  const find = `import importlib.util as u, sys; sys.exit(u.find_spec("${module}") is None)`;
  return spawnSync(testPython, ["-c", find]).status === 0;
}
