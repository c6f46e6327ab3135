// --query and --query-half-life: what vectors rank a user's items by.

import { Option, type Command } from "commander";

/** Adds both. @param under the heading of the help that they stand under */
export function addQueryOptions(command: Command, under: string): Command {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup(under);
  return command
    .addOption(
      group(
        "--query <what>",
        "query vector of a user: user (the user's row), history (mean of the user's items), last (the last " +
          "item) or last:N (default: user if the table has users, else history)",
      ),
    )
    .addOption(
      group(
        "--query-half-life <span>",
        "with --query history or last:N: half-life of an item's weight, in time before the user's latest " +
          "event, such as 30d",
      ),
    );
}
