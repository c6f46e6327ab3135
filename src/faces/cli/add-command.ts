import { checkOutputPaths } from "./output-paths.js";
import { Argument, type Command } from "commander";
import { addTable, givenOf } from "../../options/commander-flags.js";
import { display, lines, type TerminalOptions } from "./terminal-options.js";
import { checkGiven } from "../../options/check-given.js";
import type { OptionTable } from "../../options/table.js";
import type { CommandSpec } from "./command-spec.js";
import type { Interrupts } from "./interrupts.js";
import { noted, watched } from "./progress.js";
import { writeLine, writeResult } from "./terminal.js";

export function addCommand(
  program: Command,
  name: string,
  spec: CommandSpec,
  interrupts: Interrupts,
): Command {
  const command = declareCommand(program.command(name), spec);
  const ofTerminal = terminalTable(spec);
  addTable(command, ofTerminal);
  const table = { ...spec.options, ...ofTerminal };
  return command.action(async (...parsed: unknown[]) => {
    const words = parsed.slice(0, -2) as string[];
    const given = givenOf(command, table);
    checkGiven(table, given);
    spec.refuse?.(given);
    await (spec.act?.(words, given, interrupts) ??
      run(spec, words, givenOf(command, spec.options), given, interrupts));
  });
}

/** Adds the arguments, the options and the additional texts of the help to a command. */
export function declareCommand(command: Command, spec: CommandSpec): Command {
  command.description(spec.description).addHelpText("before", spec.examples);
  if (spec.usage !== undefined) command.usage(spec.usage);
  for (const [term, help, choices] of spec.arguments) {
    const argument = new Argument(term, help);
    command.addArgument(choices ? argument.choices(choices) : argument);
  }
  if (spec.after !== undefined) command.addHelpText("after", spec.after);
  const isLogFirst = spec.arguments[0]?.[0].includes("log");
  if (isLogFirst && Object.hasOwn(spec.options, "engineSql")) needsLogOrQuery(command);
  return addTable(command, spec.options);
}

function needsLogOrQuery(command: Command): void {
  command.hook("preAction", () => {
    if (command.args.length === 0 && command.opts<{ engineSql?: string }>().engineSql === undefined)
      command.error("error: missing required argument 'log'", { code: "commander.missingArgument" });
  });
}

function terminalTable({ terminal = "display", about = {} }: CommandSpec): OptionTable {
  if (terminal === "none") return {};
  const group = terminal === "display" ? "Output:" : "Options:";
  const table = Object.entries(terminal === "display" ? display : lines).map(([name, option]) => [
    name,
    { ...option, group, help: about[name as keyof typeof about] ?? option.help },
  ]);
  return Object.fromEntries(table) as OptionTable;
}

async function run(
  spec: CommandSpec,
  words: string[],
  own: Record<string, unknown>,
  given: TerminalOptions & Record<string, unknown>,
  interrupts: Interrupts,
): Promise<void> {
  const { signal } = interrupts;
  const work = (watch: typeof plain) =>
    spec.call(words, own, { watch: spec.steer?.(own, interrupts, watch) ?? watch, write: writeResult });
  const plain = noted(signal, given.quiet);
  await checkOutputPaths(own, words, spec.options);
  const result = await (spec.terminal === undefined ? watched(given, signal, work) : work(plain));
  const onStdout = spec.writes && (result as { out?: string }).out === "-";
  const asJson = given.json === true && !onStdout;
  if (asJson) await writeResult(`${JSON.stringify(spec.json?.(result, given) ?? result)}\n`);
  else if (spec.text) await writeResult(spec.text(result, given));
  if (given.quiet !== true && !(asJson && spec.writes))
    for (const line of spec.notes?.(result, given) ?? []) writeLine(line);
  await spec.verify?.(result, "terminal");
}
