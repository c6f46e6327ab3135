"""Maps embeddings.arrow of a run into memory, so that only the pages that are used are read.

The layout is in docs/formats.md. This module parses the footer itself, because the package does not require pyarrow.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import ArtifactError, UsageError

#: indices of the columns' buffers among those of an Arrow batch; the others are bitmaps of nulls, which are not read
_FIELD, _OFFSETS, _KEYS, _COUNT, _WEIGHT = 1, 3, 4, 6, 8


class _Flat:
    """Reads a table of a FlatBuffer, whose members are identified by number."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at
        self.vtable = at - struct.unpack_from("<i", data, at)[0]

    @classmethod
    def root(cls, data: bytes) -> _Flat:
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def _place(self, member: int) -> int | None:
        size = struct.unpack_from("<H", self.data, self.vtable)[0]
        entry = 4 + 2 * member
        offset = struct.unpack_from("<H", self.data, self.vtable + entry)[0] if entry < size else 0
        return self.at + offset if offset else None

    def i64(self, member: int) -> int:
        place = self._place(member)
        return 0 if place is None else int(struct.unpack_from("<q", self.data, place)[0])

    def i32(self, member: int) -> int:
        place = self._place(member)
        return 0 if place is None else int(struct.unpack_from("<i", self.data, place)[0])

    def _target(self, member: int) -> int | None:
        place = self._place(member)
        return None if place is None else place + struct.unpack_from("<I", self.data, place)[0]

    def table(self, member: int) -> _Flat:
        target = self._target(member)
        if target is None:
            raise ValueError("a message is not as expected")
        return _Flat(self.data, target)

    def structs(self, member: int, form: str) -> list[tuple[int, ...]]:
        target = self._target(member)
        if target is None:
            return []
        count, size = struct.unpack_from("<I", self.data, target)[0], struct.calcsize(form)
        return [struct.unpack_from(form, self.data, target + 4 + i * size) for i in range(count)]

    def tables(self, member: int) -> list[_Flat]:
        target = self._target(member)
        count = 0 if target is None else struct.unpack_from("<I", self.data, target)[0]
        places = [(target or 0) + 4 + 4 * i for i in range(count)]
        return [_Flat(self.data, place + struct.unpack_from("<I", self.data, place)[0]) for place in places]

    def text(self, member: int) -> str:
        target = self._target(member)
        if target is None:
            return ""
        length = struct.unpack_from("<I", self.data, target)[0]
        return self.data[target + 4 : target + 4 + length].decode()


class Table:
    """Reads the rows of a run's table, by field."""

    def __init__(self, path: Path, size: int) -> None:
        """Opens the file. ``size``: number of bytes of the file, as the manifest states it."""
        self.path = path
        try:
            self._file = np.memmap(path, dtype=np.uint8, mode="r")
            if self._file.size != size:
                raise ValueError(f"it has {self._file.size} bytes, and the manifest says {size}")
            self._open()
        except (ValueError, struct.error, OSError) as error:
            raise ArtifactError(f"'{path}' cannot be read as an embedding table ({error}): train again") from error

    def _open(self) -> None:
        end = self._file[-10:].tobytes()
        if self._file.size < 18 or end[4:] != b"ARROW1":
            raise ValueError("it is not an Arrow file, or is truncated")
        length = struct.unpack_from("<i", end)[0]
        footer = _Flat.root(self._bytes(self._file.size - 10 - length, length))
        columns = footer.table(1).tables(1)
        self.has_weights = columns[3].text(0) == "weight"
        self.dim = columns[-1].table(3).i32(0)
        self._batches = list(self._bodies(footer.structs(3, "<qi4xq")))
        self.fields: list[str] = []
        for numbers, names in self._bodies(footer.structs(2, "<qi4xq"), dictionary=True):
            self.fields += self._texts(names, 0, 1, numbers)

    def _bodies(
        self, blocks: list[tuple[int, ...]], dictionary: bool = False
    ) -> Iterator[tuple[int, list[NDArray[np.uint8]]]]:
        """Yields the number of rows and the buffers of each message."""
        for offset, meta, body in blocks:
            header = _Flat.root(self._bytes(offset + 8, meta - 8)).table(2)
            batch = header.table(1) if dictionary else header
            start = offset + meta
            buffers = batch.structs(2, "<qq")
            if start < 0 or start + body > self._file.size or any(a < 0 or n < 0 or a + n > body for a, n in buffers):
                raise ValueError("a buffer ends beyond the file")
            yield batch.i64(0), [self._file[start + a : start + a + n] for a, n in buffers]

    def _bytes(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self._file.size:
            raise ValueError(f"it points to bytes {offset} to {offset + length} of {self._file.size}")
        return self._file[offset : offset + length].tobytes()

    def number(self, field: str) -> int:
        """Returns the number of a field. Raises UsageError if the table has no field of this name."""
        if field in self.fields:
            return self.fields.index(field)
        raise UsageError(f"the table has no field {field!r}; it has {', '.join(map(repr, self.fields))}")

    def _pieces(self, field: str) -> Iterator[tuple[list[NDArray[np.uint8]], int, int]]:
        """Yields the buffers of each batch with rows of a field, the first of these rows and the one after the last."""
        f = self.number(field)
        for rows, buffers in self._batches:
            ids = buffers[_FIELD][: 4 * rows].view("<i4")
            first, last = np.searchsorted(ids, [f, f + 1])
            if first < last:
                yield buffers, int(first), int(last)

    def _column(self, field: str, buffer: int, dtype: str, width: int = 1) -> NDArray[Any]:
        size = 4 * width
        pieces = [buffers[buffer][size * a : size * b].view(dtype) for buffers, a, b in self._pieces(field)]
        return pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0, dtype), *pieces])

    def vectors(self, field: str) -> NDArray[np.float32]:
        """The vectors of a field, f32[rows, dim]: a view of the file, unless the field takes several batches."""
        at = 11 if self.has_weights else 9
        return self._column(field, at, "<f4", self.dim).reshape(-1, self.dim)

    def counts(self, field: str) -> NDArray[np.uint32]:
        """The number of training events of each key, u32[rows]."""
        return self._column(field, _COUNT, "<u4")

    def weights(self, field: str) -> NDArray[np.float32] | None:
        """The weight of each key, f32[rows], if the model has weights."""
        return self._column(field, _WEIGHT, "<f4") if self.has_weights else None

    def keys(self, field: str) -> list[str]:
        """The key of each row of a field."""
        return [key for buffers, a, b in self._pieces(field) for key in self._texts(buffers, a, _OFFSETS, b)]

    @staticmethod
    def _texts(buffers: list[NDArray[np.uint8]], first: int, index: int, last: int) -> list[str]:
        offsets = buffers[index].view("<i4")[first : last + 1].tolist()
        text = buffers[index + 1]
        if not offsets:
            return []
        if any(a > b for a, b in pairwise(offsets)) or not 0 <= offsets[0] <= offsets[-1] <= text.size:
            raise ArtifactError("the keys of the table are damaged: train again")
        data, start = text[offsets[0] : offsets[-1]].tobytes(), offsets[0]
        return [data[a - start : b - start].decode() for a, b in pairwise(offsets)]
