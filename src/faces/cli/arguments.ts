// Reads properties of a command line before it is parsed.

/** Returns the command's name: the first word that is not a flag, as the program has no flag with a value. */
export function commandNamed(argv: readonly string[]): string | undefined {
  return argv.slice(2).find((word) => !word.startsWith("-"));
}

/** Returns the value of --log-format or of EMBED_LOG_FORMAT, even if the rest of the command line is invalid. */
export function formatNamed(argv: readonly string[]): "text" | "json" {
  const [, named = process.env["EMBED_LOG_FORMAT"]] = / --log-format[= ](\S+)/.exec(argv.join(" ")) ?? [];
  return named === "json" ? "json" : "text";
}

export const HELP_ALL = "--help-all";

const TELLING = ["help", "completion"];

/** Whether a command line only prints help or the version, which takes little time. */
export function isForHelp(argv: readonly string[]): boolean {
  const flags = ["--help", HELP_ALL, "-h", "--version", "-V"];
  const name = commandNamed(argv);
  return name === undefined || TELLING.includes(name) || argv.some((word) => flags.includes(word));
}

/** Rewrites `embed help COMMAND` as `embed COMMAND --help`, and `embed help` as `embed --help`; topics stay. */
export function asHelpFlag(argv: readonly string[], isCommand: (name: string) => boolean): string[] {
  const [node, program, name, ...words] = argv as [string, string, ...string[]];
  if (name !== "help" || words.length > 1) return [...argv];
  const [asked] = words;
  if (asked === undefined) return [node, program, "--help"];
  return isCommand(asked) ? [node, program, asked, "--help"] : [...argv];
}
