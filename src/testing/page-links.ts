// The pages of the project, and whether their links lead somewhere.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { anchorsOf, isExternal } from "./markdown.js";
import { projectFolder } from "./places.js";

/** The pages of the project, by their paths in it. */
export const pages = [
  ...["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "fixtures/README.md", "src/README.md"],
  ...readdirSync(join(projectFolder, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

/** Returns the problem of a link on a page of the project; undefined for a link that works. */
export function complaint(
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

/** Returns the text of a page, or "" of another file; undefined if the project has no such file. */
export function textInProject(file: string): string | undefined {
  const path = join(projectFolder, file);
  if (!existsSync(path) || relative(projectFolder, path).startsWith("..")) return undefined;
  return file.endsWith(".md") ? readFileSync(path, "utf8") : "";
}
