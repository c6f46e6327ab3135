// Options of `train-fm --task implicit`.

import { Option, type Command } from "commander";
import { UsageError } from "../errors.js";
import { implicitHyperparameters } from "../trainers/implicit/options.js";
import { numberOf } from "./options.js";

/** As commander gives them. */
export type ImplicitFlags = Partial<Record<(typeof implicitHyperparameters)[number]["name"], number>>;

function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Adds the options of least squares for implicit feedback. */
export function addImplicitOptions(command: Command): Command {
  for (const { name, help, default: standard } of implicitHyperparameters) {
    command.addOption(
      new Option(`${flagOf(name)} <x>`, `${help} (default: ${standard})`)
        .argParser(numberOf(flagOf(name)))
        .helpGroup("Implicit:"),
    );
  }
  return command;
}

/** The flags as options. @throws {UsageError} one of them without --task implicit */
export function implicitOf(flags: ImplicitFlags & { task?: string }): ImplicitFlags {
  const told: ImplicitFlags = {};
  for (const { name } of implicitHyperparameters) {
    if (flags[name] === undefined) continue;
    if (flags.task !== "implicit") throw new UsageError(`${flagOf(name)} is for --task implicit`);
    told[name] = flags[name];
  }
  return told;
}
