// Generates the files of src/faces/python/embed_tables that `npm run wheel` writes: _functions.py, a Python function for each
// function of the library, with options whose types and descriptions are those of the flags; and _names.py.

import type { Argument, Command } from "commander";
import { exitCodes } from "../base/errors.js";
import type { TableOption } from "../options/commander-flags.js";
import { commandOf, optionsOf, optionType } from "../faces/library/call.js";
import { functions, specOf, type LibraryFunction } from "../faces/library/functions.js";
import { version } from "../base/io/package-version.js";
import { roleNames } from "../log/infer.js";

const NOTE =
  '"""Written by `npm run wheel` from the options of the commands: change these, not this file."""';

/** The files that are written, by their names in src/faces/python/embed_tables. */
export async function pythonFiles(): Promise<Record<string, string>> {
  return { "_functions.py": await functionsFile(), "_names.py": namesFile() };
}

async function functionsFile(): Promise<string> {
  const parts = [
    `${NOTE}

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ._call import Spec, call_bytes, call_frame, call_json
from ._frames import Log, Logs
from ._process import Path
from ._run import Run`,
  ];
  const names: string[] = [];
  for (const found of functions) {
    names.push(snakeCase(found.name));
    parts.push(await functionText(found));
  }
  parts.push(`__all__ = [\n${names.map((name) => `    "${name}",\n`).join("")}]\n`);
  return parts.join("\n\n\n");
}

/** Returns the file with names that must be the same in Python and TypeScript. */
function namesFile(): string {
  const errors = exitCodes.filter(({ name }) => name !== undefined);
  const roles = (["user", "item", "session"] as const).map(
    (role) => `    "${role}": (\n${roleNames[role].map((name) => `        "${name}",\n`).join("")}    ),`,
  );
  return `${NOTE}

VERSION = "${version}"

# columns that are taken for ids by their names, without case, blanks, underscores, dashes and dots
ID_NAMES = {
${roles.join("\n")}
}

# classes of errors by exit code
ERROR_NAMES = {
${errors.map(({ code, name }) => `    ${code}: "${name}",`).join("\n")}
}
`;
}

/** The form in which a Python function returns the output of its command. */
type Result = "run" | "frame" | "bytes" | "json";

const FRAMES = ["predict", "transform", "recall"];
const RUNS = ["importTable", "alignRun"];

const RETURNS: Record<Result, [type: string, about: string]> = {
  run: ["Run", "the run, as it is in ``out``"],
  frame: ["Any", "a DataFrame; with ``out``, the summary of the file that was written"],
  bytes: ["Any", "the bytes that the command writes; with ``out``, the summary of the file"],
  json: ["Any", "what ``--json`` prints, as Python values"],
};

function resultKind({ name, as }: LibraryFunction): Result {
  if (as === "train" || RUNS.includes(name)) return "run";
  if (FRAMES.includes(name)) return "frame";
  return name === "exportRun" ? "bytes" : "json";
}

async function functionText(found: LibraryFunction): Promise<string> {
  const command = await commandOf(found);
  const kind = resultKind(found);
  const words = command.registeredArguments;
  const taken = words.map(wordName);
  const options = [...optionsOf(command, await specOf(found))]
    .filter(([, option]) => !option.hidden)
    .map(([name, option]) => [pythonName(name, taken), option] as const);
  const parameters = [
    ...words.map(
      (word) => `    ${wordName(word)}: ${wordType(word)}${word.required ? "" : " | None = None"},`,
    ),
    "    *,",
    ...options
      .filter(([, { mandatory }]) => mandatory)
      .map(([name, option]) => `    ${name}: ${pythonType(option)},`),
    ...options
      .filter(([, { mandatory }]) => !mandatory)
      .map(([name, option]) => `    ${name}: ${pythonType(option)} | None = None,`),
  ];
  const docs = [
    ...words.map((word) => [wordName(word), word.description] as const),
    ...options.map(([name, option]) => [name, aboutOption(option)] as const),
  ];
  const [type, about] = RETURNS[kind];
  const call =
    kind === "run" ? "Run(call_json(SPEC, given))" : `call_${kind === "json" ? "json" : kind}(SPEC, given)`;
  const constant = `_${snakeCase(found.name).toUpperCase()}`;
  return `def ${snakeCase(found.name)}(
${parameters.join("\n")}
) -> ${type}:
    """${docText(summaryOf(command))}

    As \`\`embed ${found.command}\`\`, whose page explains the options.

    Args:
${docs.map(([name, text]) => `        ${name}: ${docText(text)}`).join("\n")}

    Returns:
        ${about}

    Raises:
        EmbedError: the subclass says what is wrong
    """
    return ${call.replace("SPEC", constant).replace("given", "locals()")}


${specText(constant, found, words, options)}`;
}

/** Returns the Python description of a command's arguments and flags, from which a call builds a command line. */
function specText(
  constant: string,
  { command }: LibraryFunction,
  words: readonly Argument[],
  options: readonly (readonly [string, TableOption])[],
): string {
  const named = (is: (option: TableOption["declared"]) => unknown): string => {
    const names = options.filter(([, { declared }]) => is(declared)).map(([name]) => `"${name}"`);
    return `(${names.join(", ")}${names.length === 1 ? "," : ""})`;
  };
  return `${constant} = Spec(
    command="${command}",
    words=(${words.map((word) => `"${wordName(word)}", `).join("")}),
    repeats=${named(({ repeats }) => repeats)},
    commas=${named(({ commas }) => commas)},
    negated=${named(({ negated }) => negated)},
    logs=${named(isLog)},
)`;
}

/** Whether an option accepts a log, so that a data frame may be passed. */
function isLog({ placeholder, type, repeats }: TableOption["declared"]): boolean {
  const isFiles = type === "string | readonly string[]" && repeats === true;
  return (
    placeholder === "share, date or file" || placeholder === "log" || (placeholder === "file" && isFiles)
  );
}

function pythonType(option: TableOption): string {
  const { declared } = option;
  if (isLog(declared)) return declared.placeholder === "share, date or file" ? "float | Log" : "Logs";
  if (["file", "path", "dir", "run", "dataset"].includes(declared.placeholder ?? "")) return "Path";
  if (declared.choices) return `Literal[${declared.choices.map((one) => JSON.stringify(one)).join(", ")}]`;
  const pieces = optionType(option)
    .split(/ \| /)
    .map((piece) => pieceType(piece, declared.integer === true));
  return [...new Set(pieces)].join(" | ");
}

function pieceType(piece: string, isWhole: boolean): string {
  const number = isWhole ? "int" : "float";
  if (/^("|\d)/.test(piece)) return `Literal[${piece}]`;
  const known: Record<string, string> = {
    number,
    ...{ string: "str", boolean: "bool", true: "bool" },
    "readonly string[]": "Sequence[str]",
    "readonly number[]": "Sequence[float]",
    "readonly [number, number]": "Sequence[float]",
    "Readonly<Record<string, string>>": "Mapping[str, str]",
    "Readonly<Record<string, number>>": "Mapping[str, float]",
  };
  if (!Object.hasOwn(known, piece)) throw new Error(`no Python type for ${piece}: add it to pieceType`);
  return known[piece]!;
}

function wordType(word: Argument): string {
  const name = wordName(word);
  if (name === "log") return "Logs";
  return word.variadic ? "Path | Sequence[Path]" : "Path";
}

/** Returns the Python name of an argument: `run_a` for `run-a`, `pipeline_yaml` for `pipeline.yaml`. */
function wordName(word: Argument): string {
  return word.name().replaceAll(/[^A-Za-z]+/g, "_");
}

/**
 * Returns the Python name of an option: `l2_field` for `l2Field`. An underscore is appended if an argument has the
 * name, or if Python reserves it.
 */
function pythonName(name: string, taken: readonly string[]): string {
  const snake = snakeCase(name);
  return ["as", "for", "from", ...taken].includes(snake) ? `${snake}_` : snake;
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The first line contains only the first sentence of the command's description. */
function summaryOf(command: Command): string {
  const [first, ...others] = command.description().split(/(?<=\.) /);
  return others.length === 0 ? first! : `${first}\n\n    ${others.join(" ")}`;
}

function aboutOption({ negate, description }: TableOption): string {
  return negate ? `False: ${description}` : description;
}

function docText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"""', "'''").replaceAll("\t", "\\t");
}
