// Builds the documentation as a site with VitePress from the unchanged Markdown: `npm run docs`,
// docs/.vitepress/config.js.
//
// The pages contain nothing specific to the site. Links between files become links between its pages; a link to another
// file of the project gets a copy of the file. The sidebar is the list of docs/README.md. A broken link or anchor fails
// the build.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { DefaultTheme, MarkdownOptions, UserConfig } from "vitepress";
import { deadLinksOf } from "./dead-links.js";
import { anchorOf, isExternal } from "./markdown.js";
import { projectFolder } from "./places.js";
import { sidebarOf } from "./sidebar.js";
import { readJson } from "./json.js";

const { description } = readJson<{
  description: string;
}>(join(projectFolder, "package.json"));

/**
 * Paths on the site of pages whose path below docs/ differs: a site uses the name `index` for the page of a folder, but
 * in docs/ it is the page of the command `index`.
 */
const places: Record<string, string> = {
  "docs/README.md": "index.md",
  "docs/reference/README.md": "reference/commands.md",
  "docs/reference/index.md": "reference/embed-index.md",
  "docs/reference/api/README.md": "reference/api.md",
  "docs/experiments/index.md": "experiments/indexes.md",
  "README.md": "tour.md",
  "CHANGELOG.md": "changelog.md",
  "CONTRIBUTING.md": "contributing.md",
  "fixtures/README.md": "fixtures.md",
  "fixtures/export/README.md": "export-fixtures.md",
  "src/README.md": "rooms.md",
};

/** Files that pages link to but that are not pages themselves, by their path on the site. */
const copies = new Map<string, string>();

/** Returns the path on the site of a file of the project. */
function placeOf(file: string): string {
  return places[file] ?? file.replace(/^docs\//, "");
}

/** Returns the target of a page's link on the site. @throws {Error} there is no such file */
function linkOnSite(page: string, target: string): string {
  if (isExternal(target) || target.startsWith("#")) return target;
  const [path, anchor] = target.split("#") as [string, string?];
  const file = join(dirname(page), decodeURIComponent(path));
  if (!existsSync(join(projectFolder, file))) throw new Error(`${page} links to ${target}: no such file`);
  if (file.endsWith(".md")) return `/${placeOf(file)}${anchor === undefined ? "" : `#${anchor}`}`;
  // servers send source files as downloads, or as videos (.ts)
  const place = /\.(json|svg)$/.test(file) ? placeOf(file) : `${placeOf(file)}.txt`;
  copies.set(place, file);
  return `/${place}`;
}

type LanguageInput = NonNullable<MarkdownOptions["languages"]>[number];

/** The fields of markdown-it's tokens that this file uses. */
interface Token {
  type: string;
  content: string;
  children?: Token[] | null;
  attrGet(name: string): string | null;
  attrSet(name: string, value: string): void;
}

const sidebar = sidebarOf(readFileSync(join(projectFolder, "docs", "README.md"), "utf8"), (target) =>
  linkOnSite("docs/README.md", target),
);

const site: UserConfig<DefaultTheme.Config> = {
  title: "embed",
  description,
  lang: "en",
  srcDir: projectFolder,
  srcExclude: ["src/trainers/**"],
  rewrites: placeOf as unknown as Record<string, string>,
  head: [["link", { rel: "icon", href: "data:," }]],
  markdown: {
    // GitHub supports neither {attributes} nor :names: of emoji
    attrs: { disable: true },
    anchor: { slugify: anchorOf },
    // loads the highlighter's languages before the pages: VitePress loads others through a thread that it waits for
    languages: ["sh", "js", "ts", "json", "yaml", "sql", "python"] as unknown as LanguageInput[],
    languageAlias: { cron: "sh", console: "sh", pycon: "python" },
    preConfig: (markdown) => {
      markdown.core.ruler.push("links", ({ tokens, env }) => {
        // VitePress passes the path on the site as `path` and, if the file's path differs, the file's path as
        // `realPath`
        const { path, realPath = path } = env as { path: string; realPath?: string };
        const page = relative(projectFolder, realPath);
        for (const block of tokens as Token[])
          for (const token of [block, ...(block.children ?? [])]) {
            // README's pictures, whose files VitePress finds by paths with a dot
            if (token.content.startsWith("<picture>"))
              token.content = token.content.replaceAll('="docs/', '="./docs/');
            else if (token.type.startsWith("html_") && !token.content.startsWith("<!--"))
              throw new Error(`${page} holds ${token.content}, which is read as HTML: write it as code`);
            const target = token.attrGet("href");
            if (target !== null) token.attrSet("href", linkOnSite(page, target));
          }
      });
    },
    config: (markdown) => {
      markdown.core.ruler.disable("emoji", true);
    },
  },
  themeConfig: {
    nav: [
      { text: "Tour", link: "/tour" },
      { text: "Commands", link: "/reference/commands" },
      { text: "Changelog", link: "/changelog" },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: "local" },
  },
  buildEnd({ outDir }) {
    for (const [place, file] of copies) {
      mkdirSync(dirname(join(outDir, place)), { recursive: true });
      copyFileSync(join(projectFolder, file), join(outDir, place));
    }
    const pages = readdirSync(outDir, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".html"),
    );
    const dead = deadLinksOf(
      new Map(pages.map((page) => [page, readFileSync(join(outDir, page), "utf8")])),
      (file) => existsSync(join(outDir, file)),
    );
    if (dead.length > 0) throw new Error(`dead links:\n${dead.join("\n")}`);
  },
};

export default site;
