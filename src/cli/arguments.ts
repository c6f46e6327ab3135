// What can be told of a command line before it is parsed.

/** The command's name: the first word that is no flag, as the program itself has no flag with a value. */
export function commandNamed(argv: readonly string[]): string | undefined {
  return argv.slice(2).find((word) => !word.startsWith("-"));
}

/** What --log-format says, also on a command line that cannot be parsed. */
export function formatNamed(argv: readonly string[]): "text" | "json" {
  return /(^| )--log-format[= ]json( |$)/.test(argv.join(" ")) ? "json" : "text";
}

/** Asks for the help with every option of the command. */
export const HELP_ALL = "--help-all";

/** Whether it asks for help or the version, which are there at once. */
export function isForHelp(argv: readonly string[]): boolean {
  const flags = ["--help", HELP_ALL, "-h", "--version", "-V"];
  return commandNamed(argv) === undefined || argv.some((word) => flags.includes(word));
}
