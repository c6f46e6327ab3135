// Delivers signals to a command: a signal aborts the command, or asks it to finish with the result so far if it
// supports that.

import { SIGNAL_EXITS, type FromCommand, type InterruptedHook, type SignalSent } from "./signals.js";

export class Interrupted extends Error {
  constructor(readonly exitCode: number) {
    super("interrupted");
  }
}

/** Delivers the signals that the main thread passes on to one command. */
export class Interrupts {
  readonly #abort = new AbortController();
  #finish: (() => void) | undefined;
  #exitCode: number | undefined;

  /** @param tell sends a message to the main thread */
  constructor(private readonly tell: (message: FromCommand) => void = () => undefined) {}

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The program's exit code if a command finished early because of a signal; undefined otherwise. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Sets the clause that says what is kept if a signal stops the command, and a checkpoint's path. */
  keeps(text: string, checkpoint?: string): void {
    this.tell({ keeps: text, checkpoint });
  }

  /** Sets the user's hook, which the main thread runs if the command is ended; undefined if the command runs it. */
  hook(hook: InterruptedHook | undefined): void {
    this.tell({ hook });
  }

  /**
   * Makes a signal call `finish` instead of aborting. After that, the command does the rest of its work.
   *
   * @returns a function that withdraws `finish`
   */
  finishInstead(saves: string, finish: () => void): () => void {
    this.#finish = finish;
    this.tell({ saves });
    // a signal may have arrived before this call, between two trainings of the command
    if (this.#exitCode !== undefined) finish();
    return () => {
      if (this.#finish === finish) this.#finish = undefined;
    };
  }

  take({ signal, finish }: SignalSent): void {
    const exitCode = SIGNAL_EXITS[signal];
    if (!finish) {
      this.#abort.abort(new Interrupted(exitCode));
      return;
    }
    this.#exitCode = exitCode;
    this.#finish?.();
  }
}
