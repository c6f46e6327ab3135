// embed help: the shared groups of options, each explained once. Help of commands is the program's own (program.ts).

import type { Command } from "commander";
import { UsageError } from "../../errors.js";
import type { CommandEntry } from "../command-entry.js";
import { unknownTopic } from "../refusals.js";
import { writeResult } from "../terminal.js";
import { topics } from "../topics.js";

const examples = `
Examples:
  embed help
  embed help train-fm
  embed help splits
`;

/** Adds the command. @param commands every command */
export function addHelp(program: Command, commands: readonly CommandEntry[]): Command {
  const list = topics.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`).join("\n");
  return program
    .command("help")
    .description("Lists the commands by stage, shows a command's help, or explains a topic.")
    .argument("[command-or-topic]", "command or topic (topics are listed below)")
    .addHelpText("before", examples)
    .addHelpText("after", `\nTopics:\n${list}`)
    .action(async (typed: string) => {
      const topic = topics.find(({ name }) => name === typed);
      if (!topic) throw new UsageError(unknownTopic(typed, commands, topics));
      const { pages } = await import("../topic-pages.js");
      await writeResult(await pages[topic.name]());
    });
}
