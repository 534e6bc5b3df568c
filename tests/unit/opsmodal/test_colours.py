"""Every text can be read on its ground in both themes; static files stay small and hold nothing that acts."""

from __future__ import annotations

import re

import pytest

from opsmodal.paths import static_root, template_root

READABLE = 4.5
"""WCAG 2.2, success criterion 1.4.3: contrast of text of ordinary size."""
SEEN = 3.0
"""WCAG 2.2, success criterion 1.4.11: what shows where a control is."""
MODULE_MAX_LINES = 120

COMMON = (static_root() / "app.css").read_text(encoding="utf-8")
CONSOLE = (static_root() / "console.css").read_text(encoding="utf-8")
OWN_COLOURS = ("app.css", "console.css")
"""The tokens themselves, and what programs wrote, which is dark in both themes."""
THEMES = ("light", "dark")
TEXTS = ("text", "quiet", "ok", "progress", "error", "neutral")
GROUNDS = ("page", "surface")
PAIRS = [
    *((text, ground) for text in TEXTS for ground in GROUNDS),
    ("on-production", "production"),
    ("on-primary", "primary"),
    ("log-text", "log"),
    ("log-quiet", "log"),
    ("log-text", "log-found"),
    ("log-text", "log-current"),
]


def tokens(theme: str) -> dict[str, str]:
    """Read the colours of one theme."""
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", COMMON))
    both = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", COMMON)
    return found | {name: light if theme == "light" else dark for name, light, dark in both}


def terminal_colours() -> list[tuple[str, str]]:
    """Read the colours of log text and of its grounds, by what the last class ends with: `g-red`, `t-red` (bright)."""
    return re.findall(r'\[class\$="([gt]-[a-z]+)"\] \{ --c: (#[0-9a-f]{6}) \}', CONSOLE)


def luminance(colour: str) -> float:
    """Compute the relative luminance of a colour (WCAG 2.2, glossary)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Compute the contrast ratio of two colours, from 1 to 21."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_on_its_ground(theme: str, text: str, ground: str) -> None:
    known = tokens(theme)
    assert contrast(known[text], known[ground]) >= READABLE


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_controls_can_be_seen(theme: str, ground: str) -> None:
    known = tokens(theme)
    assert contrast(known["control"], known[ground]) >= SEEN


def test_each_colour_of_a_terminal_is_there_as_text_and_as_ground() -> None:
    colours = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
    names = {f"{kind}-{bright}{colour}" for kind in ("fg", "bg") for bright in ("", "bright-") for colour in colours}
    ends = [end for end, _ in terminal_colours()]
    assert {name for name in names if sum(name.endswith(end) for end in ends) == 1} == names
    assert len(ends) == len(set(ends)) == len(names) / 2


@pytest.mark.parametrize(("name", "colour"), terminal_colours())
def test_what_programs_colour_can_be_read_in_the_log(name: str, colour: str) -> None:
    assert contrast(colour, tokens("light")["log"]) >= READABLE, name


def test_only_tokens_name_colours_outside_the_log() -> None:
    others = [path.read_text(encoding="utf-8") for path in static_root().glob("*.css") if path.name not in OWN_COLOURS]
    rules = COMMON[COMMON.index("*, ::before") :] + "".join(others)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?! ?[{,:.])", re.sub(r"#[a-z][a-z-]*", "", rules)) == []


def test_no_module_grows_long() -> None:
    """How much a page loads in all is measured in a browser: tests/browser/test_sizes.py."""
    scripts = static_root().glob("*.js")
    assert max(len(path.read_text(encoding="utf-8").splitlines()) for path in scripts) <= MODULE_MAX_LINES


@pytest.mark.parametrize("word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", ".style."])
def test_scripts_put_nothing_but_text_and_own_nodes_on_a_page(word: str) -> None:
    assert [path.name for path in static_root().glob("*.js") if word in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("pattern", [r"\sstyle=", r"<style", r"<script>", r"\son[a-z]+=", r"javascript:", r"\|\s*safe"])
def test_templates_hold_no_inline_style_or_script_and_no_raw_text(pattern: str) -> None:
    pages = template_root().rglob("*.html")
    assert [page.name for page in pages if re.search(pattern, page.read_text(encoding="utf-8"))] == []
