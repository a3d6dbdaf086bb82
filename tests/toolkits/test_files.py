"""Files of one folder: what a model sees of them, and that no path leads out."""

import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agno_cli import ConfigurationError, Rejected
from agno_cli._tools import tool_table
from agno_cli.toolkits import _search
from agno_cli.toolkits._rooted import Root, open_file, replace_file
from agno_cli.toolkits._search import Search
from agno_cli.toolkits.files import files


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def root(tmp_path, outside):
    folder = tmp_path / "root"
    (folder / "docs").mkdir(parents=True)
    (folder / "a.txt").write_text("Hello\nWörld\n")
    (folder / "docs" / "b.md").write_text("hello again")
    return folder


def names(folder: Path | str) -> list[str]:
    return sorted(item.name for item in Path(folder).iterdir())


def tools(root: Path, **settings: Any) -> Mapping[str, Any]:
    return tool_table([files(root, **settings)])


# Listing


def test_a_folder_is_listed_by_name_with_sizes(root, outside):
    (root / "link").symlink_to(outside)
    os.mkfifo(root / "pipe")
    (root / "new\nline").touch()

    assert tools(root)["list_files"]() == (
        "a.txt (13 bytes)\n"
        "docs/\n"
        "link (a link, not followed)\n"
        "new\\nline (0 bytes)\n"
        "pipe (not a regular file)"
    )


def test_an_inner_folder_is_listed(root):
    assert tools(root)["list_files"]("./docs//") == "b.md (11 bytes)"


def test_an_empty_folder_says_so(root):
    (root / "docs" / "b.md").unlink()

    assert tools(root)["list_files"]("docs") == "`docs` is empty"


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems refuse such names")
def test_a_name_that_is_not_utf_8_is_escaped(root):
    (root / "docs" / os.fsdecode(b"\xff")).touch()

    assert tools(root)["list_files"]("docs") == "b.md (11 bytes)\n\\udcff (0 bytes)"


def test_a_long_listing_is_cut(root):
    for number in range(1_005):
        (root / "docs" / f"{number:04}").touch()

    lines = tools(root)["list_files"]("docs").splitlines()

    assert (len(lines), lines[-1]) == (1_001, "[only 1000 entries are shown]")


# Reading


def test_a_file_is_read(root):
    assert tools(root)["read_file"]("a.txt") == "Hello\nWörld\n"


def test_a_long_file_is_read_in_parts_that_never_cut_a_character(root):
    text = "aé漢😀" * 5  # characters of one to four bytes
    (root / "long.txt").write_text(text)
    read_file = tools(root, max_bytes=7)["read_file"]

    parts, offset = [], 0
    while True:
        part, _, notice = read_file("long.txt", offset).partition("\n[cut after byte ")
        parts.append(part)
        if not notice:
            break
        offset = int(notice.split()[0])

    assert "".join(parts) == text
    assert read_file("long.txt") == "aé漢\n[cut after byte 6 of 50; to read on, give offset=6]"


def test_an_offset_within_a_character_begins_at_the_next(root):
    assert tools(root)["read_file"]("a.txt", 8) == "rld\n"


@pytest.mark.parametrize("offset", [-1, 14, 2**80])
def test_an_offset_outside_of_the_file_is_refused(root, offset):
    with pytest.raises(Rejected, match=f"offset {offset} is outside of `a.txt`, which has 13"):
        tools(root)["read_file"]("a.txt", offset)


def test_an_offset_at_the_end_gives_nothing(root):
    assert tools(root)["read_file"]("a.txt", 13) == ""


def test_a_huge_file_costs_no_more_than_its_part(root):
    with (root / "huge").open("wb") as file:
        file.write(b"start")
        file.truncate(1 << 40)  # sparse

    with pytest.raises(Rejected, match="`huge` is a binary file"):
        tools(root)["read_file"]("huge")
    assert tools(root, max_bytes=5)["read_file"]("huge") == (
        "start\n[cut after byte 5 of 1099511627776; to read on, give offset=5]"
    )


def test_what_is_not_utf_8_is_refused(root):
    (root / "latin").write_bytes(b"caf\xe9 au lait")

    with pytest.raises(Rejected, match="`latin` is not a text in UTF-8: it has the byte 0xe9"):
        tools(root)["read_file"]("latin")


def test_a_file_that_is_not_there(root):
    with pytest.raises(FileNotFoundError, match=r"no `b\.txt`; `list_files` shows what there is"):
        tools(root)["read_file"]("b.txt")


def test_a_folder_is_no_file(root):
    with pytest.raises(Rejected, match="`docs` is a folder"):
        tools(root)["read_file"]("docs")


def test_the_root_is_no_file(root):
    with pytest.raises(Rejected, match=r"`\.` names no file"):
        tools(root)["read_file"](".")


def test_a_name_too_long_for_the_system(root):
    with pytest.raises(OSError, match="File name too long"):
        tools(root)["read_file"]("x" * 300)


# No way out


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../outside/secret.txt", "climbs"),
        ("docs/../../outside/secret.txt", "climbs"),
        ("docs/..", "climbs"),
        ("..", "climbs"),
        ("/etc/passwd", "is absolute"),
        ("//etc/passwd", "is absolute"),
        ("a.txt\0.md", "cannot be a file name"),
        ("\ud800", "cannot be a file name"),
        ("link/secret.txt", "a part of it is a link"),
        ("docs/inner/secret.txt", "a part of it is a link"),
        ("a.txt/b", "a part of it is a link or not a folder"),
        ("file-link", "is a link"),
        ("dangling", "is a link"),
        ("inside-link", "is a link"),
        ("pipe", "is a pipe, a socket or a device"),
        ("socket", "is a pipe, a socket or a device"),
    ],
)
def test_no_path_leads_out_and_none_hangs(root, outside, monkeypatch, path, reason):
    (root / "link").symlink_to(outside)
    (root / "docs" / "inner").symlink_to("../../outside")
    (root / "file-link").symlink_to(outside / "secret.txt")
    (root / "inside-link").symlink_to(root / "a.txt")
    (root / "dangling").symlink_to("nowhere")
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)  # the whole path would be too long for a socket
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")

    for name in ("read_file", "write_file"):
        with pytest.raises(Rejected, match=reason):
            tools(root, writable=True)[name](path, *["new"] * (name == "write_file"))
    assert (outside / "secret.txt").read_text() == "secret"


def test_absolute_paths_below_the_root_are_refused_too(root):
    with pytest.raises(Rejected, match="absolute; give a path below the root"):
        tools(root)["read_file"](str(root / "a.txt"))


def test_linked_folders_are_neither_listed_nor_searched(root, outside):
    (root / "link").symlink_to(outside)

    for tool_name, arguments in {
        "list_files": ("link",),
        "search_files": ("secret", "link"),
    }.items():
        with pytest.raises(Rejected, match="a part of it is a link"):
            tools(root)[tool_name](*arguments)
    assert tools(root)["search_files"]("secret") == "no line contains `secret`"


def test_a_root_that_is_a_link_is_followed_once(root, outside, tmp_path):
    (tmp_path / "alias").symlink_to(root)
    read_file = tools(tmp_path / "alias")["read_file"]
    (tmp_path / "alias").unlink()
    (tmp_path / "alias").symlink_to(outside)

    assert read_file("a.txt") == "Hello\nWörld\n"


def swap_once(folder: Path, aside: Path, target: Path) -> None:
    steps: list[Callable[[], object]] = [
        lambda: folder.rename(aside),
        lambda: folder.symlink_to(target),
        folder.unlink,
        lambda: aside.rename(folder),
    ]
    for step in steps:
        with suppress(OSError):  # the tool has just made the folder anew
            step()


@pytest.mark.parametrize("tool_name", ["read_file", "write_file", "list_files", "search_files"])
def test_a_folder_swapped_for_a_link_at_any_moment_leads_nowhere(root, outside, tool_name):
    (root / "docs" / "secret.txt").write_text("public")
    call = tools(root, writable=True)[tool_name]
    arguments = {
        "read_file": ("docs/secret.txt",),
        "write_file": ("docs/secret.txt", "public"),
        "list_files": ("docs",),
        "search_files": ("secret", "docs"),
    }[tool_name]
    stop = threading.Event()

    def swap():
        for number in count():
            swap_once(root / "docs", root / f"aside{number}", outside)
            if stop.is_set():
                return

    (outside / "marker").write_text("secret")
    thread = threading.Thread(target=swap)
    thread.start()
    answers = set()
    try:
        for _ in range(300):
            try:
                answers.add(call(*arguments))
            except (Rejected, FileNotFoundError, FileExistsError) as error:
                answers.add(type(error).__name__)
    finally:
        stop.set()
        thread.join()

    assert not any("marker" in answer for answer in answers)
    assert (outside / "secret.txt").read_text() == "secret"
    assert names(outside) == ["marker", "secret.txt"]
    if tool_name == "read_file":
        assert answers <= {"public", "Rejected", "FileNotFoundError"}


def test_a_file_that_became_a_pipe_does_not_hang(root):
    os.mkfifo(root / "pipe")
    folder = os.open(root, os.O_RDONLY)
    try:
        with (
            pytest.raises(Rejected, match="`pipe` is a pipe"),
            open_file(folder, "pipe", "pipe"),
        ):
            pytest.fail("opened a pipe")
    finally:
        os.close(folder)


def test_no_descriptor_is_left_open(root):
    kit = tools(root, writable=True)
    before = len(names("/dev/fd"))

    kit["write_file"]("x/y/z.txt", "z")
    kit["read_file"]("x/y/z.txt")
    kit["search_files"]("z")
    with pytest.raises(FileNotFoundError):
        kit["read_file"]("x/none/z.txt")
    with pytest.raises(Rejected):
        kit["read_file"]("x/y/z.txt/deeper")

    assert len(names("/dev/fd")) <= before  # threads of other tests may have closed some


@pytest.fixture(scope="module")
def maze(tmp_path_factory):
    base = tmp_path_factory.mktemp("maze")
    (base / "root" / "docs").mkdir(parents=True)
    (base / "secret").write_text("secret")
    (base / "root" / "link").symlink_to(base)
    return tools(base / "root")["read_file"]


@given(path=st.text(max_size=20) | st.lists(st.sampled_from(["..", ".", "/", "docs", "link"])))
@settings(deadline=None)
def test_any_path_reads_inside_or_not_at_all(maze, path):
    with pytest.raises((Rejected, OSError)):
        maze(path if isinstance(path, str) else "/".join([*path, "secret"]))


# Searching


def test_lines_are_found_in_all_texts_whatever_their_case(root):
    (root / "docs" / "binary").write_bytes(b"hello\0")
    (root / ".hidden").write_text("hello")
    (root / "latin").write_bytes(b"hello caf\xe9")

    assert tools(root)["search_files"]("HELLO") == "a.txt:1: Hello\ndocs/b.md:1: hello again"


def test_a_search_is_kept_to_a_folder_and_to_names(root):
    search_files = tools(root)["search_files"]

    assert search_files("hello", "docs") == "docs/b.md:1: hello again"
    assert search_files("hello", names="*.txt") == "a.txt:1: Hello"
    assert search_files("hello", names="*.py") == "no line contains `hello`"


def test_an_empty_search_is_refused(root):
    with pytest.raises(Rejected, match="the text to find is empty"):
        tools(root)["search_files"](" ")


def test_a_search_in_a_folder_that_is_not_there(root):
    with pytest.raises(FileNotFoundError, match="there is no `nowhere`"):
        tools(root)["search_files"]("hello", "nowhere")


def test_a_search_says_when_it_stopped_early(root):
    (root / "many.txt").write_text("word\n" * 1_000 + "x" * 1_000 + "word")
    (root / "more.txt").write_text("word")

    lines = tools(root)["search_files"]("word").splitlines()

    assert len(lines) == _search.MAX_MATCHES + 1
    assert lines[-1] == "[not everything was searched; look for less, or in one folder]"


@pytest.mark.parametrize("bound", [{"entries_left": 1}, {"bytes_left": 1}])
def test_a_search_is_bounded_in_entries_and_bytes(root, bound):
    search = Search(Root(str(root)), "hello", "*", **bound)

    search.run(())

    assert search.exhausted
    assert len(search.matches) <= 1


def test_a_search_does_not_descend_for_ever(root):
    deep = root
    for _ in range(40):
        deep = deep / "d"
        deep.mkdir()
        (deep / "t").write_text("needle")

    found = tools(root)["search_files"]("needle").splitlines()

    assert len(found) == 32


# Writing


def test_only_a_writable_toolkit_writes(root):
    assert "write_file" not in tools(root)


def test_a_file_is_written_with_the_folders_it_needs(root):
    answer = tools(root, writable=True)["write_file"]("new/deep/c.txt", "héllo")

    assert answer == "wrote 6 bytes to `new/deep/c.txt`"
    assert (root / "new" / "deep" / "c.txt").read_text() == "héllo"
    assert names(root / "new" / "deep") == ["c.txt"]


def test_a_replaced_file_keeps_its_permissions(root):
    (root / "a.txt").chmod(0o750)

    tools(root, writable=True)["write_file"]("a.txt", "new")

    assert (root / "a.txt").read_text() == "new"
    assert (root / "a.txt").stat().st_mode & 0o777 == 0o750


def test_a_replaced_hard_link_leaves_the_other_name_alone(root, outside):
    os.link(outside / "secret.txt", root / "hard")

    tools(root, writable=True)["write_file"]("hard", "new")

    assert (outside / "secret.txt").read_text() == "secret"


def test_a_read_only_file_is_not_replaced(root):
    (root / "a.txt").chmod(0o444)

    with pytest.raises(Rejected, match=r"`a\.txt` is read-only; write to another file"):
        tools(root, writable=True)["write_file"]("a.txt", "new")


def test_a_folder_is_not_replaced(root):
    with pytest.raises(Rejected, match="`docs` is a folder"):
        tools(root, writable=True)["write_file"]("docs", "new")


def test_what_is_too_long_is_not_written(root):
    with pytest.raises(Rejected, match="the text has 6 bytes, a file may have 5"):
        tools(root, writable=True, max_bytes=5)["write_file"]("a.txt", "abcdé")
    assert (root / "a.txt").read_text() == "Hello\nWörld\n"


def test_text_that_is_not_unicode_is_not_written(root):
    with pytest.raises(Rejected, match="the text is not valid Unicode"):
        tools(root, writable=True)["write_file"]("a.txt", "\ud800")


def test_a_failed_write_leaves_nothing(root):
    folder = os.open(root, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="docs"):
            replace_file(folder, "docs", b"new", None)
    finally:
        os.close(folder)

    assert names(root) == ["a.txt", "docs"]


def test_concurrent_writes_leave_one_whole_text(root):
    write_file = tools(root, writable=True)["write_file"]
    texts = [str(number) * 50_000 for number in range(8)]
    threads = [threading.Thread(target=write_file, args=("a.txt", text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (root / "a.txt").read_text() in texts
    assert names(root) == ["a.txt", "docs"]


# Making the toolkit


@pytest.mark.parametrize("name", ["nowhere", "root/a.txt"])
def test_a_root_must_be_a_folder(root, tmp_path, name):
    with pytest.raises(ConfigurationError, match=f"{name}` is not a folder; name an existing one"):
        files(tmp_path / name)


def test_a_part_must_hold_a_character(root):
    with pytest.raises(ConfigurationError, match="`max_bytes` is 3; give 4 or more"):
        files(root, max_bytes=3)


def test_a_system_that_cannot_walk_safely_is_refused(root, monkeypatch):
    monkeypatch.setattr(os, "supports_dir_fd", set())

    with pytest.raises(ConfigurationError, match="needs a system that opens files relative to"):
        files(root)
