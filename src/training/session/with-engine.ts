import type { EngineSession } from "../../log/spark/session.js";
import type { EngineReading } from "../../log/log.js";
import type { GivenTraining } from "../shared-options/log.js";
import { engineOf } from "../shared-options/reading.js";

interface EngineJob {
  session: EngineSession;
  engine: EngineReading;
}

/** Calls a function with a session on the server, then closes it, which cancels its jobs. @param doing told the server's name */
export async function withEngine<T>(
  given: GivenTraining,
  { doing, signal }: { doing?: ((text: string) => void) | undefined; signal: AbortSignal },
  work: (job: EngineJob) => Promise<T>,
): Promise<T> {
  const engine = engineOf(given);
  // loads the modules of the engine only if it is used
  const { openEngineSession } = await import("../../log/spark/open.js");
  const session = await openEngineSession(engine, {}, signal);
  try {
    doing?.(`training on ${session.shown} (Spark ${session.version})`);
    return await work({ session, engine });
  } finally {
    await session.close();
  }
}
