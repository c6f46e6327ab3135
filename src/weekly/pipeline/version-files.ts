export const PIPELINE_FILE = "pipeline.json";

/** The folder of a version that contains its exports. */
export const EXPORTS_FOLDER = "exports";
