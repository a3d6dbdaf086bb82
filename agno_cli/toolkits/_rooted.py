"""A folder that no path leads out of.

A path is checked for `..` and for being absolute, and then walked from the root one part at a
time, each opened relative to the folder before it and never through a link. So what was checked
is what is opened, also when someone swaps a folder for a link in between. Resolving the path
first and comparing it with the root was rejected: it leaves that gap.

A hard link is a file like any other: whoever may link files into the root may show them.
"""

from __future__ import annotations

import codecs
import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from agno_cli._errors import ConfigurationError, Rejected

Parts: TypeAlias = tuple[str, ...]

_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
# O_NONBLOCK: should the file have become a pipe since it was looked at, opening it must not wait.
_FILE_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
)
_NEW_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


class Root(Struct, frozen=True):
    """An existing folder, by its absolute path without links. Make one with `open_root`."""

    path: str

    @contextmanager
    def folder(self, parts: Parts, *, create: bool = False) -> Iterator[int]:
        """Open a folder below the root and give its descriptor; optionally make what lacks.

        Raises:
            OSError: it is not there; `NotADirectoryError` also for a link on the way.
        """
        descriptor = os.open(self.path, _FOLDER_FLAGS)
        try:
            for part in parts:
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=descriptor)
                inner = os.open(part, _FOLDER_FLAGS, dir_fd=descriptor)
                descriptor, outer = inner, descriptor
                os.close(outer)
            yield descriptor
        finally:
            os.close(descriptor)


def open_root(path: str | os.PathLike[str]) -> Root:
    """Check a folder that is to become a root.

    Raises:
        ConfigurationError: it is not a folder, or this system cannot walk folders safely.
    """
    if os.open not in os.supports_dir_fd:
        raise ConfigurationError(
            "the files toolkit needs a system that opens files relative to folders (Linux, macOS);"
            " leave it out on this one"
        )
    resolved = Path(path).resolve()
    if not resolved.is_dir():
        raise ConfigurationError(f"`{os.fspath(path)}` is not a folder; name an existing one")
    return Root(str(resolved))


def parts_of(path: str) -> Parts:
    """Split a path below the root; the root itself, `.` or nothing, has no parts.

    Raises:
        Rejected: it is absolute, climbs, or cannot be a name.
    """
    if path.startswith("/"):
        raise Rejected(
            f"{shown(path)} is absolute; give a path below the root, such as `notes.txt`"
        )
    parts = tuple(part for part in path.split("/") if part not in {"", "."})
    if ".." in parts:
        raise Rejected(f"{shown(path)} climbs with `..`; give a path below the root")
    try:
        usable = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise Rejected(f"{shown(path)} cannot be a file name; leave out the special characters")
    return parts


@contextmanager
def open_file(folder: int, name: str, path: str) -> Iterator[int]:
    """Open a regular file of an open folder for reading and give its descriptor.

    Raises:
        Rejected: it is a link, a folder, a pipe or a device.
        OSError: it is not there, or may not be read.
    """
    # Looked at before it is opened, because opening some devices does something; and after,
    # because it may be another one by then.
    require_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), path)
    descriptor = os.open(name, _FILE_FLAGS, dir_fd=folder)
    try:
        require_regular(os.fstat(descriptor), path)
        yield descriptor
    finally:
        os.close(descriptor)


def read_at(descriptor: int, offset: int, size: int) -> bytes:
    """Read `size` bytes from `offset`, fewer only at the end of the file."""
    pieces: list[bytes] = []
    while size > 0:
        piece = os.pread(descriptor, size, offset)
        if not piece:
            break
        pieces.append(piece)
        offset += len(piece)
        size -= len(piece)
    return b"".join(pieces)


def replace_file(folder: int, name: str, data: bytes, mode: int | None) -> None:
    """Write a file of an open folder whole or not at all, with permission bits `mode` if given."""
    temporary = f".{secrets.token_hex(8)}.tmp"
    descriptor = os.open(temporary, _NEW_FILE_FLAGS, 0o666, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if mode is not None:
                os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise


def require_regular(status: os.stat_result, path: str) -> None:
    """Raise Rejected unless a file is a regular one."""
    kind = status.st_mode
    if stat.S_ISREG(kind):
        return
    if stat.S_ISDIR(kind):
        raise Rejected(f"{shown(path)} is a folder; give the path of a file in it")
    if stat.S_ISLNK(kind):
        raise Rejected(f"{shown(path)} is a link; links are not followed")
    raise Rejected(f"{shown(path)} is a pipe, a socket or a device, not a file")


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Let errors of the system name the path as it was given, and say what to do."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(
            f"there is no {shown(path)}; `list_files` shows what there is"
        ) from None
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise Rejected(
                f"{shown(path)}: a part of it is a link or not a folder; links are not followed"
            ) from None
        raise type(error)(f"{shown(path)}: {error.strerror}") from None


def decode(data: bytes, path: str, *, final: bool) -> tuple[str, int]:
    """Decode UTF-8 and count the bytes used; a character cut at the end is left unless final.

    Raises:
        Rejected: it is not a text.
    """
    try:
        text, used = codecs.utf_8_decode(data, "strict", final)
    except UnicodeDecodeError as error:
        raise Rejected(
            f"{shown(path)} is not a text in UTF-8: it has the byte {data[error.start]:#04x}"
        ) from None
    if "\0" in text:
        raise Rejected(f"{shown(path)} is a binary file, not a text")
    return text, used


def shown(path: str) -> str:
    """Quote a path so that any name fits on a line and can be sent as UTF-8."""
    return f"`{printable(path)}`"


def printable(name: str) -> str:
    """Escape a name that has line breaks, control characters or undecodable bytes."""
    return name if name.isprintable() else ascii(name)[1:-1]


def joined(parts: Sequence[str]) -> str:
    """Write parts as a path."""
    return "/".join(parts) or "."
