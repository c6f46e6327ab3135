// Runs an ONNX model with onnxruntime-web, the WebAssembly build that browsers also use.

import * as ort from "onnxruntime-web";
import { readFileSync } from "node:fs";

/** A tensor with one axis, or with several axes if `dims` is given. */
export type Input =
  | { type: "string"; values: string[]; dims?: number[] }
  | { type: "int64" | "float32"; values: number[]; dims?: number[] };

/** An output of an ONNX model. */
export interface Output {
  dims: readonly number[];
  values: number[];
}

/** Returns the outputs of a model by name. */
export async function runOnnx(path: string, inputs: Record<string, Input>): Promise<Record<string, Output>> {
  // additional threads would keep the tests from ending
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(path)));
  const feeds = Object.entries(inputs).map(([name, input]) => [name, tensorOf(input)] as const);
  const outputs = await session.run(Object.fromEntries(feeds));
  await session.release();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dims, data }]) => [
      name,
      { dims, values: Array.from(data as Float32Array) },
    ]),
  );
}

function tensorOf(input: Input): ort.Tensor {
  const dims = input.dims ?? [input.values.length];
  if (input.type === "string") return new ort.Tensor("string", input.values, dims);
  return input.type === "int64"
    ? new ort.Tensor("int64", BigInt64Array.from(input.values, BigInt), dims)
    : new ort.Tensor("float32", Float32Array.from(input.values), dims);
}
