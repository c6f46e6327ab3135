// Generates docs/reference/typescript*.md: the package's functions, their results and all types that
// these name, as
// the compiler declares them.

import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { functions, type LibraryFunction } from "../faces/library/functions.js";
import { Declarations, type Declaration } from "./declarations.js";
import { projectFolder } from "./places.js";

const dist = join(projectFolder, "dist");

/** Folders of src/ whose types are not documented for users. */
const inner = /^compute\//;

/**
 * Returns the generated pages by their names in docs/reference, without the note that says which command writes them.
 */
export async function apiPages(): Promise<Record<string, string>> {
  const read = new Declarations();
  const exported = read.exportsOf(join(dist, "index.d.ts"));
  const results = functions.map(resultOf);
  const roots = [
    ...results.flatMap(({ type, file }) =>
      [...type.matchAll(/\w+/g)].flatMap(([name]) => read.find(file, name) ?? []),
    ),
    ...exported,
  ];
  const types = reachedFrom(roots, read).filter(({ kind, name }) => kind !== "function" && !isError(name));
  const names = new Set(types.map(({ name }) => name));
  const linked = (type: string) =>
    [...new Set(type.match(/\w+/g))]
      .filter((name) => names.has(name))
      .map((name) => `[${name}](typescript-types.md#${name.toLowerCase()})`)
      .join(", ");
  const others = exported.filter(({ kind }) => kind === "function");
  const errors = exported.filter(({ name }) => isError(name));
  return {
    "typescript.md": `# Functions and errors

What the package exports beside [the commands' functions](README.md); [the library](../library.md) explains how to use it.

## Functions

${others.map((each) => sectionOf(each)).join("\n\n")}

## Errors

${errors.map((each) => sectionOf(each)).join("\n\n")}`,
    "typescript-types.md": `# Types

What the commands' functions resolve to, and every type that these results name.

${types
  .map((each) => {
    const uses = linked(
      read
        .namedBy(each)
        .map(({ name }) => name)
        .join(" "),
    );
    return `${sectionOf(each, "##")}${uses === "" ? "" : `\n\nNames ${uses}.`}`;
  })
  .join("\n\n")}`,
  };
}

/** Returns the result type of a function, and the file that declares it. */
export function resultOf({ name, file, as = name }: LibraryFunction): { type: string; file: string } {
  const path = join(dist, file.replace(/\.js$/, ".d.ts"));
  const [, type] = new RegExp(`function ${as}\\([\\s\\S]*?\\): (.*);$`, "m").exec(
    readFileSync(path, "utf8"),
  )!;
  return { type: type!, file: path };
}

/**
 * Returns declarations and all declarations that they refer to, directly or indirectly, without repetitions, by name.
 *
 * @throws {Error} two types have the same name
 */
function reachedFrom(roots: readonly Declaration[], read: Declarations): Declaration[] {
  const reached = new Map<string, Declaration>();
  const waiting = [...roots];
  for (let each = waiting.pop(); each; each = waiting.pop()) {
    const known = reached.get(each.name);
    if (known && known.file !== each.file)
      throw new Error(
        `${each.name} is declared in ${known.file} and in ${each.file}: the pages need one name a type`,
      );
    if (known) continue;
    reached.set(each.name, each);
    // the members of classes and the types of compute/ are internal
    waiting.push(
      ...read.namedBy(each).filter(({ kind, file }) => kind !== "class" && !inner.test(relative(dist, file))),
    );
  }
  return [...reached.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function sectionOf({ name, about, text }: Declaration, level = "###"): string {
  return `${level} ${name}\n\n${about === "" ? "" : `${prose(about)}\n\n`}${code(text)}`;
}

/** Converts a doc comment to Markdown. */
function prose(about: string): string {
  return about
    .replaceAll(/[*_[\]<>|]/g, (sign) => `\\${sign}`)
    .replaceAll(/^@(\w+) /gm, "\n- `@$1` ")
    .replaceAll(/\n\n\n+/g, "\n\n");
}

function code(text: string): string {
  return `\`\`\`ts\n${text}\n\`\`\``;
}

function isError(name: string): boolean {
  return name.endsWith("Error");
}
