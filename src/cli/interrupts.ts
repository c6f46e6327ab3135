// SIGINT and SIGTERM: a command is aborted, or, where it can, asked once to finish with what it has.

const SIGNAL_EXITS = { SIGINT: 130, SIGTERM: 143 } as const;
/** how long an aborted command may take to tidy up */
const GRACE_MILLISECONDS = 1500;

/** Why an aborted command ends. */
export class Interrupted extends Error {
  constructor(readonly exitCode: number) {
    super("interrupted");
  }
}

/** The signals of the process. */
export class Interrupts {
  readonly #abort = new AbortController();
  #finish: (() => void) | undefined;
  #exitCode: number | undefined;

  constructor() {
    for (const [signal, exitCode] of Object.entries(SIGNAL_EXITS)) {
      process.on(signal, () => this.#take(exitCode));
    }
  }

  /** Aborted by a signal. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What the program ends with when a command finished early because of a signal; undefined when none did. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** The next signal calls `finish` in place of aborting; the one after that aborts. @returns what ends this */
  finishInstead(finish: () => void): () => void {
    this.#finish = finish;
    return () => {
      if (this.#finish === finish) this.#finish = undefined;
    };
  }

  #take(exitCode: number): void {
    const finish = this.#finish;
    this.#finish = undefined;
    if (finish) {
      this.#exitCode = exitCode;
      finish();
      return;
    }
    // the second one does not wait
    if (this.signal.aborted) process.exit(exitCode);
    this.#abort.abort(new Interrupted(exitCode));
    setTimeout(() => process.exit(exitCode), GRACE_MILLISECONDS).unref();
  }
}
