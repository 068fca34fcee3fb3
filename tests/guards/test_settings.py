"""Every setting is documented for operators, and nothing is documented that is no setting."""

import re

from hotline.config import SETTINGS
from tests.guards.tree import ROOT

ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]*)` \|", re.MULTILINE)


def test_each_setting_has_one_row_in_operations_and_each_row_a_setting() -> None:
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert sorted(ROW.findall(text)) == sorted(setting.name for setting in SETTINGS)
