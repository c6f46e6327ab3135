/** The table of vectors before the layers, which the next training goes on from. */
export const BASE_TABLE = "layer0";
