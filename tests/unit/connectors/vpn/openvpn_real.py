"""What the real openvpn makes of a profile: the settings that it prints at verbosity 4, before it does anything."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

OPENVPN = shutil.which("openvpn") or ""
SETTING = re.compile(r"^[0-9-]+ [0-9:]+ us=\d+\s+(?P<name>[a-z0-9_.\[\]]+) = (?P<value>.*)$")
READ_IN_FULL = "library versions:"
RUN_S = 20.0
UNSET = frozenset({"'[UNDEF]'", "DISABLED", "0"})
RUNS_OR_READS = (
    *("ipchange", "up_script", "down_script", "route_script", "tls_verify", "tls_export_peer_cert_dir"),
    *("auth_user_pass_verify_script", "client_connect_script", "client_disconnect_script", "client_crresponse_script"),
    *("learn_address_script", "management_addr", "management_port", "dev_node", "lladdr", "chroot_dir", "cd_dir"),
    *("writepid", "status_file", "packet_id_file", "shared_secret_file", "ca_path", "dh_file", "pkcs12_file"),
    *("key_pass_file", "username", "groupname", "daemon", "log", "engine", "socks_proxy_server", "mark", "nice"),
    *("client_config_dir", "ifconfig_pool_persist_filename", "port_share_host", "pkcs11_id", "mlock", "genkey"),
    *("auth_token_secret_file", "tls_server", "ifconfig_local", "local", "bind_local", "remap_sigusr1"),
)
"""Settings that run a program, open a file or give away control: they must be as if nobody had written them."""
INLINE = frozenset({"'[INLINE]'", "'[UNDEF]'"})
HOLDS_A_FILE = ("ca_file", "cert_file", "priv_key_file", "extra_certs_file", "crl_file", "tls_auth_file")
HOLDS_A_FILE += ("tls_crypt_file", "tls_crypt_v2_file")

Settings = dict[str, list[str]]


class NotRead(Exception):
    """openvpn did not take the profile."""


def settings_of(text: str) -> Settings:
    """Give every setting by name, as openvpn prints it. Raise NotRead with its words when it refuses the profile."""
    with tempfile.TemporaryDirectory(prefix="opsmodal-openvpn-") as folder:
        profile, login = Path(folder) / "client.ovpn", Path(folder) / "login"
        profile.write_text(text, encoding="utf-8", newline="")
        login.write_text("name\npassword\n")
        login.chmod(0o600)
        command = [OPENVPN, "--config", str(profile), "--verb", "4", "--connect-timeout", "1"]
        command += ["--connect-retry-max", "1", "--ifconfig-noexec", "--route-noexec"]
        if "\nauth-user-pass\n" in text:
            command += ["--auth-user-pass", str(login)]
        return _read(command)


def _read(command: list[str]) -> Settings:
    said: list[str] = []
    found: Settings = defaultdict(list)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, errors="replace") as running:
        assert running.stdout
        for line in running.stdout:
            said.append(line)
            if match := SETTING.match(line):
                found[match["name"]].append(match["value"])
            if READ_IN_FULL in line:
                running.kill()
                return found
        running.wait(RUN_S)
    raise NotRead("".join(said[-5:]))


def harm(settings: Settings) -> list[str]:
    """List what a profile would run, read or give away; empty for a harmless one."""
    found = [f"{name} = {value}" for name in RUNS_OR_READS for value in settings.get(name, ()) if value not in UNSET]
    found += [f"{name} = {value}" for name in HOLDS_A_FILE for value in settings.get(name, ()) if value not in INLINE]
    return found + [f"{name} = {value}" for name, value in settings.items() if name.startswith("plugin")]
