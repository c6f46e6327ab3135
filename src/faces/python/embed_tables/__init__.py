"""Embedding tables from interaction logs: every command of ``embed`` as a function.

import embed_tables as et

run = et.train_als(df, out="run", dim=64)
run.vectors("item"), run.keys("item")
"""

from ._errors import (
    ArtifactError,
    ConfigError,
    DataError,
    DivergedError,
    EmbedError,
    EmbedWarning,
    GateError,
    IoError,
    LockedError,
    NodeError,
    NoInputError,
    NoRowsError,
    OutputError,
    Place,
    UsageError,
)
from ._functions import *  # noqa: F403
from ._functions import __all__ as _functions
from ._names import VERSION as __version__
from ._process import PROGRAM
from ._progress import show_progress
from ._run import Run

__all__ = [
    "PROGRAM",
    "ArtifactError",
    "ConfigError",
    "DataError",
    "DivergedError",
    "EmbedError",
    "EmbedWarning",
    "GateError",
    "IoError",
    "LockedError",
    "NoInputError",
    "NoRowsError",
    "NodeError",
    "OutputError",
    "Place",
    "Run",
    "UsageError",
    "__version__",
    "show_progress",
    *_functions,
]
