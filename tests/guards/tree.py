"""The files of the project, as the guards read them."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def tracked_files() -> list[Path]:
    """Return every file that git tracks and that still exists, sorted."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    files = [ROOT / name for name in listing.split("\0") if name]
    return sorted(file for file in files if file.is_file())


def text_of(file: Path) -> str | None:
    """Return a file's text, or None for one that is no text."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def name_of(file: Path) -> str:
    """Return the path as the project says it."""
    return file.relative_to(ROOT).as_posix()
