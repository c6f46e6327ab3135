// What runs of train-graph are called.

/** The manifest's name of the model: nodes, and nodes as contexts. */
export const GRAPH_MODEL = "graph";
/** Of LINE's first order, whose nodes are their own contexts. */
export const SYMMETRIC_MODEL = "graph-symmetric";
/** Of both orders of LINE side by side. */
export const TWO_ORDERS_MODEL = "graph-two-orders";

/** Tables of the two halves that the default table joins, as they were trained. */
export const ORDER_TABLES = ["order1", "order2"] as const;
