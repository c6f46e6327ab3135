/** Wall time by stage, in seconds: for the manifest's timings alone. */
export class Stopwatch {
  readonly laps: Record<string, number> = {};
  readonly #start = performance.now();
  #last = this.#start;

  lap(stage: string): void {
    const now = performance.now();
    this.laps[stage] = (now - this.#last) / 1000;
    this.#last = now;
  }

  seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }
}
