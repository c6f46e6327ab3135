// The library: everything that the command line does can be called from TypeScript.

export { BadRowReport } from "./api/bad-row-report.js";
export { diffRuns, type DiffOptions, type RunDiff } from "./api/diff.js";
export { encode, type EncodeOptions, type EncodeSummary } from "./api/encode.js";
export { evaluate, type Evaluation } from "./api/evaluate.js";
export type { EvaluateOptions } from "./api/evaluate-options.js";
export { exportRun } from "./api/export.js";
export type { ExportRunOptions } from "./api/export-options.js";
export { importTable, type ImportOptions, type ImportSummary } from "./api/import.js";
export { inspect, writeStarterConfig, type InspectOptions } from "./api/inspect.js";
export type { Inspection } from "./api/inspection.js";
export { neighborsOf, type NeighborsOf } from "./api/neighbors.js";
export { report } from "./api/report.js";
export type { ReportOptions, ReportSummary } from "./api/report-options.js";
export type { Summary } from "./api/summary.js";
export { trainFm } from "./api/train-fm.js";
export { trainGbdt } from "./api/train-gbdt.js";
export type { TrainGbdtOptions } from "./api/train-gbdt-options.js";
export { lift, type Lift } from "./api/lift.js";
export type { LiftOptions } from "./api/lift-options.js";
export { trainNet } from "./api/train-net.js";
export type { TrainNetOptions } from "./api/train-net-options.js";
export { trainPca } from "./api/train-pca.js";
export type { TrainPcaOptions } from "./api/train-pca-options.js";
export { transform } from "./api/transform.js";
export type { TransformOptions } from "./api/transform-options.js";
export type { TrainFmOptions } from "./api/train-fm-options.js";
export type { Progress, Watch } from "./api/progress.js";
export { forget, type ForgetOptions, type ForgetSummary } from "./operations/forget.js";
export { gc, type GcOptions, type GcSummary } from "./operations/gc.js";
export { initPipeline, type InitPipelineOptions } from "./operations/init-pipeline.js";
export type { PipelineReport, StepReport } from "./operations/pipeline-report.js";
export { dryRunPipeline, runPipeline, type RunPipelineOptions } from "./operations/run-pipeline.js";
export { listStore, type ListedVersion, type StoreListing } from "./operations/list.js";
export { publish, type PublishOptions, type PublishSummary } from "./operations/publish.js";
export { reportVersions } from "./operations/report-versions.js";
export { rollback, type RollbackOptions, type RollbackSummary } from "./operations/rollback.js";
export {
  latestVersion,
  listVersions,
  publishRun,
  withStoreLock,
  type Publication,
} from "./operations/store.js";
export { EmbedError } from "./errors.js";
export { alignRun, type AlignOptions, type AlignSummary } from "./operations/align.js";
export { checkGates, gateAfter, gateBefore } from "./operations/gate.js";
export { gateJson } from "./operations/gate-file.js";
export type { GateOutcome } from "./operations/gate-file.js";
export { reproduce, type ReproduceOptions, type Reproduction } from "./operations/reproduce.js";
export { schedule, type ScheduleOptions } from "./operations/schedule.js";
