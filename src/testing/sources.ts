// The source files of src/ with what each imports, found in the text itself and not in compiled output.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { projectFolder } from "./places.js";

/** One file of src/. */
export interface Source {
  /** path from src/ without .ts */
  file: string;
  /** the first part of the path */
  room: string;
  /** the text without comments */
  code: string;
  /** comments, strings and template literals in their order */
  texts: SourceText[];
  numLines: number;
  /** our files by their path from src/ without .ts, packages by name (`papaparse`), built-in modules as they are (`node:fs`) */
  imports: string[];
}

/** A comment, a string or a template literal as it stands in a file. */
export interface SourceText {
  kind: "comment" | "string";
  /** with its quotes, or its `//` */
  text: string;
  /** the line that it begins on */
  line: number;
}

// import x from "y"; export * from "y"; import "y"; import("y"); type imports too, and no string "import"
const importPattern =
  /(?:^|[\s;{}])(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']|(?<!["'`])\bimport\s*\(?\s*["']([^"']+)["']/g;

const assembly = /^kernels\/[^/]+\/assembly\//;

// a string in the first group, else a comment: `https://` in a string is no comment
const stringOrComment =
  /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

/** Every TypeScript file of src/, by path; the AssemblyScript ones stand apart. */
export function readSources(): Source[] {
  return readFiles((name) => !assembly.test(name));
}

/** Every AssemblyScript file of src/, by path. */
export function readAssemblySources(): Source[] {
  return readFiles((name) => assembly.test(name));
}

function readFiles(isWanted: (name: string) => boolean): Source[] {
  return readdirSync(join(projectFolder, "src"), { recursive: true })
    .map((name) => String(name).replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts") && isWanted(name))
    .sort()
    .map((name) =>
      sourceOf(name.replace(/\.ts$/, ""), readFileSync(join(projectFolder, "src", name), "utf8")),
    );
}

/** What a file of that path (from src/, without .ts) and text imports. */
export function sourceOf(file: string, text: string): Source {
  const texts: SourceText[] = [];
  let [line, counted] = [1, 0];
  const code = text.replace(stringOrComment, (found, kept: string | undefined, at: number) => {
    line += text.slice(counted, at).split("\n").length - 1;
    counted = at;
    texts.push({ kind: kept === undefined ? "comment" : "string", text: found, line });
    return kept ?? "";
  });
  const imports = [...code.matchAll(importPattern)].map((match) => resolved(file, match[1] ?? match[2]));
  const numLines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  return { file, room: roomOf(file), code, texts, numLines, imports: [...new Set(imports)] };
}

/** The room of a file: the first part of its path. */
export function roomOf(file: string): string {
  return file.split("/")[0];
}

function resolved(from: string, specifier: string): string {
  if (specifier.startsWith(".")) return posix.join(dirname(from), specifier).replace(/\.js$/, "");
  if (specifier.startsWith("node:")) return specifier;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
