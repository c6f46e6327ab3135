// Every link of the pages to a place in the project is valid: the file exists, and has the heading; links of pages that
// ship lead to files that ship. docs/README.md names every page of docs/ once.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseJson } from "../testing/json.js";
import { anchorsOf, isExternal, linksOf } from "../testing/markdown.js";
import { projectFolder } from "../testing/places.js";

const pages = [
  ...["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "fixtures/README.md", "src/README.md"],
  ...readdirSync(join(projectFolder, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

/** Returns the problem of a link on a page of the project; undefined if there is none. */
function complaint(
  page: string,
  target: string,
  textOf: (file: string) => string | undefined,
): string | undefined {
  if (isExternal(target)) return undefined;
  const [path, anchor] = target.split("#") as [string, string?];
  const file = path === "" ? page : join(dirname(page), decodeURIComponent(path));
  const text = textOf(file);
  if (text === undefined) return `${page} links to ${target}, and there is no ${file}`;
  if (anchor === undefined || !file.endsWith(".md")) return undefined;
  if (anchorsOf(text).has(decodeURIComponent(anchor))) return undefined;
  return `${page} links to ${target}, and ${file} has no such heading`;
}

function textInProject(file: string): string | undefined {
  const path = join(projectFolder, file);
  if (!existsSync(path) || relative(projectFolder, path).startsWith("..")) return undefined;
  return file.endsWith(".md") ? readFileSync(path, "utf8") : "";
}

test.each(pages)("links of %s lead somewhere", (page) => {
  const text = readFileSync(join(projectFolder, page), "utf8");
  const complaints = linksOf(text).map((target) => complaint(page, target, textInProject));
  expect(complaints.filter((sentence) => sentence !== undefined)).toEqual([]);
});

/** Returns the files of the package, as npm packs it. */
function shippedFiles(): Set<string> {
  const dryRun = ["pack", "--dry-run", "--json", "--ignore-scripts", "--silent"];
  const [packed] = parseJson<{ files: { path: string }[] }[]>(
    execFileSync("npm", dryRun, { cwd: projectFolder, encoding: "utf8", maxBuffer: 2 ** 26 }),
  );
  return new Set(packed!.files.map(({ path }) => path));
}

let shipped: Set<string>;
beforeAll(() => {
  shipped = shippedFiles();
});

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

test.each([
  ["docs/README.md", (page: string) => !/^docs\/reference\/(?!README)/.test(page)],
  ["docs/reference/README.md", (page: string) => page.startsWith("docs/reference/")],
])("%s names every page of its part once", (index, isOfPart) => {
  const named = linksOf(readFileSync(join(projectFolder, index), "utf8"))
    .map((target) => join(dirname(index), target.split("#")[0]!))
    .filter((page) => page.startsWith("docs/") && page.endsWith(".md") && isOfPart(page));
  const expected = pages.filter((page) => page.startsWith("docs/") && page !== index && isOfPart(page));
  expect(named.sort()).toEqual(expected.sort());
});

test("a wrong file and a wrong heading are seen, and code is not", () => {
  const files: Record<string, string> = {
    "docs/a.md": "# One `--two`, three\n## Same\n## Same\n```\n# not a heading\n```\n",
    "docs/b.svg": "",
  };
  const check = (text: string) =>
    linksOf(text).map((target) => complaint("docs/a.md", target, (file) => files[file]) ?? "fine");
  expect(check("[a](#one---two-three) ![b](b.svg) [c](../docs/a.md#same-1) [d](https://x.org/#y)")).toEqual(
    Array.from({ length: 4 }, () => "fine"),
  );
  expect(check("[a](#two) [b](c.svg) [c](a.md#same-2) [d](a.md#not-a-heading)")).toEqual([
    expect.stringContaining("no such heading"),
    expect.stringContaining("there is no docs/c.svg"),
    expect.stringContaining("no such heading"),
    expect.stringContaining("no such heading"),
  ]);
  expect(check("`[a](nowhere.md)` and\n```\n[b](nowhere.md)\n```\n")).toEqual([]);
});
