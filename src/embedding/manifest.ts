// manifest.json: what a run is, and the checksum of every file in it.

import type { InputFingerprint } from "../io/fingerprint.js";

export const SCHEMA_VERSION = 1;

export type Metrics = Record<string, number>;

export interface Manifest {
  schemaVersion: number;
  /** version of the tool */
  version: string;
  command: string;
  /** the model that model/ holds: "fm" */
  model: string;
  options: Record<string, unknown>;
  seed: number;
  inputs: InputFingerprint[];
  roles: unknown;
  split: { by: string; train: number; valid: number; test: number };
  rows: number;
  /** by field that is hashed: function, seed, bits, and how many keys share a bucket */
  hashing?: Record<string, object>;
  /** by part: train, valid, test */
  metrics: Record<string, Metrics>;
  /** of trees with a head, by part and model: losses over the entropy of the training rate */
  normalizedEntropy?: Record<string, object>;
  /** seconds, by stage; the one thing in a run that differs from one time to the next */
  timings: Record<string, number>;
  warnings: string[];
  /** relative path to sha256 and size of every other file of the run */
  files: Record<string, { bytes: number; sha256: string }>;
}
