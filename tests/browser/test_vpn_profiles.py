"""An administrator adds a VPN profile: one is pasted and refused, one is chosen and taken, and stands in the list."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Own, arrived, pictured
from tests.browser.test_accessibility import findings
from tests.unit.opsmodal.registry.documents import PLANTED_KEY, WIREGUARD

NARROW = {"width": 390, "height": 844}
SSH = "- {name: bastion, kind: ssh, host: 10.0.0.5, user: ops, identityFile: ops.key, passphrase: words}"


@pytest.mark.browser
def test_a_profile_is_refused_at_its_field_then_taken(own: Own, axe_script: Path, tmp_path: Path) -> None:
    page = own.visit("/registry", bypass_csp=True)
    page.get_by_role("link", name="Add VPN profile").click()
    arrived(page, "Add VPN profile · Registry · opsmodal")
    page.get_by_label("Name", exact=True).fill("hq")
    page.get_by_label("Profile file optional", exact=True).fill(f"{WIREGUARD}PostUp = iptables -F\n")
    page.get_by_role("button", name="Add VPN profile").click()
    problem = page.locator("#configFile-problem")
    expect(problem).to_contain_text("Line 8 of the profile, PostUp, would run a program")
    expect(page.get_by_label("Profile file optional", exact=True)).to_have_value("")
    assert findings(page, axe_script) == []
    pictured(page, "vpn-profile-refused")
    (tmp_path / "hq.conf").write_text(WIREGUARD)
    page.locator("input[name='configFile.upload']").set_input_files(tmp_path / "hq.conf")
    page.get_by_role("button", name="Add VPN profile").click()
    arrived(page, "Registry · opsmodal")
    row = page.get_by_role("table", name="VPN profiles").locator("tbody tr")
    expect(row).to_contain_text("WireGuard")
    pictured(page, "registry-vpn-profiles")
    row.get_by_role("link", name="hq").click()
    arrived(page, "hq · Registry · opsmodal")
    expect(page.locator("#configFile-hint")).to_contain_text("Stored: hq.conf")
    assert PLANTED_KEY not in page.content()
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert findings(page, axe_script) == []


@pytest.mark.browser
def test_the_files_of_an_ssh_connection_are_given_in_fields_of_their_own(own: Own, axe_script: Path) -> None:
    page = own.visit("/registry/runtimes/demo", bypass_csp=True, color_scheme="dark")
    page.locator("#connections").fill(SSH)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[id='connections.bastion.identityFile-problem']")).to_be_visible()
    expect(page.get_by_label("Passphrase of the key, bastion")).to_have_attribute("type", "password")
    assert findings(page, axe_script) == []
    expect(page.get_by_role("heading", level=1)).to_have_text("Runtime demo")
    pictured(page, "runtime-ssh-files")
    page.get_by_label("Private key, bastion", exact=True).fill("-----BEGIN OPENSSH PRIVATE KEY-----\nUExBTlRFRA==\n")
    page.get_by_label("Passphrase of the key, bastion").fill("words")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[id='connections.bastion.identityFile-hint']")).to_contain_text("Stored: ops.key")
    assert "UExBTlRFRA" not in page.content()
    assert own.installation.registry.credential("runtimes", "demo", "connections.bastion.passphrase") == "words"
