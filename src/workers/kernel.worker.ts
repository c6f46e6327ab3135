// A thread of a threaded kernel whose script has no tasks of its own.

import { kernelThread } from "./kernel-thread.js";

/** Called once in each thread. */
export const start = kernelThread<object, null, never, never>();
