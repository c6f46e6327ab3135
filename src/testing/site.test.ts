// The inputs of the documentation's site: its sidebar, and the check of its links.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deadLinksOf } from "./dead-links.js";
import { projectFolder } from "./places.js";
import { sidebarOf } from "./sidebar.js";

test("the sidebar has the headings and pages of the list, and one entry for several pages in an item", () => {
  const index = `# Documentation

Text with [a link](other.md).

## Start

1. [One](one.md): the first,
   which [links](more.md) to another
1. [Two](../TWO.md#two)

## All of it

Text.

- [Commands](reference/README.md): a page each
- [Schema](schema.json): no page
- Recipes, with code: [A](a.md), [two
  words](b.md)
`;
  expect(sidebarOf(index, (target) => `>${target}`)).toEqual([
    {
      text: "Start",
      items: [
        { text: "One", link: ">one.md" },
        { text: "Two", link: ">../TWO.md#two" },
      ],
    },
    {
      text: "All of it",
      items: [
        { text: "Commands", link: ">reference/README.md" },
        { text: "Recipes", link: ">README.md#all-of-it" },
      ],
    },
  ]);
});

test("the site's sidebar has at most 40 entries below its headings", () => {
  const groups = sidebarOf(
    readFileSync(join(projectFolder, "docs", "README.md"), "utf8"),
    (target) => target,
  );
  const links = groups.flatMap(({ items }) => items!);
  expect(groups.every(({ items }) => items!.length > 0)).toBe(true);
  expect(links.length).toBeGreaterThan(20);
  expect(links.length).toBeLessThanOrEqual(40);
});

test("links of the built pages to no page and to no heading are dead", () => {
  const pages = new Map([
    [
      "index.html",
      '<h1 id="top"></h1><a href="/a/b.html#one">b</a><a href="#top">t</a><a href="/x.svg">x</a>',
    ],
    [
      "a/b.html",
      '<h2 id="one"></h2><a href="../index.html">i</a><a href="/">i</a><a href="https://x.org/#y">y</a>',
    ],
  ]);
  expect(deadLinksOf(pages, (file) => file === "x.svg")).toEqual([]);
  pages.set("c.html", '<a href="/a/b.html#two">b</a><a href="a/c.html">c</a><a href="#none">n</a>');
  expect(deadLinksOf(pages, () => false)).toEqual([
    "index.html links to /x.svg: no such page",
    "c.html links to /a/b.html#two: no such heading",
    "c.html links to a/c.html: no such page",
    "c.html links to #none: no such heading",
  ]);
});
