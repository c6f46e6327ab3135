// Fewer lines about the same: epochs of a long training, and notes and warnings that differ in names and numbers alone.

import type { Progress } from "../training/session/watch.js";
import { isAtK } from "../evaluation/metrics.js";

type Epoch = Extract<Progress, { stage: "epoch" }>;

/** Lines beside the evenly spaced ones: the first, the best and the last. */
const EXTRA = 3;

/** Whether an epoch was measured on held-out rows, so that there is a best one. */
export function isValidated(event: Epoch): boolean {
  return event.validLoss !== undefined || Object.keys(event).some(isAtK);
}

/** Epochs that get a line: all of a short training; of a longer one the first, evenly spaced ones, and at its end the best and the last. */
export class EpochLines {
  readonly #most: number;
  readonly #write: (event: Epoch, isBest: boolean) => void;
  #last: Epoch | undefined;
  #best: Epoch | undefined;
  /** whether these have their line */
  #written = { last: true, best: true };

  /**
   * @param most  lines of a training, at most; above 3
   * @param write gets what has a line, and whether it is there as the best
   */
  constructor(most: number, write: (event: Epoch, isBest: boolean) => void) {
    this.#most = most;
    this.#write = write;
  }

  see(event: Epoch): void {
    if (this.#last && !isNext(this.#last, event)) this.end();
    const { epoch, epochs } = event;
    const every = epochs <= this.#most ? 1 : Math.ceil(epochs / (this.#most - EXTRA));
    const isShown = epoch === 1 || epoch % every === 0;
    if (isShown) this.#write(event, false);
    this.#last = event;
    this.#written.last = isShown;
    if (!event.best || !isValidated(event)) return;
    this.#best = event;
    this.#written.best = isShown;
  }

  /** Writes the lines held back before the end of a training; to be called before anything else is. */
  end(): void {
    const isLastBest = this.#best === this.#last;
    if (this.#best && !this.#written.best && !isLastBest) this.#write(this.#best, true);
    if (this.#last && !this.#written.last) this.#write(this.#last, false);
    [this.#last, this.#best] = [undefined, undefined];
  }
}

/** Whether an epoch goes on with the training of another. */
function isNext(last: Epoch, { training, refit, epoch }: Epoch): boolean {
  return last.training === training && last.refit === refit && last.epoch < epoch;
}

/** Sentences of which several may be alike: one line for those that come together. */
export class SimilarLines {
  readonly #write: (text: string) => void;
  #held: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  see(text: string): void {
    this.#held.push(text);
    // a long computation may follow
    this.#timer ??= setTimeout(() => this.end(), 100);
    this.#timer.unref();
  }

  /** Writes what is held; to be called before anything else is. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = this.#held;
    this.#held = [];
    for (const text of similarTogether(held)) this.#write(text);
  }
}

/** So many that are alike are each a line. */
const FEW = 3;
/** Names of others that a line has. */
const MOST_NAMED = 10;

/** Sentences of which many that differ in quoted names and numbers alone are one: the first, with what the others are about. */
export function similarTogether(sentences: readonly string[]): string[] {
  const groups = new Map<string, string[]>();
  for (const text of sentences) {
    const shape = text.replaceAll(/'[^']*'|"[^"]*"|\d[\d.,]*/g, "?");
    const group = groups.get(shape);
    if (group) group.push(text);
    else groups.set(shape, [text]);
  }
  return [...groups.values()].flatMap((group) =>
    group.length <= FEW ? group : [`${group[0]!} (${othersText(group)})`],
  );
}

/** What the others of a group are about: the name in each that the first has not. */
function othersText([first, ...others]: readonly string[]): string {
  const namesOf = (text: string) => text.match(/'[^']*'/g) ?? [];
  const known = namesOf(first!);
  const names = others.flatMap((text) => namesOf(text).find((name, i) => name !== known[i]) ?? []);
  if (names.length < others.length) return `and ${others.length} more like this`;
  const left = names.length - MOST_NAMED;
  return `the same for ${names.slice(0, MOST_NAMED).join(", ")}${left > 0 ? ` and ${left} more` : ""}`;
}
