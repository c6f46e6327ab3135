// What runs of train-item2vec are called, and their tables.

/** The manifest's name of the model. */
export const ITEM2VEC_MODEL = "item2vec";
/** What --keep-state adds, relative to model/. */
export const OPTIMIZER_FILE = "optimizer.safetensors";
/** Contexts of the items, beside the default table. */
export const CONTEXT_TABLE = "context";
