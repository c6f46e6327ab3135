// The package as npm packs it: what ships, and that the examples of the library run on it.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { linksOf } from "../testing/markdown.js";
import { complaint, pages, textInProject } from "../testing/page-links.js";
import { fixturesFolder, projectFolder } from "../testing/places.js";

/** Milliseconds that a test may take if it runs a compiler and other programs on a busy machine. */
const slow = 300_000;

const place = temporaryFolder();
const installed = join(place, "node_modules", "embed-tables");
let shipped: Set<string>;

beforeAll(() => {
  const pack = ["pack", "--json", "--silent", "--ignore-scripts", "--pack-destination", place];
  const [packed] = parseJson<{ filename: string; files: { path: string }[] }[]>(
    execFileSync("npm", pack, { cwd: projectFolder, encoding: "utf8", maxBuffer: 2 ** 26 }),
  );
  shipped = new Set(packed!.files.map(({ path }) => path));
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(place, packed!.filename), "--strip-components=1", "-C", installed]);
}, slow);

test("no test, no reference implementation and no scaffolding ships", () => {
  const apart = /\.(?:test|reference)\.|^dist\/(?:acceptance|bench|testing)\//;
  expect([...shipped].filter((file) => apart.test(file))).toEqual([]);
});

test("every page of docs/ ships, and links of pages that ship lead to files that ship", () => {
  expect(pages.filter((page) => page.startsWith("docs/") && !shipped.has(page))).toEqual([]);
  const complaints = pages
    .filter((page) => shipped.has(page))
    .flatMap((page) => {
      const text = readFileSync(join(projectFolder, page), "utf8");
      const inPackage = (file: string) => (shipped.has(file) ? textInProject(file) : undefined);
      return linksOf(text).map((target) => complaint(page, target, inPackage));
    });
  expect(complaints.filter((sentence) => sentence !== undefined)).toEqual([]);
});

test(
  "the examples are typed by the packed package and run on it",
  () => {
    // modules that were compiled after the last `npm run build` are not in dist/program/, so that the package would
    // lack them
    if (existsSync(join(projectFolder, "dist", "faces", "cli", "main.js")))
      throw new Error("dist/program/ is older than dist/: run `npm run build`");
    const modules = join(projectFolder, "node_modules");
    symlinkSync(modules, join(installed, "node_modules"));
    symlinkSync(join(modules, "@types"), join(place, "node_modules", "@types"));
    cpSync(fixturesFolder, join(place, "fixtures"), { recursive: true });
    cpSync(join(projectFolder, "docs", "examples"), place, { recursive: true });
    writeFileSync(join(place, "package.json"), '{ "type": "module" }');
    const compilerOptions = {
      ...{ strict: true, exactOptionalPropertyTypes: true, noPropertyAccessFromIndexSignature: true },
      ...{ module: "NodeNext", target: "ES2023", types: [], outDir: "out", skipLibCheck: false },
    };
    writeFileSync(join(place, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    // mistakes that the library rejects are also errors of type: if the compiler found none at a @ts-expect-error, it
    // would report that comment
    writeFileSync(
      join(place, "refused.ts"),
      `import { evaluate, inspect, publish, trainFm } from "embed-tables";
// @ts-expect-error no such option
await trainFm("log.csv", { out: "run", epoch: 5 });
// @ts-expect-error a number
await trainFm("log.csv", { out: "run", epochs: "5" });
// @ts-expect-error one of the ways to split
await trainFm("log.csv", { out: "run", split: "monthly" });
// @ts-expect-error out is needed
await trainFm("log.csv", { epochs: 5 });
// @ts-expect-error options are needed
await publish("run");
// @ts-expect-error no metric
await evaluate("run", { query: 5 });
export const columns: string[] = (await inspect("log.csv")).columns.map(({ name }) => name);
`,
    );
    const compiled = spawnSync(
      process.execPath,
      [join(modules, "typescript", "bin", "tsc"), "-p", place, "--singleThreaded"],
      {
        encoding: "utf8",
      },
    );
    expect(compiled.stdout).toBe("");
    expect(compiled.status).toBe(0);
    const { status, stdout, stderr } = spawnSync(process.execPath, ["out/library.js"], {
      cwd: place,
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("stopped: seen enough");
    expect(stdout).toContain("true 64 --dim expects an integer from 1 to 1024, got '0'");
    expect(existsSync(join(place, "never"))).toBe(false);
  },
  slow,
);
