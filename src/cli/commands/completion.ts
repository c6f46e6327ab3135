// embed completion

import { Argument, Command } from "commander";
import { addCommand } from "../add-command.js";
import type { CommandEntry } from "../command-entry.js";
import { completionScripts, type Shell } from "../completion.js";
import type { Interrupts } from "../interrupts.js";
import { addConfigOption } from "../settings.js";
import { writeResult } from "../terminal.js";
import { topics } from "../topics.js";

const examples = `
Examples:
  embed completion bash > ~/.local/share/bash-completion/completions/embed
  embed completion zsh > "\${fpath[1]}/_embed"
  embed completion fish > ~/.config/fish/completions/embed.fish
`;

/** Adds the command. @param commands every command */
export function addCompletion(
  commands: readonly CommandEntry[],
  program: Command,
  _: AbortSignal,
  interrupts: Interrupts,
): Command {
  const shells = Object.keys(completionScripts) as Shell[];
  return program
    .command("completion")
    .description(
      "Prints a shell script that completes commands, options, choices and file names. Regenerate it after " +
        "updating embed.",
    )
    .addArgument(new Argument("<shell>", "shell to complete in").choices(shells))
    .addHelpText("before", examples)
    .action(async (shell: Shell) => {
      const words = [];
      const scratch = new Command();
      for (const { name, summary, load } of commands) {
        const command = addCommand(scratch, name, await load(), interrupts);
        addConfigOption(command);
        words.push({ name, summary, options: command.options });
      }
      const helped = [...commands, ...topics].map(({ name }) => name);
      await writeResult(completionScripts[shell](words, { help: helped, completion: shells }));
    });
}
