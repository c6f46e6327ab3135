// Finds broken links of built pages.

import { posix } from "node:path";

/**
 * Returns the problems of a site's links; pages are given by path, as HTML.
 *
 * @param hasFile whether the site contains a file that is not a page
 */
export function deadLinksOf(
  pages: ReadonlyMap<string, string>,
  hasFile: (file: string) => boolean,
): string[] {
  const anchors = new Map([...pages].map(([page, html]) => [page, valuesOf(html, "id")]));
  return [...pages].flatMap(([page, html]) =>
    [...valuesOf(html, "href")].flatMap((href) => {
      if (/^[a-z][a-z\d+.-]*:|^\/\//i.test(href)) return [];
      const [path, anchor] = href.split("#") as [string, string?];
      let file = path.startsWith("/") ? path.slice(1) : posix.join(posix.dirname(page), path);
      if (path === "") file = page;
      else if (file === "" || file.endsWith("/")) file += "index.html";
      const found = anchors.get(file);
      if (!found) return hasFile(file) ? [] : [`${page} links to ${href}: no such page`];
      if (anchor === undefined || anchor === "" || found.has(decodeURIComponent(anchor))) return [];
      return [`${page} links to ${href}: no such heading`];
    }),
  );
}

function valuesOf(html: string, attribute: string): Set<string> {
  const found = html.matchAll(new RegExp(`\\s${attribute}="([^"]*)"`, "g"));
  return new Set([...found].map(([, value]) => value!.replaceAll("&amp;", "&")));
}
