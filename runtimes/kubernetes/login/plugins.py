"""Runs the exec plugin of a kubeconfig for a credential. Only `kubeconfig.check` decides that it may run at all.

The client library's own runner waits without end and hides why a plugin failed; here the plugin has a deadline, no
terminal, its own process group that ends with it, and a sentence when it fails. What it printed is never shown: it may
hold the credential. Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from datetime import datetime

import msgspec

from runtimes.errors import Denied, Unavailable
from runtimes.kubernetes.login.entries import Cluster, ExecPlugin
from runtimes.structs import make_ready


class Credential(msgspec.Struct, frozen=True, rename="camel"):
    """What proves who we are: a token, or a client certificate with its key in PEM."""

    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""
    expiration_timestamp: datetime | None = None


class _ExecCredential(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str
    status: Credential | None = None


def credential(plugin: ExecPlugin, cluster: Cluster, *, timeout_s: float) -> Credential:
    """Run the plugin and give its credential. Raise Unavailable when it fails, Denied when it gives none."""
    name = os.path.basename(plugin.command)[:100]  # noqa: PTH119  (a text, as it was written)
    try:
        answer = msgspec.json.decode(_output(plugin, cluster, name, timeout_s), type=_ExecCredential)
    except (ValueError, RecursionError):
        raise Unavailable(f"The exec plugin {name} printed no credential.", hint="Run it by hand and look.") from None
    if answer.api_version != plugin.api_version:
        raise Unavailable(f"The exec plugin {name} speaks another version than the kubeconfig asks for.")
    given = answer.status or Credential()
    if not given.token and not (given.client_certificate_data and given.client_key_data):
        raise Denied(f"The exec plugin {name} gave neither a token nor a certificate.", hint="Sign in with it again.")
    return given


def _output(plugin: ExecPlugin, cluster: Cluster, name: str, timeout_s: float) -> bytes:
    argv = [plugin.command, *(plugin.args or ())]
    process = _started(argv, _environment(plugin, cluster), name)
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"The exec plugin {name} did not finish within {timeout_s:g} s.") from None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # with it goes whatever it started
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    if process.returncode != 0:
        hint = "Run it by hand as the user that runs opsmodal and look; often its own sign-in has expired."
        raise Unavailable(f"The exec plugin {name} failed with exit code {process.returncode}.", hint=hint)
    return output


def _started(argv: list[str], environment: dict[str, str], name: str) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603  (on the list of allowed ones: kubeconfig.check)
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable(f"The exec plugin {name} cannot be started: {error.strerror}.") from None


def _environment(plugin: ExecPlugin, cluster: Cluster) -> dict[str, str]:
    spec: dict[str, object] = {"interactive": False}
    if plugin.provide_cluster_info:
        spec["cluster"] = {"server": cluster.server, "certificate-authority-data": cluster.certificate_authority_data}
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    added = {variable.name: variable.value for variable in plugin.env or ()}
    return {**os.environ, **added, "KUBERNETES_EXEC_INFO": msgspec.json.encode(info).decode()}


make_ready(globals())
