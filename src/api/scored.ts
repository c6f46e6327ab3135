// What scoring a log with a run gives, whatever its model.

import type { Metrics } from "../embedding/manifest.js";

/** What one run's scores of a log are worth. */
export interface Scored {
  metrics: Metrics;
  warnings: string[];
  rows: number;
}
