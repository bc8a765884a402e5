"""What every part of the package raises."""

from __future__ import annotations

from typing import Any


class Error(RuntimeError):
    """What was wrong with the command or its input, where, and what to do about it."""

    def __init__(self, message: str, path: str | None = None, remedy: str | None = None) -> None:
        parts = [message]
        if path:
            parts.append(f"in: {path}")
        if remedy:
            parts.append(f"try: {remedy}")
        super().__init__("\n".join(parts))
        self.message, self.path, self.remedy = message, path, remedy

    def __reduce__(self) -> Any:
        """The three parts go along to another process."""
        return type(self), (self.message, self.path, self.remedy)


class Lost(Error):
    """The program was ended from outside: the same again may well succeed."""
