// STORE/.work/PIPELINE/refused.json: the files and days that gates have refused.
//
// Gates measure the whole log, or its latest part, so that bad rows may pass them once more good rows have arrived.
// Rows that were refused are therefore refused again, until their bytes change or a person accepts them.

import { join } from "node:path";
import type { GateOutcome } from "../../table/gate-file.js";
import { shellWord, UsageError } from "../../base/errors.js";
import { shortList } from "../gates/bounds.js";
import type { Day } from "../gates/row-digests.js";
import { writeFileAtomic } from "../../base/io/atomic.js";
import { flag, list, object, parseVersioned, record, text } from "../../base/io/json-shape.js";
import { pathExists, readArtifact } from "../../base/io/read-artifact.js";
import { REFUSED_FILE } from "../store/work-folder.js";
import type { Pipeline } from "./file.js";
import type { LogChanges, LoggedFile } from "./log.js";

/** New files and days of a log that were refused together. */
export interface Refusal {
  training: string;
  files: LoggedFile[];
  days: Day[];
  /** the bounds that failed, each as the name of the gate and its bound: `valid.auc worse by no more than 1%` */
  bounds: string[];
  messages: string[];
  /** the pipeline's bounds of each gate that failed, as JSON, by the first part of the gate's name */
  grounds: Record<string, string>;
  /** the latest version when the rows were refused */
  since: string;
  /** whether a person has accepted the rows with `embed run --accept` */
  accepted: boolean;
}

const shape = object({
  refused: list(
    object({
      training: text,
      files: list(object({ path: text, sha256: text })),
      days: list(object({ name: text, digest: text })),
      bounds: list(text),
      messages: list(text),
      grounds: record(text),
      since: text,
      accepted: flag,
    }),
  ),
});

/** @throws {ArtifactError} the file is damaged */
export async function readRefusals(work: string): Promise<Refusal[]> {
  const path = join(work, REFUSED_FILE);
  if (!(await pathExists(path))) return [];
  return (
    parseVersioned(await readArtifact(path), 1, shape, path, "remove it, which forgets what was refused") as {
      refused: Refusal[];
    }
  ).refused;
}

export async function writeRefusals(work: string, refused: readonly Refusal[]): Promise<void> {
  const json = JSON.stringify({ schemaVersion: 1, refused }, undefined, 2);
  await writeFileAtomic(join(work, REFUSED_FILE), [Buffer.from(`${json}\n`)], true);
}

/**
 * Whether the rows are refused again without being measured. New files and days are measured by themselves in each run,
 * and with a copy of a file gone, the file may be right.
 */
export function isLasting({ bounds }: Refusal): boolean {
  return bounds.some((bound) => !/^new(Files|Days)\./.test(bound));
}

type Bounds = Pick<Pipeline, "before" | "trainings">;

/** The first part of a gate's name is its key in the bounds, or the split of a metric. */
const keyOf = (gate: string): string => /^[^.:]*/.exec(gate)![0];

function boundsOf(gate: string, training: string, { before, trainings }: Bounds): string {
  const after = trainings.find(({ name }) => name === training)?.bounds ?? {};
  const all = new Map<string, unknown>(Object.entries({ ...before, ...after }));
  return JSON.stringify(all.get(keyOf(gate)) ?? after.metrics ?? null);
}

/**
 * Leaves out refusals that no longer stand: all bounds that failed were changed since, or the version that was compared
 * with was rolled back.
 */
export function standingRefusals(
  refusals: readonly Refusal[],
  bounds: Bounds,
  latest: string | undefined,
): Refusal[] {
  return refusals.filter(
    ({ training, grounds, since }) =>
      latest !== undefined &&
      Number(latest) >= Number(since) &&
      Object.entries(grounds).some(([gate, given]) => boundsOf(gate, training, bounds) === given),
  );
}

/** Returns the refusals whose rows are all in a log. @param days days of the log; none before it is encoded */
export function refusalsIn(
  refusals: readonly Refusal[],
  log: readonly LoggedFile[],
  days: readonly Day[],
): Refusal[] {
  const contents = new Set(log.map(({ path, sha256 }) => `${sha256} ${path}`));
  const digests = new Set(days.map(({ name, digest }) => `${name} ${digest}`));
  return refusals.filter(
    (refusal) =>
      refusal.files.every(({ path, sha256 }) => contents.has(`${sha256} ${path}`)) &&
      refusal.days.every(({ name, digest }) => digests.has(`${name} ${digest}`)),
  );
}

/**
 * Marks refusals as accepted.
 *
 * @param names files and days as messages name them
 * @throws {UsageError} a name is not refused; the message lists those that are
 */
export function acceptRefusals(refusals: readonly Refusal[], names: readonly string[]): Refusal[] {
  const open = refusals.filter(({ accepted }) => !accepted);
  const wrong = names.find((name) => !refusals.some((each) => namesOf(each).includes(name)));
  if (wrong !== undefined)
    throw new UsageError(
      `--accept '${wrong}': no such file or day was refused; refused ` +
        (open.length === 0 ? "is nothing" : `are ${open.flatMap(namesOf).join(", ")}`),
    );
  return refusals.map((each) => {
    const isNamed = namesOf(each).some((name) => names.includes(name));
    return isNamed ? { ...each, accepted: true } : each;
  });
}

function namesOf({ files, days }: RefusedRows): string[] {
  return [...files.map(({ path }) => path), ...days.map(({ name }) => name)];
}

export type RefusedRows = Pick<Refusal, "files" | "days">;

/**
 * Returns the rows that may be at fault if a gate names none: new files, and the new days if an earlier file has changed,
 * because rows were added to it. Without days, it is the changed file.
 *
 * @param days new days of the log
 */
export function suspectsIn(
  log: readonly LoggedFile[],
  { new: added, changed }: LogChanges,
  days: readonly Day[],
): RefusedRows {
  const isByDay = changed.length > 0 && days.length > 0;
  const paths = isByDay ? added : [...added, ...changed];
  return { files: log.filter(({ path }) => paths.includes(path)), days: isByDay ? [...days] : [] };
}

const boundOf = ({ gate, bound }: GateOutcome): string => `${gate} ${bound}`;

/**
 * Marks failed outcomes as accepted if all rows that may be at fault have been accepted with this bound.
 *
 * @param leavesOut whether refused files are left out of the log, so that their days may be empty
 */
export function withAccepted(
  outcomes: readonly GateOutcome[],
  accepted: readonly Refusal[],
  suspects: RefusedRows,
  leavesOut: boolean,
): GateOutcome[] {
  return outcomes.map((outcome) => {
    const names = accepted.filter(({ bounds }) => bounds.includes(boundOf(outcome))).flatMap(namesOf);
    const isAccepted =
      names.length > 0 && (outcome.groups ?? namesOf(suspects)).every((name) => names.includes(name));
    const isLeftOut = leavesOut && outcome.gate === "newDays.empty";
    return outcome.status === "failed" && (isAccepted || isLeftOut)
      ? { ...outcome, status: "accepted", message: `${outcome.message}, accepted` }
      : outcome;
  });
}

/** False for gates that fail by the date of the run, or by rows that are missing. */
const isOfRows = ({ gate, bound }: GateOutcome): boolean =>
  gate !== "goneFiles" && gate !== "newDays.empty" && !bound.startsWith("maxAge");

const isOfPairs = ({ gate }: GateOutcome): boolean =>
  gate === "newFiles.copies" || gate === "newFiles.repeatedRows";

/**
 * Returns the refusals of failed outcomes: each file and day that the outcomes name, or all suspects together if they
 * name none, or files that repeat others.
 *
 * @param rows files of the log, and its new days
 */
export function refusalsOf(
  training: string,
  outcomes: readonly GateOutcome[],
  suspects: RefusedRows,
  rows: RefusedRows,
  { bounds, since }: { bounds: Bounds; since: string },
): Refusal[] {
  const failed = outcomes.filter((each) => each.status === "failed" && isOfRows(each));
  const refusal = (of: readonly GateOutcome[], { files, days }: RefusedRows): Refusal[] =>
    of.length === 0 || files.length + days.length === 0
      ? []
      : [
          {
            ...{ training, files, days, bounds: of.map(boundOf) },
            ...{ messages: of.map(({ message }) => message), since, accepted: false },
            grounds: Object.fromEntries(
              of.map(({ gate }) => [keyOf(gate), boundsOf(gate, training, bounds)]),
            ),
          },
        ];
  // either of two files with the same rows may be the one that is too many
  const [ofPairs, others] = [true, false].map((isPair) =>
    failed.filter((each) => isOfPairs(each) === isPair),
  ) as [GateOutcome[], GateOutcome[]];
  const named = new Set(others.flatMap(({ groups = [] }) => groups));
  const found = [...named].flatMap((name) =>
    refusal(
      others.filter(({ groups = [name] }) => groups.includes(name)),
      {
        files: rows.files.filter(({ path }) => path === name),
        days: rows.days.filter((day) => day.name === name),
      },
    ),
  );
  return found.length > 0 ? [...found, ...refusal(ofPairs, suspects)] : refusal(failed, suspects);
}

/** Names the refused rows, with the messages of the gates. */
export function refusedText(refusals: readonly Refusal[]): string {
  return refusals
    .map((each) => `${shortList(namesOf(each))} (${each.training}: ${each.messages.join("; ")})`)
    .join("\n  ");
}

/** Returns the command that accepts refused rows. @param file pipeline file */
export function acceptCommand(refusals: readonly Refusal[], file: string): string {
  const names = refusals.map((each) => ` --accept ${shellWord(namesOf(each).at(-1)!)}`);
  return `embed run ${shellWord(file)}${names.slice(0, 3).join("")}${names.length > 3 ? " ..." : ""}`;
}
