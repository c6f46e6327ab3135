// Measures two programs that do the same work alternately in one run, and the ratio of their speeds.

import { median } from "./ctr-logs.js";

/** A line of the table: a figure that both programs give. */
export interface Row {
  work: string;
  unit: "s" | "ms" | "M rows/s" | "M pairs/s";
  /** ratio that we aim for, at least */
  target?: number;
}

/** Works that are measured together, in one run of each program. */
export interface Duel {
  rows: readonly Row[];
  /** runs embed; returns a figure for each row */
  ours: () => Promise<number[]>;
  /** runs the peer, for the same figures; or the reason why it is missing; absent if there is no peer */
  peer?: { name: string; figures: () => Promise<number[]> } | { missing: string };
  /** called after the last measurement */
  end?: () => Promise<void> | void;
}

export interface MeasuredRow extends Row {
  ours: number[];
  peer: string;
  /** empty if the peer was not run */
  theirs: number[];
}

/** Measures both programs alternately, `repeats` times each. */
export async function measureDuel({ rows, ours, peer, end }: Duel, repeats: number): Promise<MeasuredRow[]> {
  const measured = rows.map((row): MeasuredRow => ({
    ...row,
    ours: [],
    peer: !peer ? "" : "name" in peer ? peer.name : `skipped: ${peer.missing}`,
    theirs: [],
  }));
  try {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const own = await ours();
      const other = peer && "name" in peer ? await peer.figures() : [];
      measured.forEach((row, i) => {
        row.ours.push(own[i]!);
        if (other[i] !== undefined) row.theirs.push(other[i]);
      });
    }
  } finally {
    await end?.();
  }
  return measured;
}

/** Returns, for each repeat, how many times as fast embed is; for speeds and for durations, more is better. */
export function ratiosOf({ unit, ours, theirs }: MeasuredRow): number[] {
  const isSpeed = unit.endsWith("/s");
  return theirs.map((their, i) => (isSpeed ? ours[i]! / their : their / ours[i]!));
}

/** Returns the cells of a line: work, embed's figure, the peer's, ratio of medians with the least and greatest ratio, target, peer. */
export function cellsOf(row: MeasuredRow): string[] {
  const { work, unit, target, ours, theirs, peer } = row;
  const ratios = ratiosOf(row);
  const ratio = ratios.length > 0 ? median(ratios) : undefined;
  const spread =
    ratio === undefined ? "" : ` (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
  const verdict = target === undefined || ratio === undefined ? "" : ratio >= target ? ", met" : ", missed";
  return [
    work,
    `${median(ours).toFixed(2)} ${unit}`,
    theirs.length > 0 ? `${median(theirs).toFixed(2)} ${unit}` : "",
    ratio === undefined ? "" : `${ratio.toFixed(2)}${spread}`,
    target === undefined ? "" : `${target.toFixed(2)}${verdict}`,
    peer,
  ];
}
