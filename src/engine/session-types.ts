// How a session on a Spark Connect server is opened, and what it answers.

import type { Message } from "./wire.js";

/** The type of a column, in the server's representation: `{ decimal: { scale: 2 } }`. */
export type SparkType = Message;

/** The result of a command: a relation that the server stores, or a model. */
export interface CommandResult {
  /** for a checkpoint */
  checkpointCommandResult?: { relation?: { relationId?: string } };
  /** for a training */
  mlCommandResult?: { operatorInfo?: { objRef?: { id?: string }; warningMessage?: string } };
  /** for rows that were observed, by the name of the observation */
  observedMetrics?: { name?: string; values?: { string?: string; long?: number }[] }[];
}

/** One response of a running plan. */
export interface PlanResponse extends CommandResult {
  responseId?: string;
  arrowBatch?: { data?: Uint8Array };
  resultComplete?: object;
}

/** Thrown if the operation is gone, because the server was restarted or released it. */
export class LostOperation extends Error {}

/** How a session is opened. */
export interface SessionOptions {
  address: string;
  /** most milliseconds that the server may be unreachable or silent */
  timeout: number;
  signal: AbortSignal;
  /** Spark's settings for the session */
  settings: Readonly<Record<string, string>>;
}
