// What the program knows of a command before its modules are loaded.

import type { CommandSpec } from "./command-spec.js";

/** What a user is at, in the order of the help. */
type Stage = "Look:" | "Train:" | "Use:" | "Judge:" | "Weekly job:" | "Help:";

export interface CommandEntry {
  name: string;
  /** one line for the program's help */
  summary: string;
  /** its heading there */
  stage: Stage;
  /** what stays when a signal stops it, as a clause; by default that nothing is written */
  keeps?: string;
  load: () => Promise<CommandSpec>;
}
