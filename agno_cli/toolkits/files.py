"""Files of one folder, for a model to list, read, search and - when allowed - write."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from itertools import islice
from typing import Annotated

from msgspec import Meta, Struct

from agno_cli._errors import ConfigurationError, Rejected
from agno_cli._tools import Toolkit, tool
from agno_cli.toolkits._rooted import (
    Parts,
    Root,
    decode,
    explained,
    open_file,
    open_root,
    parts_of,
    printable,
    read_at,
    replace_file,
    require_regular,
    shown,
)
from agno_cli.toolkits._search import Search

_MAX_ENTRIES = 1_000
_LONGEST_CHARACTER = 4
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


def files(
    root: str | os.PathLike[str], *, max_bytes: int = 100_000, writable: bool = False
) -> Toolkit:
    """Make the toolkit: `list_files`, `read_file`, `search_files` and, if writable, `write_file`.

    No path leads out of the root: `..`, absolute paths and links, inside it too, are refused.
    Everything in the root is shown, hidden files too: give a folder without secrets. A hard link
    to a file elsewhere is that file, and can be read.

    Args:
        root: an existing folder. A link to one is followed now, once.
        max_bytes: bytes that one call reads or writes at most; longer files are read in parts.
        writable: whether to have `write_file`, which makes, replaces and never deletes.

    Raises:
        ConfigurationError: the root is not a folder, `max_bytes` is below 4, or the system
            cannot open files safely (Windows).
    """
    if max_bytes < _LONGEST_CHARACTER:
        raise ConfigurationError(f"`max_bytes` is {max_bytes}; give {_LONGEST_CHARACTER} or more")
    folder = _Files(open_root(root), max_bytes)
    tools = [tool(folder.list_files), tool(folder.read_file), tool(folder.search_files)]
    if writable:
        tools.append(tool(folder.write_file))
    return Toolkit("files", tools)


class _Files(Struct, frozen=True):
    root: Root
    max_bytes: int

    def list_files(self, path: str = ".") -> str:
        """List the files and folders in a folder, with the size of files in bytes.

        Args:
            path: the folder, such as "docs"; "." is the root.
        """
        parts = parts_of(path)
        with explained(path), self.root.folder(parts) as folder, os.scandir(folder) as entries:
            found = list(islice(entries, _MAX_ENTRIES + 1))
            lines = [_described(entry) for entry in sorted(found, key=_name)[:_MAX_ENTRIES]]
        if len(found) > _MAX_ENTRIES:
            lines.append(f"[only {_MAX_ENTRIES} entries are shown]")
        return "\n".join(lines) or f"{shown(path)} is empty"

    def read_file(self, path: str, offset: Annotated[int, Meta(ge=0)] = 0) -> str:
        """Read a text file. A long file is cut, and the offset of the rest is given.

        Args:
            path: the file, such as "docs/notes.txt".
            offset: the byte to begin at, as the end of a cut text gives it.
        """
        *parts, name = _file_parts(path)
        with (
            explained(path),
            self.root.folder(tuple(parts)) as folder,
            open_file(folder, name, path) as file,
        ):
            size = os.fstat(file).st_size
            if not 0 <= offset <= size:
                raise Rejected(
                    f"offset {offset} is outside of {shown(path)}, which has {size} bytes"
                )
            data = read_at(file, offset, self.max_bytes)
        end = offset + len(data)
        if offset:
            data = data[:3].lstrip(_CONTINUATION_BYTES) + data[3:]  # the rest of a cut character
        text, used = decode(data, path, final=end >= size)
        end -= len(data) - used
        if end >= size:
            return text
        return f"{text}\n[cut after byte {end} of {size}; to read on, give offset={end}]"

    def search_files(self, text: str, path: str = ".", names: str = "*") -> str:
        """Find lines that contain a text, in all files of a folder and of the folders in it.

        Upper and lower case are the same. Hidden files are left out, and of very long files the
        end.

        Args:
            text: the text to find, literally.
            path: the folder to search, such as "docs"; "." is the root.
            names: which file names to search, such as "*.py".
        """
        if not text.strip():
            raise Rejected("the text to find is empty; give a word of the wanted line")
        parts = parts_of(path)
        with explained(path), self.root.folder(parts):
            search = Search(self.root, text.casefold(), names)
            search.run(parts)
        lines = search.matches or [f"no line contains `{text}`"]
        if search.exhausted:
            lines.append("[not everything was searched; look for less, or in one folder]")
        return "\n".join(lines)

    def write_file(self, path: str, content: str) -> str:
        """Write a text file: make it, with the folders it needs, or replace it whole.

        Args:
            path: the file, such as "docs/notes.txt".
            content: all of the new text.
        """
        *parts, name = _file_parts(path)
        try:
            data = content.encode()
        except UnicodeEncodeError as error:
            raise Rejected(f"the text is not valid Unicode: {error}") from None
        if len(data) > self.max_bytes:
            raise Rejected(
                f"the text has {len(data)} bytes, a file may have {self.max_bytes}; write several"
            )
        with explained(path), self.root.folder(tuple(parts), create=True) as folder:
            replace_file(folder, name, data, _replaceable_mode(folder, name, path))
        return f"wrote {len(data)} bytes to {shown(path)}"


def _file_parts(path: str) -> Parts:
    parts = parts_of(path)
    if not parts:
        raise Rejected(f"{shown(path)} names no file; give a path such as `notes.txt`")
    return parts


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _described(entry: os.DirEntry[str]) -> str:
    name = printable(entry.name)
    if entry.is_symlink():
        return f"{name} (a link, not followed)"
    if entry.is_dir(follow_symlinks=False):
        return f"{name}/"
    if not entry.is_file(follow_symlinks=False):
        return f"{name} (not a regular file)"
    with suppress(FileNotFoundError):  # deleted since it was listed
        name += f" ({entry.stat(follow_symlinks=False).st_size} bytes)"
    return name


def _replaceable_mode(folder: int, name: str, path: str) -> int | None:
    """Give the permission bits of the file to be replaced, None when there is none."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    require_regular(status, path)
    if not status.st_mode & stat.S_IWUSR:  # replacing a file would not ask for this right
        raise Rejected(f"{shown(path)} is read-only; write to another file")
    return status.st_mode & 0o777
