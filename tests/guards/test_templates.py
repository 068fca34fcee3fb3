"""Templates are composed Unicode (NFC), without inline script or style: the security policy forbids both."""

import re
import unicodedata
from pathlib import Path

import pytest

from tests.guards.tree import name_of, tracked_files

INLINE = {
    "inline script": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.IGNORECASE),
    "inline style": re.compile(r"<style\b|<[^>]*\sstyle\s*=", re.IGNORECASE),
    "event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "javascript: address": re.compile(r"javascript:", re.IGNORECASE),
}


def template_faults(source: str) -> list[str]:
    """Return what a template may not hold."""
    found = [what for what, pattern in INLINE.items() if pattern.search(source)]
    return found if unicodedata.is_normalized("NFC", source) else ["not NFC", *found]


TEMPLATES = [file for file in tracked_files() if file.suffix == ".html" and "templates" in file.parts]


def test_there_are_templates_to_check() -> None:
    assert TEMPLATES


@pytest.mark.parametrize("template", TEMPLATES, ids=name_of)
def test_a_template_is_composed_and_holds_no_inline_script_or_style(template: Path) -> None:
    assert template_faults(template.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("<script>go()</script>", "inline script"),
        ("<style>p {}</style>", "inline style"),
        ('<p class="x" style="color: red">', "inline style"),
        ("<body onload=go()>", "event attribute"),
        ('<a href="javascript:go()">', "javascript: address"),
        (unicodedata.normalize("NFD", "<p>Phản ánh</p>"), "not NFC"),
    ],
)
def test_the_guard_sees_each_fault(source: str, fault: str) -> None:
    assert fault in template_faults(source)


def test_the_guard_lets_linked_scripts_be() -> None:
    assert template_faults('<script src="/static/upload.js" defer></script><p data-on="x">Phản ánh</p>') == []
