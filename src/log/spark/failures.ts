// Converts the error of a failed call to an error class of this project, and removes the token from its message.

import { DataError, EmbedError, IoError, NoInputError, OutputError, UsageError } from "../../base/errors.js";
import { decode, type Message } from "./wire.js";
import { errorInfo, status } from "./messages.js";
import { TOKEN_VARIABLE } from "./address.js";

/** The status codes of gRPC that lead to a special error message or to another attempt. */
export const [CANCELLED, DEADLINE, UNAUTHENTICATED, DENIED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE] = [
  1, 4, 16, 7, 12, 13, 14,
];

/** Name of the environment variable with the file of certificates of authorities, which gRPC's clients use as well. */
export const ROOTS_VARIABLE = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH";

/** Pattern of the messages of a server that ran out of memory. */
const OUT_OF_MEMORY = /stopped SparkContext|OutOfMemoryError|Job aborted due to.*SparkContext was shut down/s;

/** Maximum number of characters that are quoted from a server's message. */
const MOST_SHOWN = 600;

/** The error of a failed call, as grpc-js throws it. */
interface CallError extends Error {
  code: number;
  details: string;
  metadata?: { get(name: string): (string | Uint8Array)[] };
}

export function isCallError(error: unknown): error is CallError {
  return (
    typeof error === "object" &&
    error !== null &&
    "details" in error &&
    "code" in error &&
    typeof error.code === "number"
  );
}

/** An error that a server reports: its error class, such as PATH_NOT_FOUND, and its message. */
interface Said {
  errorClass: string;
  text: string;
}

function saidBy(error: CallError, secrets: readonly string[]): Said {
  const text = withoutSecrets(error.details || error.message, secrets);
  const named = /^\[([A-Z0-9_.]+)\]/.exec(text)?.[1] ?? "";
  return { errorClass: infoOf(error)["errorClass"] ?? named, text };
}

function infoOf({ metadata }: CallError): Record<string, string> {
  const [bytes] = metadata?.get("grpc-status-details-bin") ?? [];
  if (bytes === undefined || typeof bytes === "string") return {};
  try {
    const { details = [] } = decode(status, bytes) as {
      details?: { typeUrl?: string; value?: Uint8Array }[];
    };
    const found = details.find(({ typeUrl }) => typeUrl?.endsWith("google.rpc.ErrorInfo") === true);
    return (found?.value && (decode(errorInfo, found.value) as Message)["metadata"]) as Record<
      string,
      string
    >;
  } catch {
    // a status that cannot be decoded gives no information about the error
    return {};
  }
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret !== "")
    .reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
}

/** Whether a call may be repeated, because the server was not reached or the connection was lost. */
export function isTransient(error: CallError): boolean {
  if (error.code !== UNAVAILABLE && !(error.code === INTERNAL && /RST_STREAM|GOAWAY/i.test(error.details)))
    return false;
  return !isOfCertificate(error);
}

/** Whether a certificate is invalid, in which case retrying is useless. */
function isOfCertificate({ details }: CallError): boolean {
  return /certificate|self.signed|CERT_|ERR_TLS|SSL routines|wrong version number|altname/i.test(details);
}

/** Whether the server has lost the operation or its session, for example after a restart. */
export function isLost(error: CallError): boolean {
  return /INVALID_HANDLE\.(OPERATION|SESSION)|INVALID_CURSOR|Operation was orphaned/.test(error.details);
}

/**
 * Converts the error of a call to one with advice for the user; returns other errors unchanged.
 *
 * @param server name of the server in messages
 * @param doing the action in messages, such as `reading` `file:///logs/a.csv`; the name of a command contains the verb
 */
export function typedFailure(
  error: unknown,
  server: string,
  { verb, what }: Doing,
  secrets: readonly string[],
): unknown {
  if (error instanceof EmbedError || !isCallError(error)) return error;
  const said = saidBy(error, secrets);
  const text = shortened(said.text);
  const cause = { cause: new Error(text) };
  const { code } = error;
  if (code === UNAUTHENTICATED || code === DENIED)
    return new UsageError(
      `--engine: ${server} rejected the connection (${text}): set ${TOKEN_VARIABLE} in the environment to a ` +
        "token that it accepts",
      cause,
    );
  if (isOfCertificate(error))
    return new UsageError(
      `--engine: TLS with ${server} failed (${text}): check use_ssl in the address and the server's certificate; ` +
        `a certificate authority of your own is named by ${ROOTS_VARIABLE}`,
      cause,
    );
  if (code === UNAVAILABLE || code === DEADLINE || code === CANCELLED)
    return new IoError(
      `--engine: ${server} cannot be reached (${text}): check that the Connect server is running, its host and port, and ` +
        "whether it expects TLS (use_ssl=true)",
      cause,
    );
  if (code === UNIMPLEMENTED)
    return new UsageError(
      `--engine: ${server} is no Spark Connect server, or one before 3.5 (${text}): check host and port`,
      cause,
    );
  const ofWhat = verb === "reading" ? ofQuery(said, text, what, cause) : ofCommand(said, text, what, cause);
  return ofWhat ?? new IoError(`--engine: ${doingText({ verb, what })} failed: ${text}`, cause);
}

/** A plan's action, for messages: a verb and its object, `reading 'a.csv'`. A command's name contains its verb. */
export interface Doing {
  verb: string;
  what: string;
}

export const doingText = ({ verb, what }: Doing): string => `${verb} ${what}`.trim();

function ofCommand({ errorClass, text }: Said, short: string, what: string, cause: ErrorOptions): unknown {
  if (/exited with status 127\b/.test(text))
    return new UsageError(
      `--engine-output needs Node 20 or later on the server's executors, as \`node\` on the path of their shell (${short}): ` +
        "install it there, or write the file on this machine with -o",
      cause,
    );
  if (
    errorClass.startsWith("PATH_ALREADY_EXISTS") ||
    /AccessControlException|AccessDenied|Permission denied|403 Forbidden|Mkdirs failed|Parent path is not a directory/.test(
      text,
    )
  )
    return new OutputError(`--engine-output: the server cannot write there: ${short}`, cause);
  // MLlib's training is one expression that nests deeper with each epoch, unless the server has a directory for
  // checkpoints
  if (/StackOverflowError/.test(text))
    return new UsageError(
      `--engine: ${what} has more --epochs than the server carries out at once (${short}): lower --epochs, or start the ` +
        "server with --conf spark.checkpoint.dir=DIR, a folder that all executors reach",
      cause,
    );
  if (/CONNECT_ML\.\w*SIZE_OVERFLOW/.test(text))
    return new UsageError(
      `--engine: ${what} makes a larger model than the server keeps (${short}): raise ` +
        "spark.connect.session.connectML.mlCache.memoryControl.maxModelSize there, or lower --dim",
      cause,
    );
  if (/CONNECT_ML\.(UNSUPPORTED|ATTRIBUTE_NOT_ALLOWED)/.test(text))
    return new UsageError(
      `--engine: the server does not offer what ${what} needs (${short}): omit --engine-train`,
      cause,
    );
  if (OUT_OF_MEMORY.test(text))
    return new IoError(
      `--engine: Spark stopped while it was ${what}, as it does when its memory is full (${short}): see the server's log, ` +
        "restart it, and give it more memory (--driver-memory)",
      cause,
    );
  return undefined;
}

function ofQuery({ errorClass, text }: Said, short: string, what: string, cause: ErrorOptions): unknown {
  if (/maxResultSize/.test(text))
    return new UsageError(
      `--engine: the rows of ${what} are larger than the server takes in one job (spark.driver.maxResultSize): ` +
        "read them in slices with --engine-slice, such as --engine-slice 64M",
      cause,
    );
  if (OUT_OF_MEMORY.test(text))
    return new IoError(
      `--engine: Spark stopped while it read ${what}, as it does when its memory is full (${short}): see the server's ` +
        "log, restart it, and give it more memory (--driver-memory) or read in slices with --engine-slice, such as " +
        "--engine-slice 64M",
      cause,
    );
  if (errorClass.startsWith("PATH_NOT_FOUND") || /Path does not exist|FileNotFoundException/.test(text))
    return new NoInputError(`${what} does not exist on the server's side: ${short}`);
  if (/^(TABLE_OR_VIEW|SCHEMA|CATALOG)_NOT_FOUND/.test(errorClass))
    return new NoInputError(`${what}: ${short}`);
  if (/No FileSystem for scheme|ClassNotFoundException/.test(text))
    return new UsageError(
      `--engine: the server has no connector for ${what} (${short}): start it with the package of that storage, ` +
        "such as org.apache.hadoop:hadoop-aws for s3a://",
      cause,
    );
  // Spark 3.5 has no error class for a damaged file, so the text of the message is matched
  if (
    /^(FAILED_READ_FILE|CANNOT_READ|MALFORMED|PARQUET_|UNABLE_TO_INFER_SCHEMA|CORRUPT)/.test(errorClass) ||
    /Encountered error while reading file/.test(text)
  )
    return new DataError(`the file is damaged, or Spark does not read it: ${short}`, {
      file: what.replaceAll(/^'|'$/g, ""),
    });
  if (/AccessControlException|AccessDenied|Permission denied|403 Forbidden/.test(text))
    return new IoError(`--engine: the server may not read ${what}: ${short}`, cause);
  // the error classes of Spark's analysis of a query: syntax, columns, functions, types
  if (
    /^(PARSE_|UNRESOLVED_|DATATYPE_|AMBIGUOUS|MISSING_|WRONG_NUM|INVALID_|UNSUPPORTED_|COLUMN_|GROUP_|MULTI_)/.test(
      errorClass,
    )
  )
    return new UsageError(`--engine: ${what}: ${short}`, cause);
  return undefined;
}

function shortened(text: string): string {
  // the first lines of the text contain the message, and the JVM's stack trace follows
  const [head = ""] = text.split(/\n\s+at |\n\nJVM stacktrace|\nDriver stacktrace/);
  const line = head.replaceAll(/\s+/g, " ").trim();
  return line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN - 1)}…` : line;
}
