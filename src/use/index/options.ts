import { compose, table, threads } from "../../training/shared-options/run-options.js";
import { choice, flag, text, whole, type GivenTo } from "../../options/table.js";

const group = "Options:";
const MANY = Number.MAX_SAFE_INTEGER;

const similarities = ["cosine", "dot", "l2"] as const;

export const indexOptions = {
  field: text("name", { help: "field to index: item, user or a column", group, required: true }),
  out: text("dir", { help: "index directory to write", group, required: true }),
  force: flag({ help: "replace an existing index", group }),
  metric: choice(similarities, {
    placeholder: "metric",
    help: "similarity used by the index",
    group,
    shown: "the similarity that the run's model ranks by, else cosine",
  }),
  ...table,
  ...compose,
  m: whole({
    min: 1,
    max: MANY,
    help: "maximum links per row in the graph (HNSW M); the lowest level has twice as many",
    group,
    default: 16,
  }),
  efConstruction: whole({
    min: 1,
    max: MANY,
    help: "size of the candidate list during construction (HNSW efConstruction); larger is slower and more accurate",
    group,
    default: 200,
  }),
  seed: whole({ min: 0, max: MANY, help: "random seed for assigning levels", group, default: 1 }),
  ...threads,
} as const;

export type IndexOptions = GivenTo<typeof indexOptions>;
