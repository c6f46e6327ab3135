// A build replaces dist/ while a job of the same clone runs.

import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openRun } from "../table/run-directory.js";
import { shell, temporaryFolder } from "../testing/embed.js";
import { fixture, projectFolder } from "../testing/places.js";

const clone = temporaryFolder();
const at = (...names: string[]) => join(clone, ...names);
const { keepBuild } = (await import(join(projectFolder, "src/keep-build.mjs"))) as {
  keepBuild: (root: string) => void;
};
const kept = () => readdirSync(clone).filter((name) => /^dist-[0-9a-f]/.test(name));

beforeAll(() => {
  for (const name of ["bin", "package.json", "dist/program"])
    cpSync(join(projectFolder, name), at(name), { recursive: true });
  mkdirSync(at("dist/kernels"));
  for (const name of readdirSync(join(projectFolder, "dist/kernels")).filter((one) => one.endsWith(".wasm")))
    cpSync(join(projectFolder, "dist/kernels", name), at("dist/kernels", name));
  symlinkSync(join(projectFolder, "node_modules"), at("node_modules"));
  keepBuild(clone);
});

test("the job keeps its files, and one that starts meanwhile runs, too", async () => {
  let second: ReturnType<typeof shell> | undefined;
  const act = (): void => {
    rmSync(at("dist"), { recursive: true });
    // a compiler that has written half of the modules
    mkdirSync(at("dist/faces/cli"), { recursive: true });
    writeFileSync(at("dist/faces/cli/main.js"), 'import "./not-written-yet.js";');
    second = shell('"$EMBED_NODE" bin/embed.js export run-before --format csv', { cwd: clone });
  };
  const train = `"$EMBED_NODE" bin/embed.js train-fm '${fixture("clicks.csv")}' --valid 0.1 --test 0.1`;
  expect(await shell(`${train} -o run-before --epochs 1`, { cwd: clone })).toMatchObject({ code: 0 });
  const job = await shell(`${train} -o run --epochs 300 --patience 300 --threads 2`, {
    cwd: clone,
    when: { stderr: /"epoch":2,/, act },
  });
  expect(job).toMatchObject({ code: 0 });
  expect((await openRun(at("run"))).manifest.command).toBe("train-fm");
  expect(await second).toMatchObject({ code: 0, stderr: expect.not.stringContaining("bug") });
});

test("the build before the last one is kept, and equal builds are one", () => {
  const [first] = kept();
  mkdirSync(at("dist/kernels"), { recursive: true });
  mkdirSync(at("dist/program"), { recursive: true });
  const build = (text: string): void => {
    writeFileSync(at("dist/program/main.cjs"), text);
    keepBuild(clone);
  };
  build("second");
  build("second");
  expect(kept()).toContain(first);
  build("third");
  expect(kept()).toHaveLength(2);
  expect(existsSync(at(first!))).toBe(false);
});
