// Ending a training early, with what it has: offered once an epoch is kept, taken by a signal.

/** What ends the threads. */
interface Ending {
  terminate(): Promise<void>;
}

/** The offer to finish early, from the first epoch to the last. */
export class Interruption {
  isWanted = false;
  readonly #machine: Ending;
  readonly #onInterrupt: ((finish: () => void) => () => void) | undefined;
  #withdraw: (() => void) | undefined;
  #isHeld = false;

  constructor(machine: Ending, onInterrupt: ((finish: () => void) => () => void) | undefined) {
    this.#machine = machine;
    this.#onInterrupt = onInterrupt;
  }

  /** Whether anybody may take it: every epoch that would be returned must be kept then. */
  get isOffered(): boolean {
    return this.#onInterrupt !== undefined;
  }

  /** To be called when an epoch is kept. */
  offer(): void {
    this.#withdraw ??= this.#onInterrupt?.(() => {
      this.isWanted = true;
      // what the threads do is given up; the memory stays
      if (!this.#isHeld) void this.#machine.terminate();
    });
  }

  /** Does what must not be cut short. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.#isHeld = true;
    try {
      return await work();
    } finally {
      this.#isHeld = false;
    }
  }

  end(): void {
    this.#withdraw?.();
  }
}
