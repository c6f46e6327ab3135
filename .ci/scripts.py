"""Runs Python scripts one after another in one process, because importing their packages takes longer than most of them.

Each line of standard input is a file with words, each ended by NUL: a folder, a script and the script's arguments. The
script runs in the folder as `python SCRIPT ARGS...` would run it. Its output is written to FILE.out and FILE.err, and
its exit code is printed. commands.sh is the other side.
"""

import logging
import os
import runpy
import sys
import traceback
import warnings
from pathlib import Path


def run(script: str, arguments: list[str]) -> int:
    """Runs a script to its end and returns its exit code."""
    sys.argv[:] = [script, *arguments]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return int(end.code or 0)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        return 1
    return 0


answers = os.fdopen(os.dup(1), "w")
for line in sys.stdin:
    file = line.rstrip("\n")
    folder, script, *arguments = Path(file).read_text("utf-8").split("\0")[:-1]
    os.chdir(folder)
    for descriptor, ending in [(1, "out"), (2, "err")]:
        with open(f"{file}.{ending}", "wb") as output:
            os.dup2(output.fileno(), descriptor)
    before, filters = dict(os.environ), warnings.filters[:]
    code = run(script, arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    # undoes what a script sets for its whole process
    os.environ.clear()
    os.environ.update(before)
    logging.disable(logging.NOTSET)
    warnings.filters[:] = filters
    print(code, file=answers, flush=True)
