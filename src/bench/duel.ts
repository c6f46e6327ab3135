// Two programs that do the same work, in turn in one run: what both take, and how many times as fast ours is.

import { median } from "./ctr-logs.js";

/** One line of the table: a figure that both programs give. */
export interface Row {
  work: string;
  unit: "s" | "ms" | "M rows/s" | "M pairs/s";
  /** the least ratio that we want */
  target?: number;
}

/** Works that one measurement of each side gives together. */
export interface Duel {
  rows: readonly Row[];
  /** a figure for each row */
  ours: () => Promise<number[]>;
  /** its name with its version, and the same figures; or why it is not here; absent where nothing is compared */
  peer?: { name: string; figures: () => Promise<number[]> } | { missing: string };
  /** after the last measurement */
  end?: () => Promise<void> | void;
}

export interface Measured extends Row {
  ours: number[];
  peer: string;
  /** empty without the peer */
  theirs: number[];
}

/** Measures both sides in turn so many times. */
export async function measureDuel({ rows, ours, peer, end }: Duel, repeats: number): Promise<Measured[]> {
  const measured = rows.map((row): Measured => ({
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

/** How many times as fast ours is, by turns; of speeds and of durations alike, more is better. */
export function ratiosOf({ unit, ours, theirs }: Measured): number[] {
  const isSpeed = unit.endsWith("/s");
  return theirs.map((their, i) => (isSpeed ? ours[i]! / their : their / ours[i]!));
}

/** Cells of a line: work, ours, the peer's, ratio of medians with the least and the greatest ratio of a turn, target, peer. */
export function cellsOf(row: Measured): string[] {
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
