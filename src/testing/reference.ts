// Generates docs/reference/: a page for each command from the declarations of its flags, and the pages of the package's
// types.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command, Option } from "commander";
import { commands } from "../faces/cli/commands.js";
import { commandOf } from "../faces/library/call.js";
import { signaturesOf } from "../faces/library/declare.js";
import { functions } from "../faces/library/functions.js";
import { trainers } from "../trainers/index.js";
import { apiPages, resultOf } from "./api-pages.js";
import { projectFolder } from "./places.js";

const NOTE = "<!-- Written by `npm run docs` from the command's options: change these, not this page. -->\n";
const NOTE_ON_TYPES =
  "<!-- Written by `npm run docs` from the package's declarations: change these, not this page. -->\n";

const NOTE_ON_FILES =
  "<!-- Written by `npm run docs` from src/trainers/NAME/files.md: change these, not this page. -->\n";

/** Returns every page: its name in docs/reference and its text. */
export async function referencePages(): Promise<Record<string, string>> {
  const all: Command[] = [];
  for (const { name } of commands) all.push(await commandOf({ command: name }));
  const shared = sharedValues(all);
  const pages: Record<string, string> = { "README.md": indexPage(shared), "run-files.md": runFilesPage() };
  const api = await apiPages();
  for (const [name, text] of Object.entries(api)) pages[name] = `${NOTE_ON_TYPES}\n${text}\n`;
  const types = [...api["typescript-types.md"]!.matchAll(/^## (.*)$/gm)].map(([, name]) => name!);
  for (const command of all) pages[`${command.name()}.md`] = pageOf(command, shared, types);
  return pages;
}

/** Returns lists of five or more values that options of several commands share, with the flags of the options. */
function sharedValues(all: readonly Command[]): ReadonlyMap<string, string> {
  const options = all.flatMap((command) => command.options.filter(({ hidden }) => !hidden));
  const lists = options.flatMap((option) =>
    (option.argChoices ?? []).length < 5 ? [] : [{ values: valuesOf(option), flag: option.long! }],
  );
  const repeated = lists.filter(({ values }, i) => lists.findIndex((one) => one.values === values) < i);
  return new Map(repeated.map(({ values, flag }) => [values, flag]));
}

function valuesOf({ argChoices = [] }: Option): string {
  return argChoices.map((choice) => `\`${choice}\``).join(", ");
}

function indexPage(shared: ReadonlyMap<string, string>): string {
  const lines = commands.map(({ name, summary }) => `- [\`embed ${name}\`](${name}.md): ${plain(summary)}`);
  return `${NOTE}
# Reference

Every command with all of its options and their defaults, as \`embed COMMAND --help-all\` shows them. What commands share is on
[the command line](../cli.md); [the library](../library.md) takes the same options from TypeScript.

${lines.join("\n")}

[Files of a run](run-files.md) has what each trainer writes beside the table.

From TypeScript: each command's page has its function; [other functions and errors](typescript.md), [types](typescript-types.md).

## Values

Options of several commands accept the same values:

${[...shared].map(([values, flag]) => `- \`${flag}\`: ${values}`).join("\n")}
`;
}

/** Joins the descriptions of the files that each trainer writes, which lie in the trainers' folders. */
function runFilesPage(): string {
  const sections = trainers.flatMap(({ command }) => {
    const path = join(projectFolder, "src", "trainers", command.replace("train-", ""), "files.md");
    return existsSync(path) ? [`## ${command}\n\n${readFileSync(path, "utf8").trim()}`] : [];
  });
  return `${NOTE_ON_FILES}
# Files of a run

The files that only some trainers write; [formats](../formats.md#the-run-directory) has those of every run, and how numbers and
tensors are stored.

${sections.join("\n\n")}
`;
}

function pageOf(command: Command, shared: ReadonlyMap<string, string>, types: readonly string[]): string {
  const name = command.name();
  const parts = [
    `${NOTE}\n# embed ${name}`,
    plain(command.description()),
    `\`\`\`\nembed ${name} ${command.usage()}\n\`\`\``,
    ...(command.registeredArguments.length > 0
      ? [
          command.registeredArguments
            .map((one) => `- \`${one.name()}\`: ${plain(one.description)}`)
            .join("\n"),
        ]
      : []),
    ...fromTypeScript(command, types),
    ...examplesOf(command),
    ...optionGroups(command).map(
      ([heading, options]) =>
        `## ${heading}\n\n${options.map((option) => optionLine(option, shared)).join("\n")}`,
    ),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Describes how a command's functions are called from TypeScript, and their results. */
function fromTypeScript(command: Command, types: readonly string[]): string[] {
  const lines: string[] = [];
  const named = new Set<string>();
  for (const found of functions.filter((one) => one.command === command.name())) {
    const { type: result } = resultOf(found);
    for (const signature of signaturesOf(found, command)) lines.push(`${signature}: ${result}`);
    for (const [name] of result.matchAll(/\w+/g)) if (types.includes(name)) named.add(name);
  }
  const links = [...named].map((name) => `[${name}](typescript-types.md#${name.toLowerCase()})`);
  if (lines.length === 0) return [];
  const results = links.length === 0 ? "" : `, with ${links.join(", ")}`;
  return [
    `From TypeScript ([the library](../library.md)${results}):`,
    `\`\`\`ts\n${lines.join("\n")}\n\`\`\``,
  ];
}

/** Returns the examples in a command's help: the text before the line that begins with Usage. */
function examplesOf(command: Command): string[] {
  let help = "";
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  const examples = help.slice(0, help.indexOf("Usage:")).trim();
  return examples === "" ? [] : [`\`\`\`\n${examples}\n\`\`\``];
}

function optionGroups(command: Command): [heading: string, options: Option[]][] {
  const groups = new Map<string, Option[]>();
  for (const option of command.options) {
    if (option.hidden) continue;
    const heading = (option.helpGroupHeading ?? "Options:").replace(/:$/, "");
    groups.set(heading, [...(groups.get(heading) ?? []), option]);
  }
  return [...groups];
}

function optionLine(option: Option, shared: ReadonlyMap<string, string>): string {
  const { flags, description, argChoices, mandatory, negate, defaultValue, defaultValueDescription } = option;
  const values = valuesOf(option);
  const standard = negate
    ? undefined
    : (defaultValueDescription ?? (defaultValue as string | number | undefined));
  const notes = [
    ...(mandatory ? ["required"] : []),
    ...(argChoices ? [shared.has(values) ? "one of [these](README.md#values)" : `one of ${values}`] : []),
    ...(standard === undefined ? [] : [`default: ${plain(String(standard))}`]),
  ];
  return `- \`${flags}\`: ${plain(description)}${notes.length > 0 ? ` (${notes.join("; ")})` : ""}`;
}

/** Escapes characters that Markdown would interpret. */
function plain(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|]/g, (sign) => `\\${sign}`);
}
