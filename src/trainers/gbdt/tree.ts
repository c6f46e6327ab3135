// A tree as it is grown and as it is kept: nodes in the order of their splits, leaves by number.
//
//   node 0 is the root; a child is a node's number, or ~leaf
//   a split's left side keeps the leaf's number, its right side gets the next one      as in LightGBM

/** How a node sends rows to its sides. */
export type Test =
  | {
      kind: "number";
      /** x <= threshold goes left */
      threshold: number;
      missingLeft: boolean;
    }
  | {
      kind: "category";
      /** categories that go left, ascending; all others, missing ones too, go right */
      left: number[];
    };

/** A node. */
export interface Node {
  feature: number;
  test: Test;
  left: number;
  right: number;
  gain: number;
  /** what the node would be as a leaf */
  value: number;
  /** sum of hessians */
  weight: number;
  count: number;
}

export interface Leaf {
  value: number;
  /** sum of hessians */
  weight: number;
  count: number;
}

export interface Tree {
  nodes: Node[];
  /** at least one */
  leaves: Leaf[];
  /** what leaves were multiplied by */
  shrinkage: number;
}
