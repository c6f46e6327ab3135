// Generates the package's entry: a function for each command, with types and comments from the declarations of its
// flags.
//
//   dist/library.js    export async function trainFm(...given) { return await call("trainFm", given); }
//   dist/library.d.ts  export interface TrainFmOptions { /** length of a vector (default: 8) */ dim?: number; ... }

import type { Argument, Command } from "commander";
import type { CommandSpec } from "../cli/command-spec.js";
import { commandOf, optionsOf, optionType } from "./call.js";
import { functions, specOf, type LibraryFunction } from "./functions.js";

/** Makes AbortSignal and Buffer known in projects whose tsconfig lists no types, the default from TypeScript 6 on. */
const NODE_TYPES = '/// <reference types="node" />';

const NOTE = "// Written by the build from the commands: src/faces/library/declare.ts.\n";

/** Generates the entry of the package, with all functions. */
export async function entryOf(): Promise<{ code: string; declarations: string }> {
  const code = [NOTE, 'export * from "./index.js";', 'import { call } from "./faces/library/call.js";\n'];
  const imports = [
    NODE_TYPES,
    NOTE,
    'export * from "./index.js";',
    'import type { Watching } from "./faces/library/watching.js";',
  ];
  const declared: string[] = [];
  for (const found of functions) {
    const { name, file, as = name } = found;
    code.push(`export async function ${name}(...given) {\n  return await call("${name}", given);\n}\n`);
    const result = `ReturnType<(typeof import("./${file}"))["${as}"]>`;
    const command = await commandOf(found);
    declared.push(optionsText(found, command, await specOf(found)), ...functionTexts(found, command, result));
  }
  return { code: code.join("\n"), declarations: `${imports.join("\n")}\n\n${declared.join("\n")}` };
}

function optionsText(found: LibraryFunction, command: Command, spec: CommandSpec): string {
  const properties: string[] = [];
  for (const [name, option] of optionsOf(command, spec)) {
    // hidden options exist only so that their use is refused with a reason
    if (option.hidden) continue;
    const isNeeded = option.mandatory;
    properties.push(
      // the description of a flag --no-NAME is that of the value false
      docComment([`${option.negate ? "false: " : ""}${option.description}`], "  "),
      `  ${name}${isNeeded ? "" : "?"}: ${optionType(option)}${isNeeded ? "" : " | undefined"};`,
    );
  }
  return [
    docComment([
      `Options of \`${found.name}\`: the flags of \`embed ${found.command}\` under their names, with its defaults.`,
    ]),
    `export interface ${interfaceOf(found)} {`,
    ...properties,
    "}\n",
  ].join("\n");
}

/** Returns the declarations of a function: its comment, and an overload for each number of optional arguments. */
function functionTexts(found: LibraryFunction, command: Command, result: string): string[] {
  const comment = docComment([
    command.description(),
    `As \`embed ${found.command}\`.`,
    ...command.registeredArguments.map(
      (argument) => `@param ${parameterName(argument)} ${argument.description}`,
    ),
    "@throws {EmbedError} its `exitCode` is what the command ends with",
  ]);
  return signaturesOf(found, command).map(
    (signature, i) => `${i === 0 ? `${comment}\n` : ""}export declare function ${signature}: ${result};\n`,
  );
}

/** Returns signatures such as `gc(store: string, name: string, options?: GcOptions)`, and the same without `name`. */
export function signaturesOf(found: LibraryFunction, command: Command): string[] {
  const all = command.registeredArguments;
  const needsOptions = command.options.some(({ mandatory }) => mandatory);
  const least = all.filter(({ required }) => required).length;
  const counts = Array.from({ length: all.length - least + 1 }, (_, i) => all.length - i);
  return counts.map((count) => {
    const parameters = [
      ...all.slice(0, count).map((argument) => `${parameterName(argument)}: ${argumentType(argument)}`),
      `options${needsOptions ? "" : "?"}: ${interfaceOf(found)}`,
      "watch?: Watching",
    ];
    return `${found.name}(${parameters.join(", ")})`;
  });
}

function interfaceOf({ name }: LibraryFunction): string {
  return `${name[0]!.toUpperCase()}${name.slice(1)}Options`;
}

/** Converts an argument's name to camel case: `runA` for `run-a`, `pipelineYaml` for `pipeline.yaml`. */
function parameterName(argument: Argument): string {
  return argument
    .name()
    .replaceAll(/[^A-Za-z]+([A-Za-z])?/g, (_, letter = "") => (letter as string).toUpperCase());
}

function argumentType({ variadic }: Argument): string {
  return variadic ? "string | readonly string[]" : "string";
}

/** Formats a doc comment; escapes end marks, which would end it early. */
function docComment(lines: readonly string[], indent = ""): string {
  const safe = lines.map((line) => line.replaceAll("*/", "*\\/"));
  if (safe.length === 1) return `${indent}/** ${safe[0]} */`;
  return [`${indent}/**`, ...safe.map((line) => `${indent} * ${line}`), `${indent} */`].join("\n");
}
