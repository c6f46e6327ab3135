// Options of `train-fm --task implicit`.

import type { Command } from "commander";
import { flagOf, UsageError } from "../errors.js";
import { implicitHyperparameters } from "../trainers/als/options.js";
import { addHyperparameters } from "./options.js";

/** As commander gives them. */
export type ImplicitFlags = Partial<Record<(typeof implicitHyperparameters)[number]["name"], number>>;

/** Adds the options of least squares for implicit feedback. */
export function addImplicitOptions(command: Command): Command {
  const numbers = implicitHyperparameters.map((parameter) => ({ ...parameter, integer: false }));
  return addHyperparameters(command, numbers, () => "Implicit:");
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
