// Options that say which events of a log are used.

import { Option, type Command } from "commander";
import type { TrainFmOptions } from "../api/train-fm-options.js";
import { wholeOf } from "./options.js";

export type EventFlags = Pick<TrainFmOptions, "since" | "maxEventsPerUser">;

/** Adds the options that bound events. */
export function addEventOptions(command: Command): Command {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Reading:");
  return command
    .addOption(group("--since <when>", "only newer events: 90d before the newest (h, d, w), or a date"))
    .addOption(
      group("--max-events-per-user <n>", "only each user's latest").argParser(
        wholeOf("--max-events-per-user", 1),
      ),
    );
}

/** The flags as limits. */
export function eventsOf({ since, maxEventsPerUser }: EventFlags): EventFlags {
  return {
    ...(since !== undefined && { since }),
    ...(maxEventsPerUser !== undefined && { maxEventsPerUser }),
  };
}
