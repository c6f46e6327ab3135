// The examples of a training that ranks items: positive events to learn from, and for each user of another part what was held out.

import { eventWeights, type EventWeightOptions } from "../dataset/event-weights.js";
import type { Dataset } from "../dataset/dataset.js";
import { bindEncoder, type Encoder } from "../dataset/rows.js";
import type { FeatureSpace } from "../dataset/vocabulary.js";
import { UsageError } from "../errors.js";
import {
  rankingEvents,
  rankingQueries,
  sampleQueries,
  type RankingQueries,
} from "../sampling/ranking-events.js";
import { negativeFields, type Examples, type Part, type Parts } from "./examples.js";
import { rankingMetricsOf } from "./ranking-metrics.js";
import { withItemNeighbors, type NeighborOptions } from "./item-neighbors.js";
import { measuredBy } from "./options/lists.js";
import type { ListOptions } from "./trained.js";
import type { Watch } from "./watch.js";

/** Users that the looks during training are at, at most. */
const USERS_OF_LOOK = 4096;

/** How the examples are made. */
export interface RankingExampleOptions {
  task: "ranking" | "implicit";
  seed: number;
  threads: number;
  minUsers: number;
  itemFields?: string[];
  weighting: EventWeightOptions;
  lists: ListOptions;
  /** items take over features of so many neighbours, which weigh `weight` together */
  neighbors?: NeighborOptions;
  /** what asks for it, for messages: `train-ranking` */
  asker: string;
}

/** @throws {UsageError} the log has no user or no item, or an option is out of range */
export function rankingExamples(
  space: FeatureSpace,
  parts: Parts,
  {
    task,
    asker,
    seed,
    threads,
    minUsers,
    itemFields,
    weighting,
    neighbors,
    lists: options,
  }: RankingExampleOptions,
  watch: Watch,
): Examples {
  const { observe, signal } = watch;
  if (parts.train.dataset.roles.user === undefined)
    throw new UsageError(`${asker} needs a user column: name it with --user`);
  const fields = negativeFields(space, parts.train, asker, itemFields, minUsers);
  const { contextFieldIndexes } = fields;
  const source = neighbors ? withItemNeighbors(space, fields, { ...neighbors, seed }, watch) : fields.source;
  // parts that are cut from one log share its encoder
  const encoders = new Map<Dataset, Encoder>();
  const encoderOf = ({ dataset }: Part): Encoder => {
    const encoder = encoders.get(dataset) ?? bindEncoder(space, dataset);
    encoders.set(dataset, encoder);
    return encoder;
  };
  const bound = (part: Part, fields: readonly number[]) => ({
    ...part,
    encoder: encoderOf(part),
    contextFieldIndexes: fields,
  });
  const { train: weights } = eventWeights(parts.train.dataset, parts.train.rows, weighting);
  const train = rankingEvents(source, bound(parts.train, contextFieldIndexes), seed, weights);
  const left = parts.train.rows.length - train.items.length;
  // least squares draw nothing, and learn from users who have every item too
  if (left > 0 && task === "ranking") {
    observe({
      stage: "warning",
      text: `${left} events are not used for training: their item is unknown, or their user has every item`,
    });
  }
  const queriesOf = (name: string, part: Part | undefined): RankingQueries | undefined => {
    if (!part) return undefined;
    const queries = rankingQueries(source, bound(part, userFields(space, part)));
    const { unknownUsers } = queries;
    if (unknownUsers > 0) {
      const text =
        `${name}: ${unknownUsers} users without training events are excluded from the ranking metrics; ` +
        `evaluate --part ${name} --fold-in-share 0.8 evaluates them by folding in their first items`;
      observe({ stage: "note", text });
    }
    return queries;
  };
  const valid = queriesOf("valid", parts.valid);
  const test = queriesOf("test", parts.test);
  const examples = { source, train, ...(valid && { valid }), ...(test && { test }) };
  const sample = valid && sampleQueries(valid, USERS_OF_LOOK, seed);
  const look = { k: options.k, metric: measuredBy(options.metric), threads, signal };
  // only least squares learn from feature rows
  const learned = task === "implicit" ? parts.train.rows : new Uint32Array();
  const rows = encoderOf(parts.train).encode(learned, new Float32Array(learned.length).fill(1));
  return {
    task,
    train: {
      kind: "resident",
      rows: { ...rows, ...(weights && learned.length > 0 && { weights }) },
    },
    labelRange: [0, 1],
    negatives: { source, itemFields: fields.itemFields, exhausted: 0 },
    ranking: {
      examples,
      options,
      ...(sample && {
        validate: (model) => rankingMetricsOf(model, source, sample, look),
      }),
    },
  };
}

/** What a user is ranked by: the user, and no context of an event. */
export function userFields({ fields }: FeatureSpace, { dataset }: Pick<Part, "dataset">): number[] {
  return fields.flatMap(({ name }, f) => (name === dataset.roles.user ? [f] : []));
}
