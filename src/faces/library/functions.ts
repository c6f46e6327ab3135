import { commands } from "../cli/commands.js";
import type { CommandSpec, DeclaredFunction } from "../cli/command-spec.js";

/** A function of the library. */
export interface LibraryFunction extends DeclaredFunction {
  command: string;
  /** returns the specification of the command; only set if the command has several functions */
  spec?: () => Promise<CommandSpec>;
}

const inspections: LibraryFunction[] = [
  {
    ...{ name: "inspect", command: "inspect", file: "judge/inspect/inspect.js" },
    spec: async () => (await import("../cli/commands/inspect.js")).inspectLog,
  },
  {
    ...{ name: "inspectEdges", command: "inspect", file: "judge/inspect/inspect-edges.js" },
    spec: async () => (await import("../cli/commands/inspect.js")).inspectEdges,
  },
];

/** All functions of the library, in the order of the commands. */
export const functions: readonly LibraryFunction[] = commands.flatMap(({ name: command, library }) =>
  command === "inspect" ? inspections : library ? [{ ...library, command }] : [],
);

/** Returns the specification of a function's command. */
export async function specOf({
  command,
  spec,
}: Pick<LibraryFunction, "command" | "spec">): Promise<CommandSpec> {
  return await (spec ?? commands.find(({ name }) => name === command)!.load)();
}
