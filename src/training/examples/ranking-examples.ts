import { isDeepStrictEqual } from "node:util";
import { eventWeights, type EventWeightOptions } from "../../dataset/sequences/event-weights.js";
import type { Dataset } from "../../dataset/dataset.js";
import { keyColumn } from "../../dataset/item-fields.js";
import { bindEncoder, type Encoder, type TrainingRows } from "../../dataset/rows.js";
import { isAscending, isStored } from "../../dataset/stored-columns.js";
import { columnText } from "../../dataset/filters/where.js";
import { countKeys } from "../../dataset/vocabulary/key-counts.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../base/errors.js";
import { withoutMasked } from "../../metrics/ranking.js";
import { ascending, thoseOf } from "../../base/numeric/indices.js";
import {
  noEvents,
  queriesAt,
  rankingEvents,
  rankingQueries,
  sampleQueries,
  type RankingQueries,
} from "../../dataset/sampling/ranking-events.js";
import type { NegativeSource } from "../../dataset/sampling/negatives.js";
import { candidateLists, SAMPLED_ORDER } from "../reading/candidates.js";
import { openKeysAsTrained } from "../reading/open-as-trained.js";
import type { Session } from "../session/trainer.js";
import {
  negativeFields,
  storedRows,
  type NegativeFields,
  type Examples,
  type Part,
  type LogParts,
} from "./examples.js";
import { rankingMetricsOf } from "../split-metrics/split-metrics.js";
import { measuredBy } from "../shared-options/passes.js";
import type { ListOptions } from "../session/feature-training.js";
import type { Watch } from "../session/watch.js";
import {
  importanceNeighbors,
  WALKED_ITEMS,
  neighborRows,
  withNeighborRows,
} from "../../dataset/graph/item-neighbors.js";

/** Maximum number of users whose items are ranked in a validation during training. */
const USERS_OF_LOOK = 4096;

interface RankingExampleOptions {
  task: "ranking" | "implicit";
  seed: number;
  threads: number;
  minUsers: number;
  itemFields?: string[];
  weighting: EventWeightOptions;
  lists: ListOptions;
  /** users and items of --candidates; the items of the validation split are ranked only among them */
  candidates?: Dataset | undefined;
  /** settings of --item-neighbors: the features of neighbors that are added to an item, and their total weight */
  neighbors?: NeighborOptions;
  asker: string;
}

/** Creates the examples. @throws {UsageError} the log has no user or item column, or an option is out of range */
export function rankingExamples(
  space: FeatureSpace,
  parts: LogParts,
  {
    task,
    asker,
    seed,
    threads,
    minUsers,
    itemFields,
    weighting,
    neighbors,
    candidates,
    lists: options,
  }: RankingExampleOptions,
  watch: Watch,
): Examples {
  const { observe, signal } = watch;
  const { user } = parts.train.dataset.roles;
  if (user === undefined) throw new UsageError(`${asker} needs a user column: name it with --user`);
  // least squares samples no negatives, and takes its events from feature rows
  const needsEvents = task === "ranking";
  const fields = negativeFields(space, parts.train, asker, itemFields, { minUsers, needsEvents });
  const { contextFieldIndexes } = fields;
  const source = neighbors ? withItemNeighbors(space, fields, { ...neighbors, seed }, watch) : fields.source;
  // each dataset gets one encoder, because several splits may be rows of the same dataset
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
  const ofUsers = countKeys(keyColumn(parts.train.dataset, user), parts.train.rows);
  const userless = ofUsers.reduce((left, count) => left - count, parts.train.rows.length);
  const context = bound(parts.train, contextFieldIndexes);
  const isUserAlone = isDeepStrictEqual(contextFieldIndexes, userFields(space, parts.train));
  const train = fields.events
    ? rankingEvents(source, { ...context, isUserAlone }, fields.events, seed, weights)
    : noEvents();
  const left = parts.train.rows.length - train.items.length;
  if (left > 0 && task === "ranking") {
    observe({
      stage: "warning",
      text: `${left} events are not used for training: their item is unknown, or their user has every item`,
    });
  }
  if (userless > 0) {
    const text =
      `${userless} of ${parts.train.rows.length} training events have no known '${user}' and teach nothing about ` +
      `users: --where '${columnText(user)} is not missing' excludes those without a value`;
    observe({ stage: "note", text });
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
  const held = queriesOf("valid", parts.valid);
  const valid = held && candidates ? amongCandidates(source, held, candidates, watch) : held;
  const test = queriesOf("test", parts.test);
  const examples = { source, train, valid, test };
  const sample = valid && sampleQueries(valid, USERS_OF_LOOK, seed);
  const look = { k: options.k, metric: measuredBy(options.metric), threads, signal };
  // feature rows are only needed for least squares
  const learned = task === "implicit" ? parts.train : { ...parts.train, rows: new Uint32Array() };
  return {
    task,
    train: eventRows(encoderOf(parts.train), learned, weights),
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

function eventRows(encoder: Encoder, part: Part, weights: Float32Array | undefined): TrainingRows {
  const { dataset, rows } = part;
  const labels = new Float32Array(rows.length);
  if (rows.length > 0 && isStored(dataset) && isAscending(rows))
    return storedRows(encoder, part, labels, weights);
  const encoded = encoder.encode(rows, labels);
  // the property is assigned in place, because a copy would call the `ids` getter
  return { kind: "resident", rows: weights ? Object.assign(encoded, { weights }) : encoded };
}

function amongCandidates(
  source: NegativeSource,
  all: RankingQueries,
  candidates: Dataset,
  { observe }: Watch,
): RankingQueries {
  // items of the training history are masked, so they cannot be found and are not candidates
  const heldOut = withoutMasked(all.heldOut, all.masks);
  const { indptr } = heldOut;
  const open = thoseOf(ascending(all.users.length), (q) => indptr[q + 1]! > indptr[q]!);
  const queries = queriesAt({ ...all, heldOut }, open);
  const { kept, lists, counts, warnings } = candidateLists(source, queries, candidates);
  for (const text of warnings) observe({ stage: "warning", text: `--candidates: ${text}` });
  const each = (counts.listed - counts.masked) / Math.max(1, kept.length);
  const text =
    `valid: held-out items of ${kept.length} users are ranked among ${each.toFixed(1)} candidates each ` +
    "(--candidates); test ranks all items";
  observe({ stage: "note", text });
  return { ...queriesAt(queries, kept), among: lists };
}

/** Reads the file of --candidates; undefined without the option. @throws {UsageError} there is no validation split */
export async function readCandidates(
  file: string | undefined,
  { valid, train }: LogParts,
  { options, watch, first }: Pick<Session, "options" | "watch" | "first">,
): Promise<Dataset | undefined> {
  if (file === undefined || first) return undefined;
  if (!valid)
    throw new UsageError(
      "--candidates is ranked on the validation split: set --valid to a share, a date or a file",
    );
  const { user, item } = train.dataset.roles;
  if (user === undefined || item === undefined)
    throw new UsageError("--candidates needs a user and an item column: name them with --user and --item");
  watch.observe({ stage: "note", text: `--candidates: ${SAMPLED_ORDER}` });
  const { reading, hashKeys } = options;
  const pairs = { user, item, flag: "--candidates" };
  return await openKeysAsTrained([file], pairs, train.dataset, { reading, hashKeys }, watch);
}

/** Returns the fields that describe the user of a ranking query; the context of an event is excluded. */
function userFields({ fields }: FeatureSpace, { dataset }: Pick<Part, "dataset">): number[] {
  return fields.flatMap(({ name }, f) => (name === dataset.roles.user ? [f] : []));
}

interface NeighborOptions {
  most: number;
  /** total weight of an item's neighbors, relative to the weight 1 of its own features */
  weight: number;
}

/**
 * Adds the features of neighboring items to the rows of items. Neighbors are computed from the training split alone, from
 * users' histories (dataset/graph/item-neighbors.ts).
 */
function withItemNeighbors(
  space: FeatureSpace,
  { source, itemFields: [item, ...others] }: Pick<NegativeFields, "source" | "itemFields">,
  { most, weight, seed }: NeighborOptions & { seed: number },
  { observe }: Watch,
): NegativeSource {
  if (others.length === 0)
    throw new UsageError(
      `--item-neighbors needs side columns of '${item!}': name them with --item-fields, or join a table of ` +
        "items with --side",
    );
  const neighbors = importanceNeighbors(source.history, source.items, most, seed);
  const f = space.fields.findIndex(({ name }) => name === item);
  const own = { from: space.offsets[f]!, end: space.offsets[f + 1]! };
  const fromNeighbors = neighborRows(source.templates, neighbors, own, weight);

  const { indptr, sampledUsers } = neighbors;
  const numItems = source.items.size;
  let alone = 0;
  for (let i = 0; i < numItems; i++) if (indptr[i] === indptr[i + 1]) alone++;
  const columns = others.map((name) => `'${name}'`).join(", ");
  observe({
    stage: "note",
    text:
      `${numItems - alone} of ${numItems} items use ${columns} of ` +
      `${(indptr[numItems]! / Math.max(1, numItems - alone)).toFixed(1)} neighbors each` +
      (alone > 0 ? `; ${alone} have no neighbors, because they are alone in every user's history` : ""),
  });
  if (sampledUsers > 0)
    observe({
      stage: "warning",
      text:
        `--item-neighbors: ${sampledUsers} users have more than ${WALKED_ITEMS} items; for each of them, ` +
        `${WALKED_ITEMS} randomly sampled items are used`,
    });
  return { ...source, templates: withNeighborRows(source.templates, fromNeighbors), fromNeighbors };
}
