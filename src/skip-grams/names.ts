// Files and tables that runs of skip-gram trainers share.

/** What --keep-state adds, relative to model/. */
export const OPTIMIZER_FILE = "optimizer.safetensors";
/** Contexts of the tokens, beside the default table. */
export const CONTEXT_TABLE = "context";
