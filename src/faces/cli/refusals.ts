// Formats the error of an invalid command line like other usage errors, and suggests the most similar name.
//
// The parser (commander) throws English sentences with a code. Its suggestions are not used, because it considers only
// visible options, and the less common ones are hidden.

import type { Command, CommanderError } from "commander";
import { nearestName } from "../../base/errors.js";
import { nameOf } from "../../options/setting.js";
import type { TableOption } from "../../options/commander-flags.js";
import type { CommandEntry } from "./command-spec.js";

/** Says why the command line is invalid, and what to try. @param words the words after the command's name */
export function refusalText(
  { code, message }: Pick<CommanderError, "code" | "message">,
  command: Command | undefined,
  words: readonly string[],
): string {
  // the quoted text in commander's message is the option or the argument that it rejects
  const [quoted = "", value = ""] = [...message.matchAll(/'([^']*)'/g)].map(([, text]) => text);
  const name = command?.name() ?? "embed";
  const options = (command?.options ?? []) as TableOption[];
  const option = options.find(({ flags }) => flags === quoted);
  switch (code) {
    case "commander.help":
      return "no command given; `embed help COMMAND` shows examples and options of a command";
    case "commander.unknownOption":
      return unknownOption(quoted, command);
    case "commander.missingMandatoryOptionValue": {
      // an option may have been rejected because another one is misspelled
      const [unknown] = command?.parseOptions([...words]).unknown ?? [];
      if (unknown !== undefined) return unknownOption(unknown, command);
      return `${name} needs ${quoted}${option ? `: ${option.description}` : ""}`;
    }
    case "commander.optionMissingArgument":
      return `${quoted} needs a value${option ? `: ${option.description}` : ""}`;
    case "commander.invalidArgument":
      return option?.argChoices ? notAChoice(option, value) : sentenceOf(message);
    case "commander.missingArgument": {
      const argument = command?.registeredArguments.find((one) => one.name() === quoted);
      return `${name} needs <${quoted}>${argument ? `: ${argument.description}` : ""}; \`embed ${name} --help\` shows examples`;
    }
    case "commander.excessArguments": {
      const most = command?.registeredArguments.length ?? 0;
      return (
        `${name} takes at most ${most} argument${most === 1 ? "" : "s"}, got ` +
        `${/got (\d+)/.exec(message)?.[1]}: quote values that contain spaces`
      );
    }
    default:
      return sentenceOf(message);
  }
}

/** Returns the message for an unknown command; if it is the start of several names, as `train` is, lists them. */
export function unknownCommand(typed: string, commands: readonly CommandEntry[]): string {
  const kinds = commands.filter(({ name }) => name.startsWith(`${typed}-`));
  if (kinds.length > 0) {
    const width = Math.max(...kinds.map(({ name }) => name.length));
    const lines = kinds.map(({ name, summary }) => `\n  ${name.padEnd(width)}  ${summary}`);
    return (
      `'${typed}' is not a command, choose one of:${lines.join("")}\n  \`embed help COMMAND\` shows its ` +
      "examples and options"
    );
  }
  const names = commands.map(({ name }) => name);
  return `unknown command '${typed}'${didYouMean(typed, names, ";")} \`embed help\` lists the commands`;
}

export function unknownTopic(
  typed: string,
  commands: readonly CommandEntry[],
  topics: readonly { name: string }[],
): string {
  if (commands.some(({ name }) => name.startsWith(`${typed}-`))) return unknownCommand(typed, commands);
  const hint = didYouMean(
    typed,
    [...commands, ...topics].map(({ name }) => name),
  );
  return `no command or topic '${typed}'${hint || `: topics are ${topics.map(({ name }) => name).join(", ")};`} \`embed help\` lists the commands`;
}

function unknownOption(typed: string, command: Command | undefined): string {
  const flag = typed.replace(/=.*$/s, "");
  if (!command)
    return `unknown option '${flag}': options follow a command; \`embed help\` lists the commands`;
  if (command.name() === "help")
    return `help has no option '${flag}': \`embed COMMAND --help-all\` lists all options of a command`;
  const flags = [...command.options.map(({ long, flags: all }) => long ?? all), "--help"];
  const hint = didYouMean(flag, flag.startsWith("--") ? flags : [], ";");
  return `${command.name()} has no option '${flag}'${hint} \`embed ${command.name()} --help-all\` lists all of them`;
}

/** @param otherwise the suffix if no name is similar */
function didYouMean(typed: string, names: readonly string[], otherwise = ""): string {
  const near = nearestName(typed, names);
  return near === undefined ? otherwise : `: did you mean '${near}'?`;
}

function notAChoice(option: TableOption, value: string): string {
  const choices = option.argChoices!;
  return `--${nameOf(option)} expects one of ${choices.join(", ")}, got '${value}'${didYouMean(value, choices)}`;
}

function sentenceOf(message: string): string {
  return message
    .replace(/^error: /, "")
    .replace(/\n\(Did you mean .*$/s, "")
    .replace(/\.$/, "");
}
