// Options that say which events of a log are used.

import { Option, type Command } from "commander";
import type { ExampleOptions } from "../training/example-options.js";
import { wholeOf } from "./options.js";

export type EventFlags = Pick<ExampleOptions, "since" | "maxEventsPerUser" | "eventWeight" | "halfLife">;

/** Adds the options that bound events. */
export function addEventOptions(command: Command): Command {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Reading:");
  return command
    .addOption(group("--since <when>", "only newer events: 90d before the newest (h, d, w), or a date"))
    .addOption(
      group(
        "--event-weight <column:kind=x,...>",
        "what kinds of events count, such as type:view=1,cart=3,*=0; the column is no feature then",
      ),
    )
    .addOption(group("--half-life <span>", "training events count half as much every 30d of age (h, d, w)"))
    .addOption(
      group("--max-events-per-user <n>", "only each user's latest").argParser(
        wholeOf("--max-events-per-user", 1),
      ),
    );
}

/** The flags as limits. */
export function eventsOf({ since, maxEventsPerUser, eventWeight, halfLife }: EventFlags): EventFlags {
  return {
    ...(since !== undefined && { since }),
    ...(eventWeight !== undefined && { eventWeight }),
    ...(halfLife !== undefined && { halfLife }),
    ...(maxEventsPerUser !== undefined && { maxEventsPerUser }),
  };
}
