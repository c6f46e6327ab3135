import { Worker } from "node:worker_threads";
import { startThreads } from "./idle.js";
import { WorkerPool } from "./pool.js";

const url = new URL("./pool.test.task.js", import.meta.url);

async function poolOf(size: number, task = url) {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const release = () => {
    Atomics.store(shared, 0, 1);
    Atomics.notify(shared, 0);
  };
  return { shared, pool: await WorkerPool.start<string, string>(task, size, shared, release) };
}

test("every thread runs the task, and results come in the threads' order", async () => {
  const { pool } = await poolOf(3);
  expect(await pool.run("a")).toEqual(["a 0", "a 1", "a 2"]);
  expect(await pool.run("b")).toEqual(["b 0", "b 1", "b 2"]);
  await pool.terminate();
});

test("a thread that throws rejects the run with its error and releases the others", async () => {
  const { pool, shared } = await poolOf(3);
  await expect(pool.run("throw in thread 1, wait in the others")).rejects.toThrow("thread 1 is out of range");
  expect(shared[0]).toBe(1);
  await expect(pool.run("a")).rejects.toThrow("thread 1 is out of range");
  await pool.terminate();
});

test("a thread that ends in the middle of a task rejects the run with what to do, and releases the others", async () => {
  const task =
    "export const start = (shared, i) => () => i === 1 ? process.exit(3) : Atomics.wait(shared, 0, 0)";
  const { pool, shared } = await poolOf(3, new URL(`data:text/javascript,${encodeURIComponent(task)}`));
  const ended = {
    name: "IoError",
    message: expect.stringContaining("a thread ended in the middle of its work (exit code 3)") as string,
  };
  await expect(pool.run("a")).rejects.toMatchObject(ended);
  expect(shared[0]).toBe(1);
  await expect(pool.run("a")).rejects.toMatchObject(ended);
  await pool.terminate();
});

test("terminate ends threads that never return, and rejects their run", async () => {
  const { pool } = await poolOf(2);
  const running = expect(pool.run("spin")).rejects.toThrow("terminated");
  await pool.terminate();
  await running;
});

describe("a thread", () => {
  const threadsOf = async (size: number, end: (pool: WorkerPool<string, string>) => unknown) => {
    const { pool } = await poolOf(size);
    const threads = await pool.run("which");
    await end(pool);
    return threads;
  };
  const terminate = (pool: WorkerPool<string, string>) => pool.terminate();

  test("serves the next pool, with what that was made with and its own number", async () => {
    const before = await threadsOf(2, terminate);
    const { pool, shared } = await poolOf(3);
    expect((await pool.run("which")).slice(0, 2).sort()).toEqual(before.sort());
    expect(await pool.run("a")).toEqual(["a 0", "a 1", "a 2"]);
    await expect(pool.run("throw in thread 1, wait in the others")).rejects.toThrow("out of range");
    expect(shared[0]).toBe(1);
    await pool.terminate();
  });

  test("serves no other pool while it has one, and none after it failed or was ended at work", async () => {
    const inUse = await poolOf(1);
    const [own] = await inUse.pool.run("which");
    expect(await threadsOf(2, terminate)).not.toContain(own);
    const failed = await threadsOf(2, async (pool) => {
      await expect(pool.run("throw in thread 1, wait in the others")).rejects.toThrow("out of range");
      await pool.terminate();
    });
    const ended = await threadsOf(2, (pool) => {
      const running = expect(pool.run("spin")).rejects.toThrow("terminated");
      return Promise.all([pool.terminate(), running]);
    });
    const next = await threadsOf(6, terminate);
    for (const thread of [...failed, ...ended, own]) expect(next).not.toContain(thread);
    await inUse.pool.terminate();
    // a second call on the terminated pool must not end its thread, which the new pool now uses
    const { pool } = await poolOf(8);
    await inUse.pool.terminate();
    expect(await pool.run("a")).toHaveLength(8);
    await pool.terminate();
  });
});

test("threads that were started ahead serve the next pool", async () => {
  startThreads(100);
  const later = new Worker("", { eval: true });
  const { threadId } = later; // the thread's id is read before the thread ends, because it is -1 afterwards
  const { pool } = await poolOf(8);
  const numbers = (await pool.run("which")).map(Number);
  expect(Math.max(...numbers)).toBeLessThan(threadId);
  await pool.terminate();
  await later.terminate();
});

test("at most eight threads stay idle", async () => {
  const threadsOf = async () => {
    const { pool } = await poolOf(10);
    const threads = await pool.run("which");
    await pool.terminate();
    return threads;
  };
  const before = await threadsOf();
  const after = await threadsOf();
  expect(after.filter((thread) => before.includes(thread))).toHaveLength(8);
});

test("a module that does not exist rejects the start", async () => {
  const missing = new URL("./no-such-module.js", import.meta.url);
  await expect(WorkerPool.start(missing, 2, undefined)).rejects.toThrow(/no-such-module/);
});
