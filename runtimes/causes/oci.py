"""Why the low-level runtime could not start a process: words of runc, crun and the engines above them, as a table."""

from __future__ import annotations

from runtimes.causes.finding import Rule, Weight

COMMAND_HINT = "Correct command and args; in an image without a shell, sh is missing as well."
COMMAND_ABSENT = Rule(
    kind="command-not-found",
    words=r"exec: \\?\"(?P<command>[^\"\\]{1,253})\\?\": (?:executable file not found|stat .{0,300}no such file)",
    because="the command {command} of container {container} is not in its image",
    hint=COMMAND_HINT,
)
"""Names its subject, unlike rules on files that are missing: `exec: "/app": stat /app: no such file` is no mount."""

RULES = (
    Rule(
        kind="wrong-platform",
        words=r"exec format error",
        because="the program of container {container} is built for another platform, or is a script without #!",
        hint="Use an image for this platform (docker build --platform), or give the script its first line.",
    ),
    Rule(
        kind="working-directory-missing",
        words=r"chdir to cwd \(\\?\"(?P<folder>[^\"\\]{1,253})",
        because="the working directory {folder} of container {container} does not exist or may not be entered",
        hint="Correct workingDir, or create the folder in the image and let the user in.",
    ),
    Rule(
        kind="mount-type",
        words=r"error mounting \\?\"(?P<source>[^\"\\]{1,253}).{0,600}(?:not a directory|is a directory)"
        r"|mount a directory onto a file",
        because="a folder is mounted onto a file, or a file onto a folder, in container {container}: {source}",
        hint="Check both sides of the mount; a source that was missing may have been created as an empty folder.",
    ),
    Rule(
        kind="mount-failed",
        words=r"error mounting \\?\"(?P<source>[^\"\\]{1,253})",
        because="{source} cannot be mounted into container {container}",
        hint="Check that the source exists on the host and that the engine may use it.",
    ),
    COMMAND_ABSENT,
    Rule(
        kind="command-not-found",
        words=r"executable file [`'\"](?P<crun>[^`'\"]{1,253})[`'\"] not found|no such file or directory.{0,60}exec"
        r"|exec .{0,253}: no such file or directory|command that was not found",
        because="the command {crun} of container {container} is not in its image",
        hint=COMMAND_HINT,
    ),
    Rule(
        kind="command-not-executable",
        words=r"exec: \\?\"(?P<command>[^\"\\]{1,253})\\?\": permission denied|open executable: Permission denied"
        r"|exec .{0,253}: permission denied",
        because="the command {command} of container {container} may not be executed",
        hint="Set the executable bit in the image (chmod +x), and check the user that it runs as.",
    ),
    Rule(
        kind="no-command",
        words=r"no command specified|no command or entrypoint",
        because="container {container} has no command: neither its image nor its definition names one",
        hint="Set command, or an ENTRYPOINT or CMD in the image.",
    ),
    Rule(
        kind="user-missing",
        words=r"unable to find (?:user|group) (?P<user>[^:\s]{1,100})|no matching entries in (?:passwd|group) file",
        because="the user or group {user} of container {container} does not exist in its image",
        hint="Use a numeric user id, or add the user to the image.",
    ),
    Rule(
        kind="device-missing",
        words=r"could not select device driver|unresolvable CDI devices|nvidia-container-cli|no such device",
        because="a device (GPU) that container {container} asks for is not available on this host",
        hint="Install the device's driver and its container toolkit on the host.",
    ),
    Rule(
        kind="disk-full",
        words=r"no space left on device",
        because="the disk of the host is full",
        hint="Free disk: unused images and volumes, logs, or a larger disk. Inodes may be used up too.",
    ),
    Rule(
        kind="too-many-files",
        words=r"too many open files|inotify",
        because="the host has reached its limit of open files",
        hint="Raise fs.inotify or nofile limits on the host, or move load away.",
    ),
    Rule(
        kind="memory-limit-too-small",
        words=r"container init was OOM-killed|memory limit too low|Minimum memory limit",
        because="the memory limit of container {container} is too small even to start it",
        hint="Raise the memory limit.",
    ),
    Rule(
        kind="limits-refused",
        words=r"error setting rlimit|setrlimit|rlimit type",
        because="the host does not allow the limits that container {container} asks for",
        hint="Lower the ulimits of the container, or raise those of the engine.",
    ),
    Rule(
        kind="read-only",
        words=r"read-only file system",
        because="container {container} needs to write where its file system is read-only",
        hint="Mount a volume or tmpfs there, or drop readOnlyRootFilesystem.",
    ),
    Rule(
        kind="permission",
        words=r"operation not permitted|permission denied",
        because="the host does not permit what container {container} needs to start",
        hint="See the quoted words: a capability, a seccomp or SELinux rule, or the owner of a file is missing.",
        weight=Weight.LIKELY,
    ),
    Rule(
        kind="cgroup",
        words=r"cgroup",
        because="the host's control groups cannot be set up for container {container}",
        hint="Check the engine's cgroup driver and version on the host.",
        weight=Weight.LIKELY,
    ),
)
