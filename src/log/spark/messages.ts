// The messages of Spark Connect that this client sends and reads, with their field numbers: a part of
// spark/connect/*.proto. The numbers are the same from Spark 3.5 to 4.3; acceptance/engine-messages.long.test.ts compares
// them with the definitions of a server.

import type { FieldType, MessageShape } from "./wire.js";

type Given = Record<
  string,
  [number, FieldType | (() => MessageShape)] | [number, FieldType | (() => MessageShape), "repeated"]
>;

function shape(message: string, fields: Given): MessageShape {
  return {
    message: `spark.connect.${message}`,
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, [number, type, repeated]]) => [
        name,
        { number, type, repeated: repeated && (true as const) },
      ]),
    ),
  };
}

const userContext = shape("UserContext", { userId: [1, "text"] });

/** Fields of every request, which have the same numbers in all requests, unlike other fields. */
const session = { sessionId: [1, "text"], userContext: [2, userContext] } as const satisfies Given;

const dataSource = shape("Read.DataSource", {
  format: [1, "text"],
  options: [3, "texts"],
  paths: [4, "text", "repeated"],
});
const namedTable = shape("Read.NamedTable", { unparsedIdentifier: [1, "text"] });
const read = shape("Read", { namedTable: [1, namedTable], dataSource: [2, dataSource] });
const sql = shape("SQL", { query: [1, "text"] });
const expressionString = shape("Expression.ExpressionString", { expression: [1, "text"] });
const expression = shape("Expression", { expressionString: [4, expressionString] });
const sortOrder = shape("Expression.SortOrder", {
  child: [1, expression],
  direction: [2, "int"],
  nullOrdering: [3, "int"],
});
const input = [1, () => relation] as [number, () => MessageShape];
const project = shape("Project", { input, expressions: [3, expression, "repeated"] });
const filter = shape("Filter", { input, condition: [2, expression] });
const sort = shape("Sort", { input, order: [2, sortOrder, "repeated"], isGlobal: [3, "bool"] });
const limit = shape("Limit", { input, limit: [2, "int"] });
const offset = shape("Offset", { input, offset: [2, "int"] });
const aggregate = shape("Aggregate", {
  input,
  groupType: [2, "int"],
  aggregateExpressions: [4, expression, "repeated"],
});
const setOperation = shape("SetOperation", {
  leftInput: [1, () => relation],
  rightInput: [2, () => relation],
  setOpType: [3, "int"],
  isAll: [4, "bool"],
});
const localRelation = shape("LocalRelation", { data: [1, "bytes"] });
const cachedRemoteRelation = shape("CachedRemoteRelation", { relationId: [1, "text"] });
const objectRef = shape("ObjectRef", { id: [1, "text"] });
const method = shape("Fetch.Method", { method: [1, "text"] });
const fetch = shape("Fetch", { objRef: [1, objectRef], methods: [2, method, "repeated"] });
const mlRelation = shape("MlRelation", { fetch: [2, fetch] });
const collectMetrics = shape("CollectMetrics", {
  input,
  name: [2, "text"],
  metrics: [3, expression, "repeated"],
});
const relation: MessageShape = shape("Relation", {
  read: [2, read],
  project: [3, project],
  filter: [4, filter],
  setOp: [6, setOperation],
  sort: [7, sort],
  limit: [8, limit],
  aggregate: [9, aggregate],
  sql: [10, sql],
  localRelation: [11, localRelation],
  offset: [13, offset],
  collectMetrics: [29, collectMetrics],
  cachedRemoteRelation: [37, cachedRemoteRelation],
  mlRelation: [300, mlRelation],
});

const literal = shape("Expression.Literal", {
  boolean: [3, "bool"],
  integer: [6, "int"],
  long: [7, "int"],
  double: [11, "double"],
  string: [13, "text"],
});
const mlParam = shape("MlParams.ParamsEntry", { key: [1, "text"], value: [2, literal] });
// the wire format represents a map as repeated entries
const mlParams = shape("MlParams", { params: [1, mlParam, "repeated"] });
const mlOperator = shape("MlOperator", { name: [1, "text"], uid: [2, "text"], type: [3, "int"] });
const fit = shape("MlCommand.Fit", {
  estimator: [1, mlOperator],
  params: [2, mlParams],
  dataset: [3, relation],
});
const mlDelete = shape("MlCommand.Delete", { objRefs: [1, objectRef, "repeated"] });
const mlCommand = shape("MlCommand", { fit: [1, fit], delete: [3, mlDelete] });
const checkpoint = shape("CheckpointCommand", {
  relation: [1, relation],
  local: [2, "bool"],
  eager: [3, "bool"],
});
const removeCached = shape("RemoveCachedRemoteRelationCommand", { relation: [1, cachedRemoteRelation] });
const writeOperation = shape("WriteOperation", {
  input: [1, relation],
  source: [2, "text"],
  path: [3, "text"],
  mode: [5, "int"],
});
const command = shape("Command", {
  writeOperation: [2, writeOperation],
  checkpointCommand: [14, checkpoint],
  removeCachedRemoteRelationCommand: [15, removeCached],
  mlCommand: [17, mlCommand],
});
const plan = shape("Plan", { root: [1, relation], command: [2, command] });

export const ASCENDING = 1;
export const NULLS_FIRST = 1;
export const GROUP_BY = 1;
export const INTERRUPT_ALL = 1;
export const UNION = 2;
export const ESTIMATOR = 1;
export const [OVERWRITE, ERROR_IF_EXISTS] = [2, 3];

const reattachOptions = shape("ReattachOptions", { reattachable: [1, "bool"] });
const requestOption = shape("ExecutePlanRequest.RequestOption", { reattachOptions: [1, reattachOptions] });

export const executePlanRequest = shape("ExecutePlanRequest", {
  ...session,
  clientObservedServerSideSessionId: [8, "text"],
  plan: [3, plan],
  clientType: [4, "text"],
  requestOptions: [5, requestOption, "repeated"],
  operationId: [6, "text"],
});

const arrowBatch = shape("ExecutePlanResponse.ArrowBatch", { rowCount: [1, "int"], data: [2, "bytes"] });
const resultComplete = shape("ExecutePlanResponse.ResultComplete", {});

const checkpointResult = shape("CheckpointCommandResult", { relation: [1, cachedRemoteRelation] });
const operatorInfo = shape("MlCommandResult.MlOperatorInfo", {
  objRef: [1, objectRef],
  name: [2, "text"],
  warningMessage: [5, "text"],
});
const mlCommandResult = shape("MlCommandResult", { operatorInfo: [3, operatorInfo] });

const observedMetrics = shape("ExecutePlanResponse.ObservedMetrics", {
  name: [1, "text"],
  values: [2, literal, "repeated"],
});

export const executePlanResponse = shape("ExecutePlanResponse", {
  arrowBatch: [2, arrowBatch],
  observedMetrics: [6, observedMetrics, "repeated"],
  responseId: [13, "text"],
  resultComplete: [14, resultComplete],
  checkpointCommandResult: [19, checkpointResult],
  mlCommandResult: [20, mlCommandResult],
});

export const reattachExecuteRequest = shape("ReattachExecuteRequest", {
  ...session,
  clientObservedServerSideSessionId: [6, "text"],
  operationId: [3, "text"],
  clientType: [4, "text"],
  lastResponseId: [5, "text"],
});

const releaseAll = shape("ReleaseExecuteRequest.ReleaseAll", {});
const releaseUntil = shape("ReleaseExecuteRequest.ReleaseUntil", { responseId: [1, "text"] });

export const releaseExecuteRequest = shape("ReleaseExecuteRequest", {
  ...session,
  operationId: [3, "text"],
  clientType: [4, "text"],
  releaseAll: [5, releaseAll],
  releaseUntil: [6, releaseUntil],
});
export const releaseExecuteResponse = shape("ReleaseExecuteResponse", {});

const sparkVersion = shape("AnalyzePlanRequest.SparkVersion", {});
const schemaOfPlan = shape("AnalyzePlanRequest.Schema", { plan: [1, plan] });

export const analyzePlanRequest = shape("AnalyzePlanRequest", {
  ...session,
  clientObservedServerSideSessionId: [17, "text"],
  clientType: [3, "text"],
  schema: [4, schemaOfPlan],
  sparkVersion: [10, sparkVersion],
});

const nothing = (name: string) => shape(`DataType.${name}`, {});
const decimal = shape("DataType.Decimal", { scale: [1, "int"], precision: [2, "int"] });
const array = shape("DataType.Array", { elementType: [1, () => dataType] });
/** Types of columns that are supported; a column of another type is decoded as an empty message. */
const dataType: MessageShape = shape("DataType", {
  null: [1, nothing("NULL")],
  boolean: [3, nothing("Boolean")],
  byte: [4, nothing("Byte")],
  short: [5, nothing("Short")],
  integer: [6, nothing("Integer")],
  long: [7, nothing("Long")],
  float: [8, nothing("Float")],
  double: [9, nothing("Double")],
  decimal: [10, decimal],
  string: [11, nothing("String")],
  char: [12, nothing("Char")],
  varChar: [13, nothing("VarChar")],
  date: [14, nothing("Date")],
  timestamp: [15, nothing("Timestamp")],
  timestampNtz: [16, nothing("TimestampNTZ")],
  array: [20, array],
  struct: [21, () => struct],
});
const structField = shape("DataType.StructField", { name: [1, "text"], dataType: [2, dataType] });
const struct = shape("DataType.Struct", { fields: [1, structField, "repeated"] });
const schema = shape("AnalyzePlanResponse.Schema", { schema: [1, dataType] });
const versionOfSpark = shape("AnalyzePlanResponse.SparkVersion", { version: [1, "text"] });

export const analyzePlanResponse = shape("AnalyzePlanResponse", {
  schema: [2, schema],
  sparkVersion: [8, versionOfSpark],
  serverSideSessionId: [15, "text"],
});

const keyValue = shape("KeyValue", { key: [1, "text"], value: [2, "text"] });
const set = shape("ConfigRequest.Set", { pairs: [1, keyValue, "repeated"] });
const operation = shape("ConfigRequest.Operation", { set: [1, set] });

export const configRequest = shape("ConfigRequest", {
  ...session,
  operation: [3, operation],
  clientType: [4, "text"],
});
export const configResponse = shape("ConfigResponse", {});

export const interruptRequest = shape("InterruptRequest", {
  ...session,
  clientType: [3, "text"],
  interruptType: [4, "int"],
});
export const interruptResponse = shape("InterruptResponse", {});

export const releaseSessionRequest = shape("ReleaseSessionRequest", { ...session, clientType: [3, "text"] });
export const releaseSessionResponse = shape("ReleaseSessionResponse", {});

const artifactChunk = shape("AddArtifactsRequest.ArtifactChunk", { data: [1, "bytes"], crc: [2, "int"] });
const beginChunkedArtifact = shape("AddArtifactsRequest.BeginChunkedArtifact", {
  name: [1, "text"],
  totalBytes: [2, "int"],
  numChunks: [3, "int"],
  initialChunk: [4, artifactChunk],
});
const singleChunkArtifact = shape("AddArtifactsRequest.SingleChunkArtifact", {
  name: [1, "text"],
  data: [2, artifactChunk],
});
const batch = shape("AddArtifactsRequest.Batch", { artifacts: [1, singleChunkArtifact, "repeated"] });
const artifactSummary = shape("AddArtifactsResponse.ArtifactSummary", {
  name: [1, "text"],
  isCrcSuccessful: [2, "bool"],
});

export const addArtifactsRequest = shape("AddArtifactsRequest", {
  ...session,
  batch: [3, batch],
  beginChunk: [4, beginChunkedArtifact],
  chunk: [5, artifactChunk],
  clientType: [6, "text"],
  clientObservedServerSideSessionId: [7, "text"],
});
export const addArtifactsResponse = shape("AddArtifactsResponse", {
  artifacts: [1, artifactSummary, "repeated"],
});

/** Messages of requests and responses, from which a test reaches all messages declared above. */
export const roots: readonly MessageShape[] = [
  ...[executePlanRequest, executePlanResponse, reattachExecuteRequest, releaseExecuteRequest],
  ...[releaseExecuteResponse, analyzePlanRequest, analyzePlanResponse, configRequest, configResponse],
  ...[interruptRequest, interruptResponse, releaseSessionRequest, releaseSessionResponse],
  ...[addArtifactsRequest, addArtifactsResponse],
];

const anyMessage: MessageShape = {
  message: "google.protobuf.Any",
  fields: { typeUrl: { number: 1, type: "text" }, value: { number: 2, type: "bytes" } },
};

/** Content of the header grpc-status-details-bin, which a failed call returns. */
export const status: MessageShape = {
  message: "google.rpc.Status",
  fields: {
    code: { number: 1, type: "int" },
    message: { number: 2, type: "text" },
    details: { number: 3, type: anyMessage, repeated: true },
  },
};
export const errorInfo: MessageShape = {
  message: "google.rpc.ErrorInfo",
  fields: {
    reason: { number: 1, type: "text" },
    domain: { number: 2, type: "text" },
    metadata: { number: 3, type: "texts" },
  },
};
