// A tree under way, in bins: its leaves and the nodes that they have become.

/** A split of the tree. */
export interface GrownNode {
  feature: number;
  gain: number;
  left: number;
  right: number;
  /** numbers: bins up to it go left */
  bin: number;
  missingLeft: boolean;
  /** categories: u8 by bin */
  goesLeft?: Uint8Array;
}

/** Sums of the gradients and hessians of a leaf's rows. */
export interface Sums {
  sumG: number;
  sumH: number;
}

/** The best split that a leaf has. */
export interface Split {
  feature: number;
  gain: number;
  bin: number;
  /** numbers: whether missing ones go left; categories: whether catL2 applies */
  flag: boolean;
  leftCount: number;
  left: Sums;
  right: Sums;
  goesLeft?: Uint8Array;
}

/** A leaf: a stretch of the order of the rows. */
export interface GrowingLeaf {
  begin: number;
  end: number;
  /** whether its rows are begin .. end - 1 themselves, as the root's are where all are used */
  isWhole: boolean;
  depth: number;
  /** which histogram */
  slot: number;
  /** undefined of a root that is not split */
  sums?: Sums;
  split?: Split;
  /** what its parent's split adds to lambdaL2 */
  moreL2: number;
  /** node and side that point to it */
  parent?: GrownNode;
  side: "left" | "right";
}

/** Rows of a leaf. */
export function sizeOf({ begin, end }: GrowingLeaf): number {
  return end - begin;
}
