import { posix, win32 } from "node:path";
import { patternParts } from "./glob.js";

test.each([
  ["C:\\logs\\day-*.csv", "C:/", ["logs", "day-*.csv"]],
  ["logs\\*.csv", "", ["logs", "*.csv"]],
  ["\\\\server\\share\\a*.csv", "//server/share/", ["a*.csv"]],
  ["/logs/*.csv", "/", ["logs", "*.csv"]],
])(
  "a pattern of Windows has a drive, a share or nothing, and both separators: %s",
  (pattern, root, parts) => {
    expect(patternParts(pattern, win32)).toEqual({ root, parts });
  },
);

test("elsewhere a backslash is part of a name", () => {
  expect(patternParts("/a\\b/*.csv", posix)).toEqual({ root: "/", parts: ["a\\b", "*.csv"] });
});
