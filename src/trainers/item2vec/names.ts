// What runs of train-item2vec are called.

/** The manifest's name of the model. */
export const ITEM2VEC_MODEL = "item2vec";
