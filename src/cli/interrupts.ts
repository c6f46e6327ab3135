// A signal as the command sees it: it is aborted, or, where it can, asked once to finish with what it has.

import { SIGNAL_EXITS, type FromCommand, type InterruptedHook, type SignalSent } from "./signals.js";

/** Why an aborted command ends. */
export class Interrupted extends Error {
  constructor(readonly exitCode: number) {
    super("interrupted");
  }
}

/** The signals that the main thread passes on. */
export class Interrupts {
  readonly #abort = new AbortController();
  readonly #tell: (message: FromCommand) => void;
  #finish: (() => void) | undefined;
  #exitCode: number | undefined;

  /** @param tell sends to the main thread */
  constructor(tell: (message: FromCommand) => void = () => undefined) {
    this.#tell = tell;
  }

  /** Aborted by a signal. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What the program ends with when a command finished early because of a signal; undefined when none did. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Says what a signal that stops the command keeps, as a clause: `finished steps are kept`. */
  keeps(text: string): void {
    this.#tell({ keeps: text });
  }

  /** Says what is to be run should the command be ended in the middle of its work; undefined when it runs that itself. */
  hook(hook: InterruptedHook | undefined): void {
    this.#tell({ hook });
  }

  /**
   * A signal calls `finish` in place of aborting. Afterwards a signal lets the command do the rest of its work.
   *
   * @param saves what is saved then
   * @returns what withdraws `finish`
   */
  finishInstead(saves: string, finish: () => void): () => void {
    this.#finish = finish;
    this.#tell({ saves });
    // one may have come between two of a command's trainings
    if (this.#exitCode !== undefined) finish();
    return () => {
      if (this.#finish === finish) this.#finish = undefined;
    };
  }

  /** To be called when the main thread has had a signal. */
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
