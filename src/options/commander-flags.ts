import { Option, type Command } from "commander";
import { flagNamed, type Option as Declared, type OptionTable } from "./table.js";

export class TableOption extends Option {
  /** @param flags in the syntax of commander: `--dim <number>` @param isSearched whether --search varies the option */
  constructor(
    flags: string,
    readonly declared: Declared,
    readonly optionName: string,
    isSearched: boolean,
  ) {
    super(flags, `${withDefault(declared)}${isSearched ? " (searched)" : ""}`);
  }
}

/** Short forms of flags, which scripts use. */
const short: Readonly<Record<string, string>> = { out: "-o, " };

/** Adds the flags of an option table. The help shows defaults, which are set when the option values are resolved. */
export function addTable<C extends Command>(command: C, table: OptionTable): C {
  for (const [name, option] of Object.entries(table) as [string, Declared][]) {
    command.addOption(optionOf(name, option, Object.hasOwn(table, "search")));
    if (option.negated === "also")
      command.addOption(new TableOption(flagNamed(name, { negated: true }), option, name, false).hideHelp());
  }
  return command;
}

function optionOf(name: string, declared: Declared, hasSearch: boolean): TableOption {
  const { placeholder, choices, repeats, group, required, optional } = declared;
  const flag = flagNamed(name, declared);
  const value = optional ? ` [${placeholder}]` : ` <${placeholder}>`;
  const option = new TableOption(
    `${short[name] ?? ""}${flag}${placeholder === undefined ? "" : value}`,
    declared,
    name,
    hasSearch && declared.search !== undefined,
  );
  option.helpGroup(group);
  if (choices) option.choices([...choices]);
  else if (declared.parse && repeats)
    option.argParser<unknown>((text, previous) => declared.parse!(text, flag, previous));
  else if (declared.parse) option.argParser<unknown>((text) => declared.parse!(text, flag, undefined));
  if (declared.refused !== undefined) option.hideHelp();
  if (required) option.makeOptionMandatory();
  return option;
}

/** Returns an option's help text, followed by its default value. */
function withDefault({ help, shown, default: standard, placeholder }: Declared): string {
  const isPlain = typeof standard === "number" || typeof standard === "string";
  const text = shown ?? (placeholder !== undefined && isPlain ? String(standard) : "");
  return text === "" ? help : `${help} (default: ${text})`;
}

/** Returns the options of a table that were set: on the command line, by an environment variable, or in a file. */
export function givenOf(command: Command, table: OptionTable): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(table)) {
    const value: unknown = command.getOptionValue(name);
    // leaves out default values, because commander sets a default for every flag --no-NAME
    if (value !== undefined && command.getOptionValueSource(name) !== "default") given[name] = value;
  }
  return given;
}

/** Options that are shown for every command. */
const ALWAYS = ["help", "config", "json", "quiet"];

/** Hides uncommon options from --help and prints their number; shows all if the command declares none as common. */
export function hideUncommon(command: Command, helpAll: string): void {
  const shown = command.options.filter(({ hidden }) => !hidden) as TableOption[];
  if (!shown.some(({ declared }) => declared.common)) return;
  const others = shown.filter(({ declared, optionName }) => !declared.common && !ALWAYS.includes(optionName));
  for (const option of others) option.hideHelp();
  command.addHelpText("after", `\n${others.length} more options: embed ${command.name()} ${helpAll}`);
}
