// Generates the site's sidebar from the list of pages in docs/README.md: its headings, and below each an entry for each
// item.
//
// An item that names several pages after a colon is one entry, which leads to the item's heading in the list: the
// sidebar stays short enough to be read, however many pages there are.

import { anchorOf } from "./markdown.js";

/** A page, or a group of pages, in the format of VitePress. */
export interface SidebarItem {
  text: string;
  link?: string;
  items?: SidebarItem[];
}

/**
 * Returns the groups of pages in the list, in its order.
 *
 * @param index the list, docs/README.md
 * @param linkOf returns where a link of docs/README.md leads on the site
 */
export function sidebarOf(index: string, linkOf: (target: string) => string): SidebarItem[] {
  const groups: SidebarItem[] = [];
  for (const block of blocksOf(index)) {
    const [, heading] = /^## (.*)$/.exec(block) ?? [];
    if (heading !== undefined) groups.push({ text: heading, items: [] });
    const group = groups.at(-1);
    const [, item] = /^(?:[-*]|\d+\.) (.*)$/.exec(block) ?? [];
    if (group === undefined || item === undefined) continue;
    const [, text, target] = /^\[([^\]]*)\]\(([^)]*)\)/.exec(item) ?? [];
    if (text === undefined) {
      const [subject] = /^[^,:]*/.exec(item)!;
      group.items!.push({ text: subject, link: linkOf(`README.md#${anchorOf(group.text)}`) });
    } else if (/\.md(#|$)/.test(target!)) group.items!.push({ text, link: linkOf(target!) });
  }
  return groups;
}

/** Returns headings, paragraphs and items of lists, each on one line. */
function blocksOf(markdown: string): string[] {
  return markdown
    .replaceAll(/\n {2,}(?=\S)/g, " ")
    .split(/\n\n+|\n(?=(?:[-*]|\d+\.) )/)
    .map((block) => block.replaceAll("\n", " ").trim());
}
