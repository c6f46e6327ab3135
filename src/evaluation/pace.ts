// How far a long work is, and how long the rest takes at the pace so far. The first part of the work is the measure: an estimate from
// the work's size is wrong by the load of the machine.

/** Milliseconds until the first line, and from one line to the next: short work needs none. */
const [FIRST, EVERY] = [3000, 10_000];

/** A work would not end in the time that is left. */
export class OutOfTime extends Error {}

/**
 * Starts the clock of a work.
 *
 * @param what is being done: `ease: inverting the matrix`
 * @param note takes a line now and then
 * @param timeLeft milliseconds for the work; absent: any
 * @param clock milliseconds; for tests
 * @returns what is called with how much of the whole is done; throws OutOfTime if the rest takes longer than is left
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
