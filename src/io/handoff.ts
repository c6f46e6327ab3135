// What one loop makes and another takes, one piece at a time: the maker waits until its piece is taken.

/** Pieces on their way from a callback to a loop over them. */
export class Handoff<T> {
  #given: { piece: T; taken: () => void } | undefined;
  #isOver = false;
  #wake: () => void = () => undefined;

  /** Waits until the piece is taken. @throws {Error} nobody takes any more */
  async give(piece: T): Promise<void> {
    if (this.#isOver) throw new Error("the taker has stopped");
    await new Promise<void>((taken) => {
      this.#given = { piece, taken };
      this.#wake();
    });
    if (this.#isOver) throw new Error("the taker has stopped");
  }

  /**
   * The pieces, as they are given, and then the maker's last ones.
   *
   * @param making ends when nothing more is given; its error is the loop's, but for one that says that the taker has stopped
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
