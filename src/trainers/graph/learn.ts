// Learns vectors of nodes from random walks on a graph.
//
//   graph ──► node visits in the first epoch ──► noise, learning rate ──► epochs over new walks ──► vectors, contexts
//
// Sources: methods.ts. Deviations: docs/algorithms/graph.md.

import type { Edges, Graph } from "../../dataset/graph/graph.js";
import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { SgnsParts } from "../../compute/kernels/sgns/parts.js";
import {
  learnSkipGrams,
  noiseOf,
  type Learner,
  type SgnsVectors,
  popularityRows,
  type ScoredVectors,
  pairLoss,
} from "../shared/skip-grams/learn.js";
import { SgnsMachine } from "../shared/skip-grams/machine.js";
import type { SgnsStart } from "../shared/skip-grams/warm-start.js";
import type { EpochsDone, Controls, EpochEvent } from "../../training/epochs/epoch-loop.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import { vectorsAddOf } from "../../metrics/vectors-add.js";
import { type UserMetric, valueOf } from "../../metrics/user-metric.js";
import type { VectorsAdd } from "../../table/manifest.js";
import { methods, type WalkMethod, type SampledOptions, type LearnedSide, type Walks } from "./methods.js";
import { withLearningRate, type TrainedGraphOptions } from "./options.js";
import { MISSING } from "../../log/keys.js";
import { aliasTable } from "../../base/numeric/alias.js";
import { draw } from "../../base/numeric/random.js";

export interface GraphInput {
  space: FeatureSpace;
  /** graph of the training split; it is deleted from the input after the threads have copied it */
  graph?: Graph;
  /** held-out edges, for the validation loss */
  valid?: Edges | undefined;
  /** for EGES: features of whose vectors the vector of each node is composed */
  parts?: SgnsParts | undefined;
  /** number of epochs over which the learning rate decays; in a refit, that of the evaluated training */
  scheduledEpochs: number;
  /** initial parameters of each side, which is a pair of tables of vectors and of contexts */
  starts: readonly (SgnsStart | undefined)[];
  warn: (text: string) => void;
  controls: Controls;
}

/** A side is a pair of tables; LINE can train two sides, one for each order of proximity. */
export interface GraphModel extends EpochsDone {
  options: TrainedGraphOptions;
  sides: readonly (LearnedSide & SgnsVectors)[];
  validated: boolean;
  /** decrease of the pair loss of held-out edges compared with scores by the degrees of their nodes */
  vectorsAdd: VectorsAdd | undefined;
}

/** The same input, options and seed give the same bytes at any number of threads. */
export async function learnGraph(
  input: GraphInput,
  given: SampledOptions & { epochs: number },
  observe: (event: EpochEvent) => void,
  signal: AbortSignal,
): Promise<GraphModel> {
  const method: WalkMethod = methods[given.method];
  const walks = method.walks(given);
  const sides = method.sides(given);
  const { valid, scheduledEpochs, warn, controls } = input;
  const { negatives, noiseExponent, seed, directed } = given;
  const learners: Learner[] = [];
  const terminate = async () => {
    await Promise.all(learners.map(({ machine }) => machine.terminate()));
  };
  return await withMachine({ terminate }, signal, async () => {
    for (const [i, side] of sides.entries())
      learners.push(await started(input, given, walks, side, sideThreads(given, i), input.starts[i]));
    delete input.graph;
    const first = learners[0]!.machine;
    const visits = await first.visits(1);
    const noise = noiseOf(visits, noiseExponent);
    for (const { machine } of learners) machine.noise = noise;
    for (const text of shortWalks(visits, first.numSlots, walks.length)) warn(text);
    const options = withLearningRate(given, meanVisits(visits), method.oftenRate);
    const lossOf = valid && heldOutEdges(valid, noise, { negatives, seed, directed });
    if (valid && !lossOf)
      warn(
        "no validation edge connects two training nodes: there is no validation loss and no early stopping",
      );
    const validated =
      lossOf && (async () => await Promise.resolve({ validLoss: meanLoss(lossOf, learners, sides) }));
    const { kept, ...done } = await learnSkipGrams(
      {
        ...{ learners, scheduledEpochs, controls, stoppingMetric: { name: "validLoss", better: "lower" } },
        async pass(epoch, rates) {
          const train = ({ machine }: Learner) => machine.trainOnWalks(epoch, rates);
          const losses = given.threads > 1 ? await Promise.all(learners.map(train)) : [];
          if (given.threads === 1) for (const learner of learners) losses.push(await train(learner));
          const trainLoss = losses.reduce((sum, loss) => sum + loss, 0) / learners.length;
          return { trainLoss, numTokens: first.numSlots };
        },
        validate: validated,
      },
      options,
      observe,
      signal,
    );
    const trained = sides.map((side, i) => ({ ...side, ...kept[i]! }));
    return {
      ...done,
      ...{ options, validated: validated !== undefined, sides: trained },
      vectorsAdd: lossOf && addedToDegrees(lossOf, trained, popularityRows(visits, noise, negatives)),
    };
  });
}

/** Sides are independent; with two or more threads, they are trained at the same time. */
function sideThreads(given: SampledOptions, side: number): number {
  const numSides = methods[given.method].sides(given).length;
  return Math.max(1, Math.floor((given.threads + numSides - 1 - side) / numSides));
}

async function started(
  { space, graph, parts }: GraphInput,
  { negatives, seed }: SampledOptions,
  walks: Walks,
  { dim, oneTable }: LearnedSide,
  threads: number,
  start: SgnsStart | undefined,
): Promise<Learner> {
  if (!graph) throw new RangeError("the graph was already released");
  const { numNodes } = graph;
  const machine = await SgnsMachine.start(
    {
      ...{ numRows: numNodes, dim, window: Math.max(walks.before, walks.after), negatives, seed, oneTable },
      // placeholder: the number of visits of each node is counted later, and then determines the noise
      noise: new Float64Array(numNodes).fill(1 / numNodes),
      firstVectorHashes: featureHashes(space),
      walks: { ...walks, graph },
      parts,
    },
    threads,
  );
  if (start) machine.startFrom(start);
  return { machine, start };
}

/** Averaged over the pairs of tables. */
function meanLoss(lossOf: HeldOutEdges, learners: readonly Learner[], sides: readonly LearnedSide[]): number {
  const losses = learners.map(({ machine }, i) =>
    lossOf.of({ dim: sides[i]!.dim, vectors: machine.vectors(), contexts: machine.contexts() }),
  );
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/** Mean losses of held-out edges: by the vectors (mean over the pairs of tables), and by the nodes' degrees alone. */
function addedToDegrees(
  { byEdge }: HeldOutEdges,
  sides: readonly ScoredVectors[],
  degrees: ScoredVectors,
): VectorsAdd | undefined {
  const alone = byEdge(degrees);
  const losses = sides.map(byEdge);
  const mean = (edge: number) => losses.reduce((sum, { sums }) => sum + sums[edge]!, 0) / losses.length;
  const model: UserMetric = { ...alone, sums: alone.sums.map((_, edge) => mean(edge)) };
  return vectorsAddOf({ control: "degrees", units: "edges", model, alone });
}

/** Warns if dead ends cut walks to less than half of their length. */
function shortWalks(visits: Float64Array, numSlots: number, length: number): string[] {
  const share = visits.reduce((sum, count) => sum + count, 0) / numSlots;
  if (share >= 0.5) return [];
  return [
    `walks have ${(share * length).toFixed(1)} nodes on average instead of ${length}, because they stop at ` +
      "nodes without outgoing edges: --undirected avoids this",
  ];
}

function meanVisits(visits: Float64Array): number {
  const seen = visits.filter((count) => count > 0);
  return seen.reduce((sum, count) => sum + count, 0) / Math.max(1, seen.length);
}

/** Maximum number of edges that are evaluated; if there are more, every n-th is used. */
const MOST_EDGES = 20_000;
/** Number of the random stream for the noise of held-out edges, which differs from the seed's other streams. */
const HELD_OUT = 0x4e1d2;

/** Computes the loss of held-out edges, with the same edges and noise each time, so that epochs are comparable. */
interface HeldOutEdges {
  of(evaluated: ScoredVectors): number;
  byEdge: (evaluated: ScoredVectors) => UserMetric;
}

/**
 * Computes the weighted mean over held-out edges (u, v) of -log σ(h_u z_v) - Σ log σ(-h_u z_n), in nats, with vectors
 * h, contexts z and noise nodes n; an undirected edge counts twice, with each of its ends as u.
 *
 * @param noise f64[numFeatures], sum 1: probabilities of the noise
 * @returns undefined if no edge connects two known nodes
 */
export function heldOutEdges(
  edges: Edges,
  noise: Float64Array,
  { negatives, seed, directed }: { negatives: number; seed: number; directed: boolean },
): HeldOutEdges | undefined {
  const known = knownEdges(edges);
  if (known.length === 0) return undefined;
  const step = Math.ceil(known.length / MOST_EDGES);
  const sampled = known.filter((_, i) => i % step === 0);
  const alias = aliasTable(noise);
  const key = draw(seed, HELD_OUT);
  const byEdge = (evaluated: ScoredVectors): UserMetric => {
    const pairs = pairLoss(evaluated, { noise: alias, negatives, key });
    const [sums, weights] = [new Float64Array(sampled.length), new Float64Array(sampled.length)];
    sampled.forEach((e, i) => {
      const [u, v, weight] = [edges.sources[e]!, edges.targets[e]!, edges.weights?.[e] ?? 1];
      sums[i]! += weight * pairs.loss(u, v);
      if (!directed) sums[i]! += weight * pairs.loss(v, u);
      weights[i] = directed ? weight : 2 * weight;
    });
    return { name: "pairLoss", sums, weights };
  };
  return { of: (evaluated) => valueOf(byEdge(evaluated)), byEdge };
}

function knownEdges({ sources, targets }: Edges): Uint32Array {
  return Uint32Array.from(sources.keys()).filter(
    (e) => sources[e] !== MISSING && targets[e] !== MISSING && sources[e] !== targets[e],
  );
}
