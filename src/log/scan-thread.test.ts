import { ScanThread } from "./scan-thread.js";

test("jobs of a thread that ends are rejected with what to do, those sent later too", async () => {
  const thread = new ScanThread<string, string>(
    new URL(`data:text/javascript,${encodeURIComponent("setImmediate(() => process.exit(3))")}`),
    {},
  );
  const ended = {
    name: "IoError",
    message: expect.stringContaining("a thread ended in the middle of its work (exit code 3)") as string,
  };
  await expect(thread.send("a")).rejects.toMatchObject(ended);
  await expect(thread.send("b")).rejects.toMatchObject(ended);
  await thread.close();
});
