// Reads the source files of src/ and finds their imports in the text, not in compiled output.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { projectFolder } from "./places.js";

/** A source file in src/. */
export interface ProjectSource {
  /** path from src/ without .ts */
  file: string;
  /** name of the folder: the first part of the path */
  room: string;
  /** text of the file without comments */
  code: string;
  /** comments, strings and template literals of the file, in order */
  texts: SourceText[];
  numLines: number;
  /**
   * imported files of the project (path from src/ without .ts), packages (name, `papaparse`), and built-in modules
   * (`node:fs`)
   */
  imports: string[];
}

/** A comment, a string or a template literal of a file. */
export interface SourceText {
  kind: "comment" | "string";
  /** text of the comment or string, including its `//` or quotes */
  text: string;
  /** number of the line on which it begins */
  line: number;
}

// matches: import x from "y"; export * from "y"; import "y"; import("y"); and imports of types; does not match a string
// that contains an import
const importPattern =
  /(?:^|[\s;{}])(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']|(?<!["'`])\bimport\s*\(?\s*["']([^"']+)["']/g;

const assembly = /^compute\/kernels\/[^/]+\/assembly\//;

// the first group matches strings, so that `https://` in a string is not taken for a comment
const stringOrComment =
  /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

/** Returns every TypeScript file of src/, by path; AssemblyScript files are separate. */
export function readSources(): ProjectSource[] {
  return readFiles((name) => !assembly.test(name));
}

/** Returns every AssemblyScript file of src/, by path. */
export function readAssemblySources(): ProjectSource[] {
  return readFiles((name) => assembly.test(name));
}

function readFiles(isWanted: (name: string) => boolean): ProjectSource[] {
  return readdirSync(join(projectFolder, "src"), { recursive: true })
    .map((name) => String(name).replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts") && isWanted(name))
    .sort()
    .map((name) =>
      sourceOf(name.replace(/\.ts$/, ""), readFileSync(join(projectFolder, "src", name), "utf8")),
    );
}

/** Parses a file with the given path (from src/, without .ts) and text. */
export function sourceOf(file: string, text: string): ProjectSource {
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

/** Returns the room of a file: the top-level folder that contains it. */
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
