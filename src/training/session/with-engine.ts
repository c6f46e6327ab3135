// Trains on the server of --engine instead of this machine (--engine-train).

import type { EngineSession } from "../../engine/session.js";
import type { EngineReading } from "../../log/log.js";
import type { GivenTraining } from "../options/log.js";
import { engineOf } from "../options/reading.js";

/** A session on the server, with the options of reading through it. */
export interface EngineJob {
  session: EngineSession;
  engine: EngineReading;
}

/**
 * Does work in a session on the server, and closes the session, which ends whatever still runs there.
 *
 * @param given includes `engine`
 * @param doing called with the server's name and version
 * @throws {EmbedError} as openSession
 */
export async function withEngine<T>(
  given: GivenTraining,
  { doing, signal }: { doing?: ((text: string) => void) | undefined; signal: AbortSignal },
  work: (job: EngineJob) => Promise<T>,
): Promise<T> {
  const engine = engineOf(given);
  // load the engine's modules only if an engine is used
  const { openEngineSession } = await import("../../engine/open.js");
  const session = await openEngineSession(engine, {}, signal);
  try {
    doing?.(`training on ${session.shown} (Spark ${session.version})`);
    return await work({ session, engine });
  } finally {
    await session.close();
  }
}
