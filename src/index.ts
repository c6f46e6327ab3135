// The library: everything that the command line does can be called from TypeScript.

export { BadRowReport } from "./training/bad-row-report.js";
export { diffRuns, type DiffOptions, type RunDiff } from "./api/diff.js";
export { encode, type EncodeOptions, type EncodeSummary } from "./api/encode.js";
export { evaluate, type Evaluation } from "./api/evaluate/evaluate.js";
export type { EvaluateOptions } from "./api/evaluate/options.js";
export { exportRun } from "./api/export/export.js";
export type { ExportRunOptions } from "./api/export/options.js";
export { importTable, type ImportOptions, type ImportSummary } from "./api/import.js";
export { inspect, writeStarterConfig, type InspectOptions } from "./api/inspect/inspect.js";
export type { Inspection } from "./api/inspect/inspection.js";
export {
  inspectEdges,
  type EdgeInspection,
  type InspectEdgesOptions,
} from "./api/inspect/inspect-edges.js";
export { neighborsOf, type NeighborsOf } from "./api/neighbors.js";
export { report } from "./api/report/report.js";
export type { ReportOptions, ReportSummary } from "./api/report/options.js";
export type { Summary } from "./training/summary.js";
export { train, type TrainOptions } from "./api/train.js";
export { lift, type Lift } from "./api/lift/lift.js";
export type { LiftOptions } from "./api/lift/options.js";
export { transform } from "./api/transform/transform.js";
export type { TransformOptions } from "./training/transform-options.js";
export type { Progress, Watch } from "./training/watch.js";
export { forget, type ForgetOptions, type ForgetSummary } from "./privacy/forget.js";
export { gc, type GcOptions, type GcSummary } from "./store/gc.js";
export { initPipeline, type InitPipelineOptions } from "./pipeline/init-pipeline.js";
export type { PipelineReport, StepReport } from "./pipeline/report.js";
export { dryRunPipeline, runPipeline, type RunPipelineOptions } from "./pipeline/run.js";
export { listStore, type ListedVersion, type StoreListing } from "./store/ls.js";
export { publish, type PublishOptions, type PublishSummary } from "./store/publish.js";
export { reportVersions } from "./store/report-versions.js";
export { rollback, type RollbackOptions, type RollbackSummary } from "./store/rollback.js";
export { latestVersion, listVersions, publishRun, withStoreLock, type Publication } from "./store/store.js";
export { EmbedError } from "./errors.js";
export { alignRun, type AlignOptions, type AlignSummary } from "./api/align.js";
export { checkGates, gateAfter, gateBefore } from "./gates/gate.js";
export { gateJson } from "./gates/gate-file.js";
export type { GateOutcome } from "./gates/gate-file.js";
export { reproduce, type ReproduceOptions, type Reproduction } from "./api/reproduce.js";
export { schedule, type ScheduleOptions } from "./pipeline/schedule.js";
