// Generates the site's sidebar from the list of pages in docs/README.md: headings, paragraphs that end with a colon,
// and items that start with a link, or contain several after a colon.

/** A page, or a group of pages, in VitePress's format. */
export interface SidebarItem {
  text: string;
  link?: string;
  items?: SidebarItem[];
  collapsed?: boolean;
}

/** A nested group with more pages than this is collapsed at first. */
const MOST_OPEN = 7;

/**
 * Returns the groups of docs/README.md, in order; the item that links to the reference contains the commands.
 *
 * @param linkOf returns the target on the site of a page's link
 */
export function sidebarOf(
  index: string,
  reference: string,
  linkOf: (page: string, target: string) => string,
): SidebarItem[] {
  const groups: SidebarItem[] = [];
  let open: SidebarItem[] = [];
  for (const block of blocksOf(index)) {
    const [, heading] = /^## (.*)$/.exec(block) ?? [];
    const [, subject] = /^([^,:]*)(,[^:]*)?:$/.exec(block) ?? [];
    if (heading !== undefined) {
      open = [];
      groups.push({ text: heading, items: open });
    } else if (subject !== undefined) {
      open = [];
      groups.at(-1)!.items!.push({ text: subject, items: open });
    } else if (/^([-*]|\d+\.) /.test(block)) open.push(...itemsOf(block.replace(/^\S+ /, "")));
  }
  for (const { items = [] } of groups)
    for (const group of items) if (group.items && group.items.length > MOST_OPEN) group.collapsed = true;
  return groups;

  function itemsOf(item: string): SidebarItem[] {
    const links = [...item.matchAll(/\[([^\]]*)\]\(([^)]*)\)/g)].map(([, text, target]) => ({
      text: text!,
      target: target!,
    }));
    const pages = links.filter(({ target }) => /\.md(#|$)/.test(target));
    const onSite = ({ text, target }: (typeof pages)[0]) => ({
      text,
      link: linkOf("docs/README.md", target),
    });
    if (!item.startsWith("[")) {
      const items = pages.map((each) => onSite(each));
      return items.length === 0 ? [] : [{ text: item.slice(0, item.indexOf(":")), items, collapsed: true }];
    }
    if (!pages.includes(links[0]!)) return [];
    const page = onSite(pages[0]!);
    if (links[0]!.target !== "reference/README.md") return [page];
    const commands = [...reference.matchAll(/^- \[`embed ([^`]*)`\]\(([^)]*)\)/gm)].map(
      ([, text, target]) => ({
        text: text!,
        link: linkOf("docs/reference/README.md", target!),
      }),
    );
    return [{ ...page, items: commands, collapsed: true }];
  }
}

/** Returns headings, paragraphs and items of lists, each on one line. */
function blocksOf(markdown: string): string[] {
  return markdown
    .replaceAll(/\n {2,}(?=\S)/g, " ")
    .split(/\n\n+|\n(?=(?:[-*]|\d+\.) )/)
    .map((block) => block.replaceAll("\n", " ").trim());
}
