"""Runs the examples of docs/python.md and compares their output: python .ci/python-tour.py [torch]

Without `torch`, runs all examples except those that need PyTorch; with it, only imports, trainings and examples that
need PyTorch, on files instead of frames. If Airflow, a large package, is not installed, stand-ins replace its
decorators.
"""

import doctest
import importlib.util
import os
import re
import sys
import tempfile
import types
import warnings
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "python.md"
TORCH = doctest.register_optionflag("TORCH")


def stand_in_for_airflow() -> None:
    """A stand-in for Airflow's decorator `task`, which keeps the function."""

    def task(**_):
        return lambda function: types.SimpleNamespace(function=function)

    sdk = types.ModuleType("airflow.sdk")
    sdk.task, sdk.dag = task, task
    sys.modules.update({"airflow": types.ModuleType("airflow"), "airflow.sdk": sdk})


def main() -> int:
    """Runs the examples."""
    with_torch = sys.argv[1:] == ["torch"]
    warnings.filterwarnings("ignore", module="embed_tables|__main__|<doctest")
    if importlib.util.find_spec("airflow") is None:
        stand_in_for_airflow()
    # removes the page's code fences, which doctest would take for output
    text = re.sub(r"^```.*$", "", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    if with_torch:
        # Debian's Python has neither pandas nor pyarrow, so the log is passed as a file
        setting = """
>>> import csv
>>> import embed_tables as et
>>> path = et.PROGRAM / "fixtures" / "clicks.csv"
>>> fm = et.train_fm(path, out="clicks", epochs=2)
>>> clicks = {"user_id": [row["user_id"] for row in csv.DictReader(path.open())]}
"""
        first = doctest.DocTestParser().get_examples(setting, "setting")
        test.examples = first + [one for one in test.examples if TORCH in one.options]
    else:
        test.examples = [one for one in test.examples if TORCH not in one.options]
    for one in test.examples:
        one.options.pop(TORCH, None)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        runner = doctest.DocTestRunner(optionflags=flags)
        failed, tried = runner.run(test)
        os.chdir("/")
    print(f"{tried} examples of {PAGE.name}, {failed} failed")
    return 1 if failed or not tried else 0


if __name__ == "__main__":
    sys.exit(main())
