// Tests that the errors of failed commands advise the user.

import { IoError, UsageError } from "../../base/errors.js";
import { typedFailure } from "./failures.js";

const [INTERNAL, UNKNOWN] = [13, 2];
const training = { verb: "", what: "training with MLlib's ALS" };

function failureOf(details: string, code = INTERNAL): unknown {
  const error = Object.assign(new Error(details), { code, details });
  return typedFailure(error, "sc://host:15002", training, ["a-secret"]);
}

test.each<[string, typeof UsageError | typeof IoError, RegExp]>([
  [
    "Job aborted due to stage failure: Task serialization failed: java.lang.StackOverflowError",
    UsageError,
    /more --epochs .*spark\.checkpoint\.dir/,
  ],
  [
    "[CONNECT_ML.MODEL_SIZE_OVERFLOW_EXCEPTION] Generic Spark Connect ML error. The fitted model size is larger",
    UsageError,
    /larger model than the server keeps .*maxModelSize/,
  ],
  [
    "[CONNECT_ML.UNSUPPORTED_EXCEPTION] Generic Spark Connect ML error. ALS is not supported",
    UsageError,
    /does not offer .*omit --engine-train/,
  ],
  ["Job aborted: java.lang.OutOfMemoryError: Java heap space", IoError, /memory is full .*--driver-memory/],
  [
    "something else, a-secret",
    IoError,
    /^--engine: training with MLlib's ALS failed: something else, \*\*\*$/,
  ],
])("%s", (details, type, message) => {
  const found = failureOf(details, UNKNOWN);
  expect(found).toBeInstanceOf(type);
  expect((found as Error).message).toMatch(message);
});
