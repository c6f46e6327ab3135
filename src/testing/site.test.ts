// The inputs of the documentation's site: its sidebar, and the check of its links.

import { deadLinksOf } from "./dead-links.js";
import { sidebarOf } from "./sidebar.js";

test("the sidebar has the headings, the subjects and the pages of the list, and the commands below the reference", () => {
  const index = `# Documentation

Text with [a link](other.md).

## Start

1. [One](one.md): the first,
   which [links](more.md) to another
1. [Two](../TWO.md#two)

## Reference

Judging, with figures:

- [Commands](reference/README.md): a page each
- [Schema](schema.json): no page
- Recipes: [A](a.md), [two
  words](b.md)
`;
  const reference = "# Reference\n\n- [`embed ls`](ls.md): lists\n- [`embed gc`](gc.md): removes\n";
  expect(sidebarOf(index, reference, (page, target) => `${page}>${target}`)).toEqual([
    {
      text: "Start",
      items: [
        { text: "One", link: "docs/README.md>one.md" },
        { text: "Two", link: "docs/README.md>../TWO.md#two" },
      ],
    },
    {
      text: "Reference",
      items: [
        {
          text: "Judging",
          items: [
            {
              text: "Commands",
              link: "docs/README.md>reference/README.md",
              collapsed: true,
              items: [
                { text: "ls", link: "docs/reference/README.md>ls.md" },
                { text: "gc", link: "docs/reference/README.md>gc.md" },
              ],
            },
            {
              text: "Recipes",
              collapsed: true,
              items: [
                { text: "A", link: "docs/README.md>a.md" },
                { text: "two words", link: "docs/README.md>b.md" },
              ],
            },
          ],
        },
      ],
    },
  ]);
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
