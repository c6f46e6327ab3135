import { refusal } from "./report-error.js";

test("an error of too many open files says what to do, here and from another thread, where its code is in the message alone", () => {
  const here = Object.assign(new Error("open failed"), { code: "EMFILE" });
  const elsewhere = new Error("EMFILE: too many open files, open 'a.cjs'");
  for (const error of [here, elsewhere])
    expect(refusal(error)).toBe(
      "too many files are open (EMFILE): raise the limit of this process, for example `ulimit -n 4096`",
    );
  expect(refusal(new Error("EMFILES"))).toBeUndefined();
});

test("a current directory that was removed is no bug, here and from another thread", () => {
  const here = Object.assign(new Error("ENOENT: no such file or directory, uv_cwd"), { code: "ENOENT" });
  for (const error of [here, new Error(here.message)])
    expect(refusal(error)).toMatch(/^the current directory was removed .* \(ENOENT\): change to another/);
});
