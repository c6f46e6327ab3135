// Training on the server that --engine names, in place of this machine (--engine-train).

import type { EngineSession } from "../../engine/session.js";
import type { EngineReading } from "../../log/log.js";
import type { GivenTraining } from "../options/log.js";
import { engineOf } from "../options/reading.js";

/** A session, and how its server is asked. */
export interface EngineJob {
  session: EngineSession;
  engine: EngineReading;
}

/**
 * Does work on the server, in a session of its own that is closed with it; what runs there then is ended.
 *
 * @param given with `engine`
 * @param doing hears which server answered
 * @throws {EmbedError} as openSession
 */
export async function withEngine<T>(
  given: GivenTraining,
  { doing, signal }: { doing?: ((text: string) => void) | undefined; signal: AbortSignal },
  work: (job: EngineJob) => Promise<T>,
): Promise<T> {
  const engine = engineOf(given);
  // what an engine takes is loaded only where there is one
  const { openEngineSession } = await import("../../engine/open.js");
  const session = await openEngineSession(engine, {}, signal);
  try {
    doing?.(`training on ${session.shown} (Spark ${session.version})`);
    return await work({ session, engine });
  } finally {
    await session.close();
  }
}
