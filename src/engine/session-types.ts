// Types of the options with which a session on a Spark Connect server is opened, and of the server's responses.

import type { Message } from "./wire.js";

/** The type of a column, as Spark Connect represents it: `{ decimal: { scale: 2 } }`. */
export type SparkType = Message;

/** The result of a command: a relation that the server stores, or a model. */
export interface CommandResult {
  /** set for a checkpoint: the relation that the server stores */
  checkpointCommandResult?: { relation?: { relationId?: string } };
  /** set for a training: the id of the model on the server, and a warning */
  mlCommandResult?: { operatorInfo?: { objRef?: { id?: string }; warningMessage?: string } };
  /** metrics that Spark's `observe` computed over the rows of a plan, and the name of the observation */
  observedMetrics?: { name?: string; values?: { string?: string; long?: number }[] }[];
}

/** A response of the server while it runs a plan. */
export interface PlanResponse extends CommandResult {
  responseId?: string;
  arrowBatch?: { data?: Uint8Array };
  resultComplete?: object;
}

/** Thrown if the server no longer has the operation, because it was restarted or released the operation. */
export class LostOperation extends Error {}

/** Options with which a session is opened. */
export interface SessionOptions {
  address: string;
  /** maximum number of milliseconds that the server may be unreachable or silent */
  timeout: number;
  signal: AbortSignal;
  /** Spark's settings for the session */
  settings: Readonly<Record<string, string>>;
}
