export const TWO_TOWER_MODEL = "two-tower";
export const HISTORY_TABLE = "history";
/** Items' own vectors, without the item tower's output and before normalization. */
export const ITEM_TABLE = "items";
export const FORM_FILE = "towers.json";
export const PARAMETERS_FILE = "towers.safetensors";
/** Vectors that belong to no key: the bias that all users share, and what is multiplied by an event's age. */
export const USER_BIAS = "userBias";
export const AGE = "age";
