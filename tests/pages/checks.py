"""What every page must be, whoever wrote it: one list of rules, each returning its faults.

The page client runs them on every HTML answer of every test.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

NEEDS_NO_LABEL = {"hidden", "submit", "button", "reset", "image"}
LEAKED_WORDS = re.compile(r"\b(None|undefined|Undefined|NaN|nan)\b|\{\{|\}\}|\{%|%\}|<[\w.]+ object at 0x")
DOTTED_WORD = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
UNSAFE_HREF = re.compile(r"^\s*(javascript|data|vbscript):", re.IGNORECASE)


def faults_of(html: str, message_keys: frozenset[str]) -> list[str]:
    """Return every fault of a page, in words; an empty list for a good page."""
    tree = LexborHTMLParser(html)
    text = visible_text(tree)
    return [
        *_frame_faults(html, tree),
        *_input_faults(tree),
        *_form_faults(tree),
        *_inline_faults(tree),
        *_id_faults(tree),
        *_text_faults(html, text, message_keys),
        *[
            f"image without alt: {image.attributes.get('src')}"
            for image in tree.css("img")
            if "alt" not in image.attributes
        ],
    ]


def visible_text(tree: LexborHTMLParser) -> str:
    """Return the words a reader sees, text between tags kept apart by spaces."""
    copy = LexborHTMLParser(tree.html or "")
    copy.strip_tags(["script", "style", "template"], recursive=False)
    return " ".join((copy.body.text(separator=" ") if copy.body else "").split())


def _frame_faults(html: str, tree: LexborHTMLParser) -> Iterator[str]:
    if not html.lstrip().lower().startswith("<!doctype html>"):
        yield "no <!DOCTYPE html>"
    count = len(tree.css("h1"))
    if count != 1:
        yield f"{count} h1 instead of one"
    elif not tree.css("h1")[0].text(strip=True):
        yield "empty h1"
    title = tree.css_first("head > title")
    if title is None or not title.text(strip=True):
        yield "no title"
    root = tree.css_first("html")
    if root is None or root.attributes.get("lang") not in {"vi", "en"}:
        yield "no lang on <html>"


def _input_faults(tree: LexborHTMLParser) -> Iterator[str]:
    labelled = {label.attributes.get("for") for label in tree.css("label") if label.text(strip=True)}
    for control in tree.css("input, select, textarea"):
        if control.tag == "input" and control.attributes.get("type") in NEEDS_NO_LABEL:
            continue
        has_label = control.attributes.get("id") in labelled or control.attributes.get("aria-label")
        if not has_label and not _is_inside_label(control):
            yield f"no label for {control.tag} {control.attributes.get('name')!r}"
    for button in tree.css("button"):
        if not button.text(strip=True) and not button.attributes.get("aria-label"):
            yield "button without text"


def _is_inside_label(node: LexborNode) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag == "label":
            return True
        parent = parent.parent
    return False


def _form_faults(tree: LexborHTMLParser) -> Iterator[str]:
    for form in tree.css("form"):
        if (form.attributes.get("method") or "get").lower() != "post":
            continue
        first = form.css_first("input")
        if first is None or first.attributes.get("name") != "csrf_token" or not first.attributes.get("value"):
            yield f"POST form {form.attributes.get('action')!r} does not start with csrf_token"


def _inline_faults(tree: LexborHTMLParser) -> Iterator[str]:
    for script in tree.css("script"):
        if not script.attributes.get("src"):
            yield "inline script"
    if tree.css("style"):
        yield "inline style element"
    for node in tree.css("*"):
        for name, value in node.attributes.items():
            if name == "style" or name.startswith("on"):
                yield f"inline {name} on {node.tag}"
            if name in {"href", "action", "src", "formaction"} and value and UNSAFE_HREF.match(value):
                yield f"unsafe {name} on {node.tag}"


def _id_faults(tree: LexborHTMLParser) -> Iterator[str]:
    ids = Counter(node.attributes.get("id") for node in tree.css("[id]"))
    yield from (f"id {name!r} stands {count} times" for name, count in ids.items() if count > 1)
    for attribute in ("for", "aria-describedby", "aria-labelledby", "list"):
        for node in tree.css(f"[{attribute}]"):
            for target in (node.attributes.get(attribute) or "").split():
                if target not in ids:
                    yield f"{attribute}={target!r} points at nothing"
    for link in tree.css('a[href^="#"]'):
        target = (link.attributes.get("href") or "")[1:]
        if target and target not in ids:
            yield f"link to #{target} points at nothing"


def _text_faults(html: str, text: str, message_keys: frozenset[str]) -> Iterator[str]:
    leaked = LEAKED_WORDS.search(text)
    if leaked:
        yield f"{leaked[0]!r} in the text: …{text[max(0, leaked.start() - 40) : leaked.end() + 40]}…"
    yield from (f"raw message key {word!r}" for word in DOTTED_WORD.findall(text) if word in message_keys)
    if not unicodedata.is_normalized("NFC", html):
        yield "not NFC"
