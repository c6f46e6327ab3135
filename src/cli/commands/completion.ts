// Declares the command `embed completion`.

import { Command } from "commander";
import type { TableOption } from "../../flags/table-option.js";
import { addCommand } from "../add-command.js";
import type { CommandEntry } from "../command-entry.js";
import { commandSpec, type CommandSpec } from "../command-spec.js";
import { completionScripts, type Shell } from "../completion.js";
import { Interrupts } from "../interrupts.js";
import { addConfigOption } from "../settings.js";
import { topics } from "../topics.js";

const examples = `
Examples:
  embed completion bash > ~/.local/share/bash-completion/completions/embed
  embed completion zsh > "\${fpath[1]}/_embed"
  embed completion fish > ~/.config/fish/completions/embed.fish
`;

/** Returns the command `embed completion`. @param commands every command */
export function completion(commands: readonly CommandEntry[]): CommandSpec {
  const shells = Object.keys(completionScripts) as Shell[];
  return commandSpec({
    description:
      "Prints a shell script that completes commands, options, choices and file names. Regenerate it after " +
      "updating embed.",
    arguments: [["<shell>", "shell to complete in", shells]],
    examples,
    options: {},
    terminal: "none",
    async call([shell]) {
      const words = [];
      const scratch = new Command();
      for (const { name, summary, load } of commands) {
        const command = addCommand(scratch, name, await load(), new Interrupts());
        addConfigOption(command);
        words.push({ name, summary, options: command.options as TableOption[] });
      }
      const helped = [...commands, ...topics].map(({ name }) => name);
      return completionScripts[shell as Shell](words, { help: helped, completion: shells });
    },
    text: (script) => script,
  });
}
