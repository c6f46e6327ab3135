// Options that say how a log is cut into training, validation and test part.

import { Option, type Command } from "commander";
import type { ExampleOptions } from "../training/example-options.js";
import { listOf, shareOrFile, wholeOf } from "./options.js";

type OptionalFlags = Pick<ExampleOptions, "split" | "splitKey" | "last" | "group">;
export type SplitFlags = Pick<ExampleOptions, "valid" | "test"> & OptionalFlags;

/** Adds the options that cut parts. */
export function addSplitOptions(command: Command): Command {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Training:");
  return command
    .addOption(
      group("--valid <share, date or file>", "validation part")
        .argParser(shareOrFile("--valid"))
        .default(0, "none"),
    )
    .addOption(
      group("--test <share, date or file>", "test part").argParser(shareOrFile("--test")).default(0, "none"),
    )
    .addOption(
      group("--split <by>", "how parts are cut; by time where there is one, else at random").choices([
        "time",
        "random",
        "user",
        "last",
      ]),
    )
    .addOption(
      group(
        "--split-key <columns>",
        "for random: the columns that decide a row's part, such as user,item",
      ).argParser(listOf),
    )
    .addOption(
      group("--last <n>", "for last: each user's last events, or groups (default: 1)").argParser(
        wholeOf("--last", 1),
      ),
    )
    .addOption(group("--group <column>", "for last: events of one group stay together, such as InvoiceNo"));
}

/** The flags as options of the api. */
export function splitOf({ valid, test, split, splitKey, last, group }: SplitFlags): SplitFlags {
  return {
    valid,
    test,
    ...(split && { split }),
    ...(splitKey && { splitKey }),
    ...(last !== undefined && { last }),
    ...(group !== undefined && { group }),
  };
}
