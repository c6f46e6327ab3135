// What a command line says before it is parsed.

/** The command's name: the first word that is no flag, as the program itself has no flag with a value. */
export function commandNamed(argv: readonly string[]): string | undefined {
  return argv.slice(2).find((word) => !word.startsWith("-"));
}

/** What --log-format says, or its variable, also on a command line that cannot be parsed. */
export function formatNamed(argv: readonly string[]): "text" | "json" {
  const [, named = process.env["EMBED_LOG_FORMAT"]] = / --log-format[= ](\S+)/.exec(argv.join(" ")) ?? [];
  return named === "json" ? "json" : "text";
}

/** Asks for the help with every option of the command. */
export const HELP_ALL = "--help-all";

/** Commands that print what the program says of itself. */
const TELLING = ["help", "completion"];

/** Whether it asks for help or the version, which are there at once. */
export function isForHelp(argv: readonly string[]): boolean {
  const flags = ["--help", HELP_ALL, "-h", "--version", "-V"];
  const name = commandNamed(argv);
  return name === undefined || TELLING.includes(name) || argv.some((word) => flags.includes(word));
}

/**
 * `embed help COMMAND` as `embed COMMAND --help`, and `embed help` as `embed --help`.
 *
 * @param isCommand whether a word is a command's name; others are topics
 */
export function asHelpFlag(argv: readonly string[], isCommand: (name: string) => boolean): string[] {
  const [node, program, name, ...words] = argv as [string, string, ...string[]];
  if (name !== "help" || words.length > 1) return [...argv];
  const [asked] = words;
  if (asked === undefined) return [node, program, "--help"];
  return isCommand(asked) ? [node, program, asked, "--help"] : [...argv];
}
