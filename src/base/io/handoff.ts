// Passes pieces from a producer to a consumer, one at a time: the producer waits until its piece is taken.

/** Pieces that a callback produces and a loop consumes. */
export class Handoff<T> {
  #given: { piece: T; taken: () => void } | undefined;
  #isOver = false;
  #wake: () => void = () => undefined;

  /** Waits until the consumer has taken the piece. @throws {Error} the consumer has stopped */
  async give(piece: T): Promise<void> {
    if (this.#isOver) throw new Error("the taker has stopped");
    await new Promise<void>((taken) => {
      this.#given = { piece, taken };
      this.#wake();
    });
    if (this.#isOver) throw new Error("the taker has stopped");
  }

  /**
   * Yields the pieces when they are passed, and after them the pieces that the producer returns at its end.
   *
   * @param making resolves when the producer has ended; the loop throws its error, unless it says that the consumer has
   * stopped
   */
  async *taken(making: Promise<readonly T[]>): AsyncGenerator<T> {
    let ended: { last: readonly T[] } | { error: unknown } | undefined;
    const end = making.then(
      (last) => (ended = { last }),
      (error: unknown) => (ended = { error }),
    );
    void end.then(() => this.#wake());
    try {
      for (;;) {
        if (this.#given) {
          yield this.#given.piece;
          const { taken } = this.#given;
          this.#given = undefined;
          taken();
        } else if (ended && "error" in ended) throw ended.error;
        else if (ended) return yield* ended.last;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#isOver = true;
      this.#given?.taken();
      await end;
    }
  }
}
