// The steps of reading that leave rows out, each with the number of rows before and after it.
//
//   while a log is read   read (malformed rows), dedupe, drop, where, weight, bad cells
//   on a dataset          weight, positives, no item, users, since, events, split
//
// An encoded dataset records its steps; a step of a dataset runs if it is not among them.

import { count, list, object, text } from "../base/io/json-shape.js";
import type { ReadResult } from "../log/log.js";
import type { Dataset, ReadingStep } from "./dataset.js";

export const stepsShape = list(
  object({ step: text, before: count, after: count }, { by: text, users: count, withoutKey: count }),
);

export interface DatasetStep extends Pick<ReadingStep, "step" | "by"> {
  run: (dataset: Dataset) => Pick<ReadingStep, "users"> & { dataset: Dataset; warnings?: string[] };
}

/** Returns the steps of a log's reader. */
export function readerSteps({ numRows, skipped, duplicates }: ReadResult): ReadingStep[] {
  const after = numRows + (duplicates?.dropped ?? 0);
  const read = { step: "read", before: after + sumOf(skipped), after };
  return duplicates ? withStep([read], { step: "dedupe", ...duplicates }) : [read];
}

/** Returns the number of bad rows of all reasons. */
export function sumOf(skipped: Readonly<Record<string, number>>): number {
  return Object.values(skipped).reduce((sum, count) => sum + count, 0);
}

/** Returns the steps with one more, which left out `dropped` of the rows after the last one. */
export function withStep(
  steps: readonly ReadingStep[],
  { dropped, ...step }: Omit<ReadingStep, "before" | "after"> & { dropped: number },
): ReadingStep[] {
  const before = steps.at(-1)!.after;
  return [...steps, { ...step, before, after: before - dropped }];
}

/** Returns the steps of a dataset, and those of the selections that leave out rows, each with the rows that it keeps. */
export function selectedSteps(
  { steps = [] }: Pick<Dataset, "steps">,
  ...selections: readonly Omit<ReadingStep, "before">[]
): ReadingStep[] {
  return selections.reduce<ReadingStep[]>(
    (all, { after, ...step }) => {
      const before = all.at(-1)?.after ?? after;
      return before > after ? [...all, { ...step, before, after }] : all;
    },
    [...steps],
  );
}

/** Returns the steps that the rows have not been through: none of their steps has the same name and options. */
export function pendingSteps(done: readonly ReadingStep[], steps: readonly DatasetStep[]): DatasetStep[] {
  const options = ({ by = "" }: Pick<ReadingStep, "by">) => by.split(" and ");
  const isDone = (step: DatasetStep) =>
    done.some((one) => one.step === step.step && options(step).every((by) => options(one).includes(by)));
  return steps.filter((step) => !isDone(step));
}

/** Runs the steps that the rows have not been through, in order. @throws {EmbedError} the errors of the steps */
export function runSteps<T extends { dataset: Dataset; steps: ReadingStep[]; warnings: string[] }>(
  read: T,
  steps: readonly DatasetStep[],
): T {
  let done = read;
  for (const { step, by, run } of pendingSteps(read.steps, steps)) {
    const { dataset, warnings = [], ...facts } = run(done.dataset);
    const dropped = done.dataset.numRows - dataset.numRows;
    // a check without an option is listed only if rows fail it
    const listed = by === undefined ? { step, dropped } : { step, by, dropped, ...facts };
    const isListed = by !== undefined || dropped > 0;
    done = {
      ...{ ...done, dataset, warnings: [...done.warnings, ...warnings] },
      steps: isListed ? withStep(done.steps, listed) : done.steps,
    };
  }
  return done;
}

/** Returns a note for each step that left out rows, except for bad rows and users, which warnings report. */
export function stepNotes(steps: readonly ReadingStep[]): string[] {
  return steps.flatMap(({ step, by, before, after }) => {
    if (before === after || ["read", "bad cells", "no item", "users"].includes(step)) return [];
    const some = before - after === 1 ? "1 row" : `${before - after} rows`;
    return [`${some}${step === "weight" ? " of weight 0" : ""} excluded by ${by}`];
  });
}

export function skippedNotes(skipped: Readonly<Record<string, number>>): string[] {
  return Object.entries(skipped).map(
    ([reason, count]) => `skipped ${count} bad ${count === 1 ? "row" : "rows"} (${reason})`,
  );
}
