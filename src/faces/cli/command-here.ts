// Runs a command on the main thread if it takes less time than starting a thread (main-thread.ts).

import { EventEmitter } from "node:events";
import type { CommandHost } from "./command-thread.js";
import { Interrupts } from "./interrupts.js";
import { runProgram } from "./program.js";
import type { FromCommand, SignalSent } from "./signals.js";

/** Exchanges messages with a command on the main thread as a worker would; the command uses the process's streams. */
export class CommandHere extends EventEmitter implements CommandHost {
  readonly stdin = null;
  readonly stdout = null;
  readonly stderr = null;
  readonly #interrupts = new Interrupts((message: FromCommand) => this.emit("message", message));

  constructor(argv: string[]) {
    super();
    void this.#run(argv);
  }

  postMessage(sent: SignalSent): void {
    this.#interrupts.take(sent);
  }

  /** Does nothing, because the command ends when the process does. */
  terminate(): Promise<void> {
    return Promise.resolve();
  }

  async #run(argv: string[]): Promise<void> {
    // waits for one microtask, so that the caller can listen for events before the command emits any
    await Promise.resolve();
    try {
      this.emit("exit", await runProgram(argv, this.#interrupts));
    } catch (error) {
      this.emit("error", error);
      this.emit("exit", 70);
    }
  }
}
