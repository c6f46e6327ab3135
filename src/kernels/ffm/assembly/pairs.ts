// The pairs of a batch of any width, made ready for the tiles: a row's pairs stand in the order of their fields.

import { FfmPlan, FfmThread } from "./plan";

/** Bytes between the vectors of neighbouring partner fields. */
export function bytesOfPartner(plan: FfmPlan): usize {
  return <usize>plan.numQuads * <usize>plan.quadBytes;
}

/** Address of the first feature's vectors for the fields of a block. */
export function blockAt(plan: FfmPlan, block: u32): usize {
  return <usize>load<u32>(plan.slices + ((<usize>block) << 2));
}

/** Writes offsets, partners and blockEnds of the opened batch; divides values by their row's norm when the plan says so. */
export function locatePairs(plan: FfmPlan, thread: FfmThread): void {
  if (!thread.general) {
    thread.unit = plan.normalize ? <f32>1 / sqrt<f32>(<f32>thread.width) : 1;
    const bytes = (<usize>thread.numRows * thread.width) << 2;
    for (let i: usize = 0; i < bytes; i += 4) {
      store<u32>(thread.offsets + i, load<u32>(thread.ids + i) * <u32>plan.featureStride);
    }
    return;
  }
  const numBlocks = plan.numBlocks;
  let pair: usize = 0;
  for (let r: usize = 0; r < thread.numRows; r++) {
    const end = <usize>load<u32>(thread.ends + (r << 2));
    if (plan.normalize) normalize(thread.values, pair, end);
    const ends = thread.blockEnds + ((r * numBlocks) << 2);
    let block: u32 = 0;
    for (; pair < end; pair++) {
      const id = <usize>load<u32>(thread.ids + (pair << 2));
      const field = load<u32>(plan.fieldOf + (id << 2));
      for (; block < field / plan.blockFields; block++) store<u32>(ends + ((<usize>block) << 2), <u32>pair);
      store<u32>(thread.offsets + (pair << 2), <u32>(id * plan.featureStride));
      store<u32>(thread.partners + (pair << 2), (field % plan.blockFields) * <u32>bytesOfPartner(plan));
    }
    for (; block < numBlocks; block++) store<u32>(ends + ((<usize>block) << 2), <u32>pair);
  }
}

/** Divides values from .. end - 1 by their Euclidean norm; values that are all zero stay. */
function normalize(values: usize, from: usize, end: usize): void {
  let squares: f32 = 0;
  for (let i = from; i < end; i++) squares += load<f32>(values + (i << 2)) * load<f32>(values + (i << 2));
  if (squares == 0) return;
  const factor = <f32>1 / sqrt<f32>(squares);
  for (let i = from; i < end; i++) store<f32>(values + (i << 2), load<f32>(values + (i << 2)) * factor);
}
