// The properties of a command that the program needs before its modules are loaded.

import type { CommandSpec } from "./command-spec.js";

/** The groups of commands, in the order of the help. */
type Stage = "Look:" | "Train:" | "Use:" | "Judge:" | "Weekly job:" | "Help:";

export interface CommandEntry {
  name: string;
  /** one line for the program's help */
  summary: string;
  /** its heading in the help */
  stage: Stage;
  /** what is kept when a signal stops it, as a clause; by default that nothing is written */
  keeps?: string;
  load: () => Promise<CommandSpec>;
}
