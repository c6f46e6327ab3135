// Measures two programs that do the same work alternately in one run, and the ratio of their speeds.

import { median } from "./ctr-logs.js";

/** A line of a benchmark's table: a figure that both programs measure. */
interface Row {
  work: string;
  unit: "s" | "ms" | "M rows/s" | "M pairs/s";
  /** target for the ratio of embed's speed to the peer's, which should be at least this number */
  target?: number;
}

/** Figures that are measured together, in one run of each program. */
export interface Duel {
  rows: readonly Row[];
  /** runs embed; returns one figure for each line of the table */
  ours: () => Promise<number[]>;
  /**
   * the peer, whose `figures` runs it and returns the same figures; or `missing`, the reason why it cannot be run;
   * absent if there is no peer
   */
  peer?: { name: string; figures: () => Promise<number[]> } | { missing: string };
  /** called after the last measurement to release resources */
  end?: () => Promise<void> | void;
}

interface MeasuredRow extends Row {
  ours: number[];
  peer: string;
  /** figures of the peer, one per repetition; empty if the peer was not run */
  theirs: number[];
}

/** Measures embed and its peer alternately, `repeats` times each. */
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

/** Returns for each repetition how many times as fast as its peer embed is, from speeds or from durations. */
function ratiosOf({ unit, ours, theirs }: MeasuredRow): number[] {
  const isSpeed = unit.endsWith("/s");
  return theirs.map((their, i) => (isSpeed ? ours[i]! / their : their / ours[i]!));
}

/**
 * Returns the cells of a line: work, embed's figure, the peer's figure, the ratio of their medians with the smallest
 * and largest ratio, target, peer.
 */
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
