// Every link of the pages to a place in the project is valid: the file exists, and has the heading. docs/README.md names
// every page of docs/ once. Links of pages that ship: package.long.test.ts.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { linksOf } from "../testing/markdown.js";
import { complaint, pages, textInProject } from "../testing/page-links.js";
import { projectFolder } from "../testing/places.js";

test.each(pages)("links of %s lead somewhere", (page) => {
  const text = readFileSync(join(projectFolder, page), "utf8");
  const complaints = linksOf(text).map((target) => complaint(page, target, textInProject));
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
