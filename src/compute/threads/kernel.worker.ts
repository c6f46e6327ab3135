// The script of kernel threads that execute kernel calls only, without own tasks.

import { kernelThread } from "./kernel-thread.js";

export const start = kernelThread<object, null, never, never>();
