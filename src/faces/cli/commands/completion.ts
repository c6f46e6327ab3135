import { Command } from "commander";
import type { TableOption } from "../../../options/commander-flags.js";
import { addCommand } from "../add-command.js";
import { commandSpec, type CommandSpec, type CommandEntry } from "../command-spec.js";
import { Interrupts } from "../interrupts.js";
import { addConfigOption } from "../settings.js";
import { topics } from "../topics.js";
import { settingOf } from "../../../options/setting.js";

const examples = `
Examples:
  embed completion bash > ~/.local/share/bash-completion/completions/embed
  embed completion zsh > "\${fpath[1]}/_embed"
  embed completion fish > ~/.config/fish/completions/embed.fish
`;

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

interface CompletedCommand {
  name: string;
  summary: string;
  options: readonly TableOption[];
}

/** Words that are allowed as the argument of a command, by the command's name. */
type Arguments = Readonly<Record<string, readonly string[]>>;

type Shell = "bash" | "zsh" | "fish";

/** The scripts contain all words, so that a key press starts no program. Where no word fits, files are completed. */
const completionScripts: Record<Shell, (commands: readonly CompletedCommand[], words: Arguments) => string> =
  { bash, zsh, fish };

const HELP_FLAGS = ["--help", "--help-all"];

function bash(commands: readonly CompletedCommand[], words: Arguments): string {
  const names = commands.map(({ name }) => name).join(" ");
  const values = commands.flatMap(({ name, options }) =>
    options
      .filter(({ argChoices }) => argChoices)
      .map(
        (option) =>
          `    ${flagsOf(option)
            .map((flag) => `${name}:${flag}`)
            .join("|")}) words="${option.argChoices!.join(" ")}" ;;`,
      ),
  );
  const taking = commands.map(({ name, options }) => {
    const flags = options.filter((option) => takesValue(option) && !option.argChoices).flatMap(flagsOf);
    return flags.length === 0 ? [] : `    ${flags.map((flag) => `${name}:${flag}`).join("|")}) return ;;`;
  });
  const flags = commands.map(
    ({ name, options }) =>
      `      ${name}) words="${[...visibleOptions(options).flatMap(flagsOf), ...HELP_FLAGS].join(" ")}" ;;`,
  );
  const following = Object.entries(words).map(([name, all]) => `      ${name}) words="${all.join(" ")}" ;;`);
  return `# bash completion of embed, printed by: embed completion bash
_embed() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}" command="" words="" word
  COMPREPLY=()
  # bash takes --option=value for three words
  if [[ $cur == "=" ]]; then
    cur=""
  elif [[ $prev == "=" ]]; then
    prev="\${COMP_WORDS[COMP_CWORD - 2]}"
  fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    if [[ $word != -* ]]; then
      command="$word"
      break
    fi
  done
  if [[ -z $command ]]; then
    words="${names} --help --version"
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return
  fi
  # the value of an option: one of its choices, or else a file
  case "$command:$prev" in
${[...values, ...taking.flat()].join("\n")}
  esac
  if [[ -z $words && $cur == -* ]]; then
    case "$command" in
${flags.join("\n")}
    esac
  elif [[ -z $words ]]; then
    case "$command" in
${following.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _embed embed
`;
}

function zsh(commands: readonly CompletedCommand[], words: Arguments): string {
  const list = commands.map(
    ({ name, summary }) => `        ${zshText(`${name}:${summary.replaceAll(":", "\\:")}`)}`,
  );
  const cases = commands.map(({ name, options }) => {
    const specs = visibleOptions(options).map((option) => `            ${zshOption(option)} \\`);
    const rest = words[name] === undefined ? "*:file:_files" : `1:word:(${words[name].join(" ")})`;
    return `        ${name})\n          _arguments \\\n${specs.join("\n")}\n            ${zshText(rest)}\n          ;;`;
  });
  return `#compdef embed
# zsh completion of embed, printed by: embed completion zsh
_embed() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  _arguments -C '(-h --help)'{-h,--help}'[show help]' '1:command:->command' '*::argument:->argument'
  case $state in
    command)
      local -a commands
      commands=(
${list.join("\n")}
      )
      _describe command commands
      ;;
    argument)
      case $words[1] in
${cases.join("\n")}
      esac
      ;;
  esac
}
if [[ $funcstack[1] == _embed ]]; then
  _embed "$@"
else
  compdef _embed embed
fi
`;
}

function zshOption(option: TableOption): string {
  const flags = flagsOf(option);
  const text = `[${option.description.replaceAll(/[[\]\\:]/g, (character) => `\\${character}`)}]`;
  const values = option.argChoices ? `(${option.argChoices.join(" ")})` : "_files";
  const value = takesValue(option) ? `:value:${values}` : "";
  return zshText(`${settingOf(option).kind === "many" ? "*" : ""}${flags.at(-1)!}${text}${value}`);
}

function fish(commands: readonly CompletedCommand[], words: Arguments): string {
  const first = commands.map(
    ({ name, summary }) => `complete -c embed -n __fish_use_subcommand -f -a ${name} -d ${fishText(summary)}`,
  );
  const rest = commands.flatMap(({ name, options }) => {
    const within = `complete -c embed -n '__fish_seen_subcommand_from ${name}'`;
    const following = words[name] === undefined ? [] : [`${within} -f -a ${fishText(words[name].join(" "))}`];
    const flags = visibleOptions(options).map((option) => {
      const [short, long] = [option.short?.slice(1), (option.long ?? "").slice(2)];
      const value = option.argChoices
        ? ` -x -a ${fishText(option.argChoices.join(" "))}`
        : takesValue(option)
          ? " -r"
          : "";
      return `${within}${short === undefined ? "" : ` -s ${short}`} -l ${long}${value} -d ${fishText(option.description)}`;
    });
    return [...following, ...flags];
  });
  return `# fish completion of embed, printed by: embed completion fish\n${[...first, ...rest].join("\n")}\n`;
}

function visibleOptions(options: readonly TableOption[]): TableOption[] {
  return options.filter(({ hidden }) => !hidden);
}

function flagsOf({ short, long }: TableOption): string[] {
  return [short, long].filter((flag) => flag !== undefined);
}

function takesValue({ required, optional }: TableOption): boolean {
  return required || optional;
}

function zshText(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Quotes text with single quotes for fish, in which they allow escapes. */
function fishText(text: string): string {
  return `'${text.replaceAll(/['\\]/g, (character) => `\\${character}`)}'`;
}
