// Reports the progress of long computations, and the remaining time at the pace so far. The pace is measured on the
// finished part, because an estimate from the size of the input would ignore the load of the machine.

/** Milliseconds until the first report, and between reports; short computations print none. */
const [FIRST, EVERY] = [3000, 10_000];

/** Error of a computation whose estimated duration exceeds the remaining time. */
export class OutOfTime extends Error {}

/**
 * Starts the clock for a computation.
 *
 * @param what description of the computation: `ease: inverting the matrix`
 * @param note receives each report as a line
 * @param timeLeft maximum duration of the computation in milliseconds; unlimited when absent
 * @param clock returns milliseconds; a parameter for tests
 * @returns function to call with the finished and the total amount; throws OutOfTime if the estimated rest takes longer
 * than timeLeft
 */
export function pace(
  what: string,
  note: ((text: string) => void) | undefined,
  timeLeft?: () => number,
  clock: () => number = () => performance.now(),
): (done: number, of: number) => void {
  const began = clock();
  let last: number | undefined;
  return (done, of) => {
    const now = clock();
    const rest = ((now - began) / done) * (of - done);
    if (timeLeft && done > 0 && done < of && now - began >= FIRST && rest > timeLeft()) throw new OutOfTime();
    if (done === 0 || done >= of || now - (last ?? began) < (last === undefined ? FIRST : EVERY)) return;
    last = now;
    const seconds = rest / 1000;
    const left = seconds < 100 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
    note?.(
      `${what}: ${Math.floor((100 * done) / of)} % after ${Math.round((now - began) / 1000)} s, about ${left} left`,
    );
  };
}
