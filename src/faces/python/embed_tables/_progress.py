"""Shows the progress of a command as a bar of tqdm, if it is installed and the output is a terminal or a notebook."""

from __future__ import annotations

import sys
from typing import Any

_shown: bool | None = None


def show_progress(shown: bool | None = True) -> None:
    """Sets whether progress is shown: always, never, or (None) on a terminal and in a notebook."""
    global _shown
    _shown = shown


def _is_wanted() -> bool:
    if _shown is not None:
        return _shown
    return sys.stderr is not None and (sys.stderr.isatty() or "ipykernel" in sys.modules)


class Progress:
    """Shows the progress that a command reports."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._tqdm: Any = None
        if _is_wanted():
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self._tqdm = tqdm

    def see(self, event: dict[str, Any]) -> None:
        if self._tqdm is None:
            return
        stage = event["stage"]
        if stage == "epoch":
            unit = event.get("round", "epoch")
            if self._bar is None or self._bar.unit != unit or self._bar.n >= event["epoch"]:
                self._start(total=event.get("epochs"), unit=unit, desc=event.get("training"))
            numbers = {name: f"{event[name]:.4g}" for name in ("trainLoss", "validLoss") if event.get(name) is not None}
            self._bar.set_postfix(numbers, refresh=False)
            self._bar.update(event["epoch"] - self._bar.n)
        elif stage == "reading":
            if self._bar is None or self._bar.unit != "row":
                self._start(unit="row", unit_scale=True, desc="reading")
            self._bar.update(event["rows"] - self._bar.n)
        elif stage in ("doing", "step", "training"):
            if self._bar is None:
                self._start(bar_format="{desc} ({elapsed})")
            self._bar.set_description_str(event["text"])

    def _start(self, **how: Any) -> None:
        self.close()
        self._bar = self._tqdm(leave=False, **how)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
