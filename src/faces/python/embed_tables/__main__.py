"""The command ``embed`` of the package, also as ``python -m embed_tables``: runs the program with its command line."""

from __future__ import annotations

import os
import subprocess
import sys

from ._errors import NodeError
from ._process import command_line


def main() -> None:
    """Replaces this process by the program; on Windows, runs the program as a child process."""
    try:
        command = [*command_line(), *sys.argv[1:]]
    except NodeError as error:
        print(f"embed: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    if os.name == "posix":
        os.execv(command[0], command)
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
