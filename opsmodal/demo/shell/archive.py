"""tar, as `kubectl cp` calls it: files of the invented machine packed to output, and unpacked from input.

Only regular files travel. What an archive names outside the folder that it is unpacked in is refused.
"""

from __future__ import annotations

import io
import posixpath
import tarfile

from opsmodal.demo.shell.commands import Call, gathered
from opsmodal.demo.shell.machine import Machine
from opsmodal.demo.shell.steps import STDERR, Running, Say, say

FILE_MODE = 0o644


def tar(call: Call) -> Running:
    """Pack (`tar cf - PATH…`) or unpack (`tar xmf - [-C FOLDER]`)."""
    words = list(call.arguments)
    letters = words.pop(0).lstrip("-") if words else ""
    folder = ""
    if "-C" in words:
        place = words.index("-C")
        folder = words[place + 1] if place + 1 < len(words) else ""
        del words[place : place + 2]
    names = [word for word in words if word != "-" and not word.startswith("--")]
    if "c" in letters and names:
        return (yield from _pack(call.machine, names))
    if "x" in letters:
        return (yield from _unpack(call, folder or call.machine.folder))
    yield say("tar: must specify one of -c, -x, -t\n", STDERR)
    return 1


def _pack(machine: Machine, names: list[str]) -> Running:
    packed = io.BytesIO()
    code = 0
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in names:
            found = _below(machine, machine.path(name))
            if not found:
                yield say(f"tar: {name}: No such file or directory\n", STDERR)
                code = 1
            for path in found:
                member = tarfile.TarInfo(path.lstrip("/"))
                member.size, member.mode, member.mtime = len(machine.files[path]), FILE_MODE, machine.now().timestamp()
                archive.addfile(member, io.BytesIO(machine.files[path]))
    yield Say(packed.getvalue())
    return code


def _below(machine: Machine, path: str) -> list[str]:
    if path in machine.files:
        return [path]
    return sorted(each for each in list(machine.files) if each.startswith(path.rstrip("/") + "/"))


def _unpack(call: Call, folder: str) -> Running:
    data = (yield from gathered(call, ())) or b""
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                path = posixpath.normpath(posixpath.join(call.machine.path(folder), member.name))
                content = archive.extractfile(member) if member.isfile() else None
                if content is None:
                    continue
                if posixpath.isabs(member.name) or ".." in member.name.split("/"):
                    yield say(f"tar: name with '..' or '/' refused: {member.name}\n", STDERR)
                    return 1
                call.machine.write(path, content.read())
    except (tarfile.TarError, OSError) as error:
        yield say(f"tar: {error}\n", STDERR)
        return 1
    return 0
