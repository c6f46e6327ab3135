/** Name of the model in the manifest. */
export const TWO_TOWER_MODEL = "two-tower";
/** Name of the table with the vectors of items in histories. */
export const HISTORY_TABLE = "history";
/** Name of the table with the items' own vectors, without the item tower's output and before normalization. */
export const ITEM_TABLE = "items";
/** Files of model/ with the towers' architecture, and with their parameters. */
export const FORM_FILE = "towers.json";
export const PARAMETERS_FILE = "towers.safetensors";
/**
 * Names of the tensors of vectors that belong to no key: the bias that all users share, and the vector that is
 * multiplied by an event's age.
 */
export const USER_BIAS = "userBias";
export const AGE = "age";
