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
} from "./base/errors.js";
export { train } from "./faces/library/call.js";
export type { Watching } from "./faces/library/watching.js";
export type { Progress } from "./training/session/watch.js";
export type { Summary, TrainingSummary } from "./training/session/summary.js";
export type { AlignSummary } from "./use/align.js";
export type { RunDiff } from "./judge/diff.js";
export type { EncodeSummary } from "./use/encode.js";
export type { Evaluation } from "./judge/evaluate/evaluate.js";
export type { ExportSummary } from "./use/export/export.js";
export type { ImportSummary } from "./use/import/import.js";
export type { Inspection } from "./judge/inspect/options.js";
export type { EdgeInspection } from "./judge/inspect/inspect-edges.js";
export type { IndexSummary } from "./use/index/build.js";
export { openIndexOf, searchIndex, type IndexOfRun, type SearchIndexOptions } from "./use/index/search.js";
export type { Lift } from "./judge/lift/lift.js";
export type { NeighborsOf } from "./use/neighbors/neighbors.js";
export type { PredictSummary } from "./use/predict/options.js";
export type { RecallSummary } from "./use/recall/summary.js";
export type { ReportSummary } from "./judge/report/options.js";
export type { Reproduction } from "./judge/reproduce/reproduce.js";
export type { GateOutcome } from "./table/gate-file.js";
export type { TriedGates } from "./weekly/gates/gate.js";
export type { PipelineReport, StepReport } from "./weekly/pipeline/report.js";
export type { ForgetSummary } from "./weekly/forget/forget.js";
export type { GcSummary } from "./weekly/store/gc.js";
export type { ListedVersion, StoreListing } from "./weekly/store/ls.js";
export type { PublishSummary } from "./weekly/store/publish.js";
export type { RollbackSummary } from "./weekly/store/rollback.js";
export { latestVersion, listVersions } from "./weekly/store/store.js";
