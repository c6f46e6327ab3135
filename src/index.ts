// The package's exports, apart from the functions for commands, which the build adds (faces/library/declare.ts).

export {
  ArtifactError,
  ConfigError,
  DataError,
  DivergedError,
  EmbedError,
  GateError,
  IoError,
  LockedError,
  NoInputError,
  NoRowsError,
  OutputError,
  UsageError,
  type Place,
} from "./errors.js";
export { train } from "./faces/library/call.js";
export type { Watching } from "./faces/library/watching.js";
export type { Progress } from "./training/session/watch.js";
export type { Summary, TrainingSummary } from "./training/session/summary.js";
export type { AlignSummary } from "./api/align.js";
export type { RunDiff } from "./api/diff.js";
export type { EncodeSummary } from "./api/encode.js";
export type { Evaluation } from "./api/evaluate/evaluate.js";
export type { ExportSummary } from "./api/export/export.js";
export type { ImportSummary } from "./api/import/import.js";
export type { Inspection } from "./api/inspect/options.js";
export type { EdgeInspection } from "./api/inspect/inspect-edges.js";
export type { IndexSummary } from "./api/hnsw/build.js";
export { openIndexOf, searchIndex, type IndexOfRun, type SearchIndexOptions } from "./api/hnsw/search.js";
export type { Lift } from "./api/lift/lift.js";
export type { NeighborsOf } from "./api/neighbors.js";
export type { PredictSummary } from "./api/predict/options.js";
export type { RecallSummary } from "./api/recall/summary.js";
export type { ReportSummary } from "./api/report/options.js";
export type { Reproduction } from "./api/reproduce.js";
export type { GateOutcome } from "./embedding/gate-file.js";
export type { TriedGates } from "./gates/gate.js";
export type { PipelineReport, StepReport } from "./pipeline/report.js";
export type { ForgetSummary } from "./privacy/forget.js";
export type { GcSummary } from "./store/gc.js";
export type { ListedVersion, StoreListing } from "./store/ls.js";
export type { PublishSummary } from "./store/publish.js";
export type { RollbackSummary } from "./store/rollback.js";
export { latestVersion, listVersions } from "./store/store.js";
