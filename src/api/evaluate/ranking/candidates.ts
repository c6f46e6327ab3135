// --candidates FILE of an evaluation: the protocol of those users who have a candidate beside their held-out items.

import type { Dataset } from "../../../dataset/dataset.js";
import type { ItemLists } from "../../../kernels/top-items/binding.js";
import { candidateLists, type CandidateCounts } from "../../../training/reading/candidates.js";
import { protocolOfQueries, type RankingProtocol } from "../ranking-protocol.js";

/** What candidates make of a ranking. */
export interface CandidateRanking {
  /** of those users who have a candidate beside their held-out items */
  protocol: RankingProtocol;
  /** a list a query of this protocol: candidates that are not masked, and the held-out items */
  lists: ItemLists;
  counts: CandidateCounts;
  warnings: string[];
}

/** @throws {UsageError} as candidateLists */
export function candidateRanking(protocol: RankingProtocol, dataset: Dataset): CandidateRanking {
  const { kept, ...found } = candidateLists(protocol.training, protocol, dataset);
  return { protocol: protocolOfQueries(protocol, kept), ...found };
}
