/** What manifests call the model. */
export const TWO_TOWER_MODEL = "two-tower";
/** The table of items as histories read them. */
export const HISTORY_TABLE = "history";
/** The table of items before the item tower adds to them and before their lengths are divided out. */
export const ITEM_TABLE = "items";
/** The form of the towers and their layers, in model/. */
export const FORM_FILE = "towers.json";
export const PARAMETERS_FILE = "towers.safetensors";
/** Tensors of vectors that no key has: what all users share, and what an age is multiplied by. */
export const USER_BIAS = "userBias";
export const AGE = "age";
