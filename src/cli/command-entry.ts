// The properties of a command that the program needs before its modules are loaded.

import type { CommandSpec } from "./command-spec.js";

/** The groups of commands, in the order of the help. */
type Stage = "Look:" | "Train:" | "Use:" | "Judge:" | "Weekly job:" | "Help:";

export interface CommandEntry {
  name: string;
  /** description of the command in one line, for the program's help */
  summary: string;
  /** heading under which the program's help lists the command */
  stage: Stage;
  /** clause that says what is kept when a signal stops the command; by default, that no output was written */
  keeps?: string;
  load: () => Promise<CommandSpec>;
}
