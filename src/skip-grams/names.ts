// Names of files and tables that the runs of all skip-gram trainers have.

/** Name of the file in model/ that --keep-state adds. */
export const OPTIMIZER_FILE = "optimizer.safetensors";
/** Name of the table of context vectors, which a run has in addition to the default table. */
export const CONTEXT_TABLE = "context";
