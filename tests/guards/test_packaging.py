"""Whatever lies beside the code is installed with it: a wheel without its data would start and then fail."""

import tomllib

from tests.guards.tree import ROOT, name_of, tracked_files


def test_every_data_file_has_a_kind_that_is_packaged() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packaged = {pattern.removeprefix("**/*") for pattern in project["tool"]["setuptools"]["package-data"]["*"]}
    left_out = [
        name_of(file)
        for file in tracked_files()
        if file.relative_to(ROOT).parts[0] in ("hotline", "services")
        and file.suffix != ".py"
        and file.suffix not in packaged
    ]
    assert left_out == []
