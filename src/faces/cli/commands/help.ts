// The command `embed help`: explains the groups of options that commands share. The help of a command is printed by
// program.ts.

import { UsageError } from "../../../base/errors.js";
import { commandSpec, type CommandSpec, type CommandEntry } from "../command-spec.js";
import { unknownTopic } from "../refusals.js";
import { topics } from "../topics.js";

const examples = `
Examples:
  embed help
  embed help train-fm
  embed help splits
`;

export function help(commands: readonly CommandEntry[]): CommandSpec {
  const list = topics.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`).join("\n");
  return commandSpec({
    description: "Lists the commands by stage, shows a command's help, or explains a topic.",
    arguments: [["[command-or-topic]", "command or topic (topics are listed below)"]],
    examples,
    after: `\nTopics:\n${list}`,
    options: {},
    terminal: "none",
    async call([typed = ""]) {
      const topic = topics.find(({ name }) => name === typed);
      if (!topic) throw new UsageError(unknownTopic(typed, commands, topics));
      const { pages } = await import("../topic-pages.js");
      return await pages[topic.name]();
    },
    text: (page) => page,
  });
}
