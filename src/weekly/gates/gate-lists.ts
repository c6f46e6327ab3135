// Checks the recommendation lists of a pipeline, and compares them with the previous version's lists.
//
//   lists.empty:OUT      share of owners (users or items) with an empty list
//   lists.coverage:OUT   share of the eligible items that occur in lists
//   lists.overlap:OUT    share of a list's first k items that are among the first k of the owner's list in the previous
//                        version
//
// The first two are computed from counts of embed recall, which the file alone does not contain; the previous version's
// values are those of its gate.json.

import type { AfterBounds } from "./gates-schema.js";
import type { GateOutcome } from "../../table/gate-file.js";
import { openRun } from "../../table/run-directory.js";
import { count, object, where } from "../../base/io/json-shape.js";
import { pathExists } from "../../base/io/read-artifact.js";
import { asShare, checkBounds, reported, notCompared } from "./bounds.js";
import { earlierValues } from "./gate.js";
import { overlapOfLists } from "../../use/recall/list-files.js";

/** Facts about the lists that `embed recall` has written, from its summary. */
export interface ListFacts {
  /** number of lists that contain items, and number of empty lists */
  lists: number;
  empty: number;
  coverage: number;
}

/** Schema of the JSON file that records the lists' counts next to the lists. */
export const listFactsShape = object({
  lists: count,
  empty: count,
  coverage: where("a share", (value) => typeof value === "number" && value >= 0 && value <= 1),
});

export interface CheckedLists {
  /** path of the lists' file within exports/ */
  out: string;
  facts: ListFacts;
  file: string;
  isForItems: boolean;
}

/**
 * Checks lists against their bounds.
 *
 * @param previous the previous version's run, and where its lists would be; undefined if there is none
 * @throws {ArtifactError} one of the two is damaged @throws {DataError} a file does not contain lists
 */
export async function gateLists(
  { out, facts, file, isForItems }: CheckedLists,
  bounds: NonNullable<AfterBounds["lists"]>,
  previous: { run: string; file: string } | undefined,
  signal: AbortSignal,
): Promise<GateOutcome[]> {
  const before = previous && (await earlierValues(await openRun(previous.run)));
  const share = (name: "empty" | "coverage", value: number): GateOutcome[] => {
    const gate = `lists.${name}:${out}`;
    const whyNoPrevious = "the last version has no such lists";
    const measured = { gate, value, previous: before?.get(gate), show: asShare };
    return checkBounds({ ...measured, ...(previous && { whyNoPrevious }) }, bounds[name]);
  };
  const owners = facts.lists + facts.empty;
  const outcomes = [
    ...share("empty", owners === 0 ? 1 : facts.empty / owners),
    ...share("coverage", facts.coverage),
  ];
  const { k = 20, ...ofOverlap } = bounds.overlap ?? {};
  const gate = `lists.overlap:${out}`;
  const nothing = (why: string): GateOutcome[] => [...outcomes, ...notCompared(gate, ofOverlap, why)];
  if (!previous) return nothing("there is no earlier version to compare with");
  if (!(await pathExists(previous.file))) return nothing("the last version has no such lists");
  const found = await overlapOfLists(file, previous.file, { k, isForItems, numLists: facts.lists, signal });
  if (found === "others") return nothing("the last version's are lists of another kind");
  const measured = { gate, value: found, previous: before?.get(gate), show: asShare };
  return [...outcomes, ...reported({ ...measured, why: "no owner has a list in both versions" }, ofOverlap)];
}
