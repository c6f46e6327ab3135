// Options of commands for their printed output, which the TypeScript functions do not have.

import { choice, flag, pick, text, type Given } from "../../options/table.js";

const group = "Output:";

/** Options of a command that shows its progress. */
export const display = {
  json: flag({ help: "print one JSON object on stdout", group }),
  quiet: flag({ help: "print only errors and results", group }),
  progress: flag({
    help: "print plain lines instead of an interactive progress display",
    group,
    negated: true,
    default: true,
  }),
  color: flag({ help: "disable colors", group, negated: true, default: true }),
  logFormat: choice(["text", "json"], {
    placeholder: "format",
    help: "format of progress, warnings and errors on stderr; json includes every epoch",
    group,
    default: "text",
  }),
} as const;

/** Options of a command that ends quickly, so that it shows no progress. */
export const lines = pick(display, "quiet", "json");

/** The values of the options for printed output. */
export type TerminalOptions = Given<typeof display>;

/** The option --config: a file with values of options that the command line does not set. */
export const config = {
  config: text("file", {
    help: "YAML file of options by their long names; EMBED_NAME environment variables override it",
    group: "Options:",
  }),
} as const;
