// Reduces similar lines: epochs of a long training, and notes and warnings that differ only in names and numbers.

import type { Progress } from "../../training/session/watch.js";
import { isAtK } from "../../table/manifest.js";

type Epoch = Extract<Progress, { stage: "epoch" }>;

/** Number of printed epochs in addition to the evenly spaced ones: the first, the best and the last. */
const EXTRA = 3;

/** Whether an epoch was evaluated on held-out rows, which is needed to choose the best epoch. */
function isValidated(event: Epoch): boolean {
  return event.validLoss !== undefined || Object.keys(event).some(isAtK);
}

/** Selects the epochs to print: all of a short training; else the first, some at equal distances, best and last. */
export class EpochLines {
  #last: Epoch | undefined;
  #best: Epoch | undefined;
  /** whether the last epoch and the best epoch have been printed */
  #written = { last: true, best: true };

  /** @param most lines of a training, above 3 @param write receives each epoch with a line, and whether it is best */
  constructor(
    private readonly most: number,
    private readonly write: (event: Epoch, isBest: boolean) => void,
  ) {}

  see(event: Epoch): void {
    if (this.#last && !isNext(this.#last, event)) this.end();
    const { epoch, epochs } = event;
    const every = epochs <= this.most ? 1 : Math.ceil(epochs / (this.most - EXTRA));
    const isShown = epoch === 1 || epoch % every === 0;
    if (isShown) this.write(event, false);
    this.#last = event;
    this.#written.last = isShown;
    if (!event.best || !isValidated(event)) return;
    this.#best = event;
    this.#written.best = isShown;
  }

  /** Writes the epochs that were held back until the end of a training. Must be called before other text is written. */
  end(): void {
    const isLastBest = this.#best === this.#last;
    if (this.#best && !this.#written.best && !isLastBest) this.write(this.#best, true);
    if (this.#last && !this.#written.last) this.write(this.#last, false);
    [this.#last, this.#best] = [undefined, undefined];
  }
}

function isNext(last: Epoch, { training, refit, epoch }: Epoch): boolean {
  return last.training === training && last.refit === refit && last.epoch < epoch;
}

export class SimilarLines {
  #held: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly write: (text: string) => void) {}

  see(text: string): void {
    this.#held.push(text);
    // writes the held-back sentences after 100 ms, because a long computation may follow before the next event
    this.#timer ??= setTimeout(() => this.end(), 100);
    this.#timer.unref();
  }

  /** Writes the sentences that were held back. Must be called before other text is written. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = this.#held;
    this.#held = [];
    for (const text of similarTogether(held)) this.write(text);
  }
}

const FEW = 3;
/** Maximum number of names that a combined line repeats from the sentences that it replaces. */
const MOST_NAMED = 10;

/** Combines sentences that differ only in names and numbers: the first, followed by the names in the others. */
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

/** Returns the quoted names that occur in the later ones of similar sentences, but not in the first. */
function othersText([first, ...others]: readonly string[]): string {
  const namesOf = (text: string) => text.match(/'[^']*'/g) ?? [];
  const known = namesOf(first!);
  const names = others.flatMap((text) => namesOf(text).find((name, i) => name !== known[i]) ?? []);
  if (names.length < others.length) return `and ${others.length} more like this`;
  const left = names.length - MOST_NAMED;
  return `the same for ${names.slice(0, MOST_NAMED).join(", ")}${left > 0 ? ` and ${left} more` : ""}`;
}
