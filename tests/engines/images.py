"""The images of the tests, made of the machine's static busybox: no registry can be asked during a test.

Two tags with different content are two versions to update between; `/etc/version` and the web page say which.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tests.engines.process import CannotStart

REPOSITORY = "opsmodal-test/busybox"
TAGS = ("1", "2")
IMAGES = tuple(f"{REPOSITORY}:{tag}" for tag in TAGS)
CHANGES = (
    'CMD ["sh"]',
    "ENV PATH=/bin:/sbin:/usr/bin:/usr/sbin",
    "LABEL org.opencontainers.image.title=opsmodal-test",
)
FILES = {
    "etc/passwd": "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}
EMPTY_FOLDERS = ("tmp", "proc", "sys", "dev", "var", "run")
ANSWER_S = 20.0


def archive(tag: str) -> bytes:
    """Give the root folder of the image as a tar archive; raise CannotStart without a static busybox."""
    busybox = _static_busybox()
    listed = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True, timeout=ANSWER_S)
    applets = [name for name in listed.stdout.split() if name != "busybox"]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in (*EMPTY_FOLDERS, "bin", "etc", "www"):
            tar.addfile(_entry(folder, kind=tarfile.DIRTYPE, mode=0o1777 if folder == "tmp" else 0o755))
        tar.addfile(_entry("bin/busybox", size=busybox.stat().st_size), io.BytesIO(busybox.read_bytes()))
        for applet in applets:
            tar.addfile(_entry(f"bin/{applet}", kind=tarfile.SYMTYPE, target="busybox"))
        for name, text in _files(tag).items():
            tar.addfile(_entry(name, size=len(text.encode()), mode=0o644), io.BytesIO(text.encode()))
    return buffer.getvalue()


def packed(files: Mapping[str, bytes]) -> bytes:
    """Give a layer with some files, as a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            tar.addfile(_entry(name, size=len(data), mode=0o644), io.BytesIO(data))
    return buffer.getvalue()


def bare_archive() -> bytes:
    """Give the root folder of an image with one program, /busybox, and no shell under any name of one."""
    busybox = _static_busybox()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in EMPTY_FOLDERS:
            tar.addfile(_entry(folder, kind=tarfile.DIRTYPE))
        tar.addfile(_entry("busybox", size=busybox.stat().st_size), io.BytesIO(busybox.read_bytes()))
    return buffer.getvalue()


def _files(tag: str) -> dict[str, str]:
    return {**FILES, "etc/version": f"{tag}\n", "www/index.html": f"version {tag}\n"}


def _entry(
    name: str, *, kind: bytes = tarfile.REGTYPE, size: int = 0, mode: int = 0o755, target: str = ""
) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.mode, entry.linkname = kind, size, mode, target
    return entry


def _static_busybox() -> Path:
    found = shutil.which("busybox")
    if not found:
        raise CannotStart("no busybox on this machine to make images of (package busybox-static)")
    # ldd fails for a program without an interpreter, which is what "static" means here.
    if subprocess.run(["ldd", found], check=False, capture_output=True, timeout=ANSWER_S).returncode == 0:
        raise CannotStart(
            f"{found} needs shared libraries; the images are made of a static one (package busybox-static)"
        )
    return Path(found).resolve()
