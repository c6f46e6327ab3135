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
  /** our files by their path from src/ without .ts, packages by name (`papaparse`), built-in modules as they are (`node:fs`) */
  imports: string[];
}

// import x from "y"; export * from "y"; import "y"; import("y"); type imports too, and no string "import"
const importPattern =
  /(?:^|[\s;{}])(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']|(?<!["'`])\bimport\s*\(?\s*["']([^"']+)["']/g;

/** Every TypeScript file of src/, by path; the AssemblyScript ones stand apart. */
export function readSources(): Source[] {
  return readdirSync(join(projectFolder, "src"), { recursive: true })
    .map((name) => String(name).replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts") && !/^kernels\/[^/]+\/assembly\//.test(name))
    .sort()
    .map((name) =>
      sourceOf(name.replace(/\.ts$/, ""), readFileSync(join(projectFolder, "src", name), "utf8")),
    );
}

/** What a file of that path (from src/, without .ts) and text imports. */
export function sourceOf(file: string, text: string): Source {
  const code = withoutComments(text);
  const imports = [...code.matchAll(importPattern)].map((match) => resolved(file, match[1] ?? match[2]));
  return { file, room: roomOf(file), code, imports: [...new Set(imports)] };
}

/** The room of a file: the first part of its path. */
export function roomOf(file: string): string {
  return file.split("/")[0];
}

/** Strings are kept as they are, so that `https://` in one is no comment. */
function withoutComments(text: string): string {
  const stringOrComment =
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
  return text.replace(stringOrComment, (_, kept: string | undefined) => kept ?? "");
}

function resolved(from: string, specifier: string): string {
  if (specifier.startsWith(".")) return posix.join(dirname(from), specifier).replace(/\.js$/, "");
  if (specifier.startsWith("node:")) return specifier;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
