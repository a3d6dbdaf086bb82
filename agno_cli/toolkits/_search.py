"""Search for a text in the files of a folder, within bounds."""

from __future__ import annotations

import os
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import islice

from msgspec import Struct

from agno_cli._errors import Rejected
from agno_cli.toolkits._rooted import Parts, Root, decode, joined, open_file, printable, read_at

MAX_MATCHES = 100
_MAX_MATCH_CHARACTERS = 200
_MAX_FILE_BYTES = 4_000_000
_MAX_DEPTH = 32


class Search(Struct):
    """One search: what is wanted, what was found, and how much more may be looked at.

    `needle` is casefolded. `run` stops at the first bound it meets.
    """

    root: Root
    needle: str
    names: str
    entries_left: int = 20_000
    bytes_left: int = 32_000_000
    matches: list[str] = []

    @property
    def exhausted(self) -> bool:
        """Whether a bound was met, so that there may be more."""
        return min(self.entries_left, self.bytes_left, MAX_MATCHES - len(self.matches)) <= 0

    def run(self, start: Parts) -> None:
        """Search a folder and the folders in it, each in the order of its names.

        What vanishes, cannot be read, is hidden or is no text is passed over, as by `rg`.
        """
        waiting = [start]
        while waiting and not self.exhausted:
            parts = waiting.pop()
            with suppress(OSError), self.root.folder(parts) as folder:
                inner = self._search_folder(folder, parts)
                waiting += reversed(inner if len(parts) < _MAX_DEPTH else [])

    def _search_folder(self, folder: int, parts: Parts) -> list[Parts]:
        """Search the files of a folder and give the folders in it."""
        with os.scandir(folder) as entries:
            found = [
                (entry.name, entry.is_dir(follow_symlinks=False))
                for entry in islice(entries, self.entries_left)
            ]
        self.entries_left -= len(found)
        visible = sorted(item for item in found if not item[0].startswith("."))
        for name, is_folder in visible:
            if not is_folder and fnmatchcase(name, self.names) and not self.exhausted:
                with suppress(OSError, Rejected):
                    self._search_file(folder, name, joined((*parts, name)))
        return [(*parts, name) for name, is_folder in visible if is_folder]

    def _search_file(self, folder: int, name: str, path: str) -> None:
        with open_file(folder, name, path) as file:
            data = read_at(file, 0, _MAX_FILE_BYTES)
            final = len(data) >= os.fstat(file).st_size
        self.bytes_left -= len(data)
        text, _ = decode(data, path, final=final)
        if self.needle not in text.casefold():
            return
        for number, line in enumerate(text.split("\n"), 1):
            if self.needle in line.casefold() and len(self.matches) < MAX_MATCHES:
                line_start = line.strip()[:_MAX_MATCH_CHARACTERS]
                self.matches.append(f"{printable(path)}:{number}: {line_start}")
