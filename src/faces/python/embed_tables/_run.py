"""A run directory: its vectors as arrays, and the outputs of its model for new rows as DataFrames."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path as _FilePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _layers, _notebook
from ._errors import ArtifactError, EmbedError, NoInputError, UsageError
from ._frames import PREFIX, Log, Logs, frame_of
from ._process import Path
from ._table import Table

#: names of the table's files; rows of new items, which `transform --append` adds, are in a file of their own
_DEFAULT, _ADDED = "default", "added"


class Run:
    """A run directory that ``embed train-...`` or ``embed import`` has written.

    Its files are read when its members are used. ``Run("run")`` opens an existing run. Functions that take the path of
    a run also accept a Run.
    """

    def __init__(self, path: Path | Mapping[str, Any]) -> None:
        #: the output of the training's --json; None if the run was opened by its path
        self.summary: dict[str, Any] | None = dict(path) if isinstance(path, Mapping) else None
        self.path = _FilePath(path["out"] if isinstance(path, Mapping) else path)
        # resolves a link such as `latest`, which may be changed later
        self._folder = self.path.resolve()
        try:
            text = (self._folder / "manifest.json").read_text("utf-8")
            self.manifest: dict[str, Any] = json.loads(text)
        except FileNotFoundError:
            raise NoInputError(f"'{self.path}' is no run: it has no manifest.json") from None
        except NotADirectoryError:
            raise NoInputError(f"'{self.path}' is a file: expected a run directory") from None
        except ValueError as error:
            raise ArtifactError(f"'{self.path}/manifest.json' is damaged ({error}): train again") from error

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __repr__(self) -> str:
        return f"Run({os.fspath(self.path)!r})"

    def _repr_html_(self) -> str:
        return _notebook.html_of(self)

    @property
    def metrics(self) -> dict[str, Any]:
        """Metrics by split and name: ``run.metrics["test"]["auc"]``."""
        return dict(self.manifest["metrics"])

    @property
    def fields(self) -> list[str]:
        """The names of the table's fields."""
        return list(self._tables(None)[0].fields)

    @property
    def dim(self) -> int:
        """The dimension of the vectors."""
        return self._tables(None)[0].dim

    @property
    def names(self) -> list[str]:
        """The names of the run's tables."""
        return [name for name in map(_name_of, self.manifest["files"]) if name is not None]

    def vectors(self, field: str, table: str | None = None) -> NDArray[np.float32]:
        """The vectors of a field, f32[rows, dim].

        The array is read-only and maps the file, so that rows are read when they are used. It is a copy if the run has
        added rows (``transform(..., append=True)``), or if the field takes 2 GiB or more.
        """
        return _joined([one.vectors(self._field(field)) for one in self._tables(table)])

    def keys(self, field: str, table: str | None = None) -> NDArray[np.object_]:
        """The key of each vector as text; empty for the row of a forgotten key."""
        texts = [key for one in self._tables(table) for key in one.keys(self._field(field))]
        keys = np.empty(len(texts), dtype=object)
        keys[:] = texts
        return keys

    def counts(self, field: str, table: str | None = None) -> NDArray[np.uint32]:
        """The number of training events with each key."""
        return _joined([one.counts(self._field(field)) for one in self._tables(table)])

    def weights(self, field: str, table: str | None = None) -> NDArray[np.float32] | None:
        """The weight of each key (w of a factorization machine); None if the model has no weights."""
        found = [one.weights(self._field(field)) for one in self._tables(table)]
        return None if found[0] is None else _joined([one for one in found if one is not None])

    def table(self, field: str, table: str | None = None) -> Any:
        """A DataFrame of key, count, weight if the model has weights, and v0, v1, ..."""
        vectors = self.vectors(field, table)
        columns = {f"v{i}": vectors[:, i] for i in range(vectors.shape[1])}
        return frame_of({**self._head(field, table), **columns})

    def arrow(self, field: str, table: str | None = None) -> Any:
        """A table of pyarrow: key, count, weight if the model has weights, and vector, a list of fixed size."""
        import pyarrow

        vectors = self.vectors(field, table)
        lists = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.reshape(-1)), vectors.shape[1])
        return pyarrow.table({**self._head(field, table), "vector": lists})

    def _head(self, field: str, table: str | None) -> dict[str, Any]:
        weights = self.weights(field, table)
        head = {"key": self.keys(field, table), "count": self.counts(field, table)}
        return head if weights is None else {**head, "weight": weights}

    def neighbors(self, field: str, key: Any, top: int = 10, **options: Any) -> Any:
        """The rows nearest to a key or to several keys, as a DataFrame of (query,) key, similarity, count."""
        from ._functions import neighbors

        asked = [key] if isinstance(key, str) or not isinstance(key, Iterable) else list(key)
        found = neighbors(self, key=[f"{field}:{one}" for one in asked], top=top, **options)["queries"]
        rows = [(query["key"], near) for query in found for near in query["neighbors"]]
        names = [name for name in ("key", "name", "similarity", "count") if not rows or name in rows[0][1]]
        columns = {name: [near.get(name) for _, near in rows] for name in names}
        return frame_of(columns if len(asked) == 1 else {"query": [query for query, _ in rows], **columns})

    def recall(self, k: int = 100, **options: Any) -> Any:
        """The best items for every user, or with ``for_="item"`` the nearest items of every item, as a DataFrame."""
        from ._functions import recall

        return recall(self, k=k, **options)

    def predict(self, log: Logs, **options: Any) -> Any:
        """The prediction for each row of a log, in order, as a DataFrame; ``keep=["user"]`` adds columns of the log."""
        from ._functions import predict

        return predict(self, log, **options)

    def transform(self, log: Logs | None = None, **options: Any) -> Any:
        """Encodings of new rows, or vectors of new users and items (``fold_in``, ``content``), as a DataFrame."""
        from ._functions import transform

        return transform(self, log, **options)

    def evaluate(self, on: Log | None = None, **options: Any) -> Any:
        """Metrics on a log, or a split of the run's (``part="test"``): a DataFrame with a row per run and baseline."""
        from ._functions import evaluate

        try:
            compared = evaluate(self, on=on, **options)["compared"]
        except EmbedError as error:
            if PREFIX not in str(error):
                raise
            kept = "the run was trained on a frame, which is not kept: pass the rows with on=, or train on a file"
            raise type(error)(f"{error}: {kept}", error.place) from None
        names = dict.fromkeys(name for one in compared for name in one["metrics"])
        columns = {name: [one["metrics"].get(name) for one in compared] for name in names}
        return frame_of({"name": [one["name"] for one in compared], **columns})

    def rows(self, field: str, keys: Sequence[Any], reserve: str = "pytorch") -> NDArray[np.int64]:
        """The row number of each key in the table of ``layer_weights`` with the same ``reserve``: i64[keys].

        Unknown keys have the row for unknown keys; None and "" have the row for padding.
        """
        return _layers.rows(self, field, keys, reserve)

    def layer_weights(self, field: str, reserve: str = "pytorch") -> NDArray[np.float32]:
        """The vectors of a field with rows for padding and unknown keys, laid out as by ``embed export --reserve``."""
        return _layers.weights(self, field, reserve)

    def torch_embedding(self, field: str, reserve: str = "pytorch", freeze: bool = False) -> Any:
        """A ``torch.nn.Embedding`` that is initialized with the vectors; ``rows`` returns the row numbers of keys."""
        return _layers.torch_embedding(self, field, reserve, freeze)

    def keras_embedding(self, field: str, reserve: str = "keras", trainable: bool = True) -> Any:
        """A ``keras.layers.Embedding`` initialized with the vectors; ``rows`` returns the row numbers of keys."""
        return _layers.keras_embedding(self, field, reserve, trainable)

    def verify(self) -> None:
        """Compares every file with its checksum in the manifest. Raises ArtifactError if a file differs."""
        for name, listed in self.manifest["files"].items():
            digest = sha256()
            try:
                with (self._folder / name).open("rb") as file:
                    for chunk in iter(lambda file=file: file.read(1 << 20), b""):  # type: ignore[misc]
                        digest.update(chunk)
            except OSError as error:
                raise ArtifactError(f"'{self.path}/{name}' cannot be read: {error}") from error
            if digest.hexdigest() != listed["sha256"]:
                raise ArtifactError(f"'{self.path}/{name}' has changed since it was written: train again")

    def _field(self, field: str) -> str:
        """Returns the name of a field; `user` and `item` denote the columns with these roles."""
        roles = self.manifest.get("roles") or {}
        role = roles.get(field)
        return role if field not in self.fields and isinstance(role, str) else field

    @cached_property
    def _opened(self) -> dict[str, Table]:
        return {}

    def _tables(self, name: str | None) -> list[Table]:
        """Returns the table with a name; without a name, the default table and the table of added rows."""
        if name is not None:
            return [self._open(name)]
        names = self.names
        first = _DEFAULT if _DEFAULT in names else names[0]
        return [self._open(one) for one in (first, *([_ADDED] if _ADDED in names else []))]

    def _open(self, name: str) -> Table:
        if name not in self.names:
            raise UsageError(f"'{self.path}' has no table {name!r}; it has {', '.join(map(repr, self.names))}")
        if name not in self._opened:
            file = "embeddings.arrow" if name == _DEFAULT else f"embeddings.{name}.arrow"
            self._opened[name] = Table(self._folder / file, self.manifest["files"][file]["bytes"])
        return self._opened[name]


def _name_of(file: str) -> str | None:
    parts = file.split(".")
    if parts[0] != "embeddings" or parts[-1] != "arrow":
        return None
    return _DEFAULT if len(parts) == 2 else ".".join(parts[1:-1])


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    there = [one for one in arrays if len(one)] or list(arrays[:1])
    return there[0] if len(there) == 1 else np.concatenate(there)
