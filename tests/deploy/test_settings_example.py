"""deploy/env.example: every setting once, with its true default or one that works, and no secret."""

from hotline.config import SETTINGS, load_settings
from tests.deploy.files import DEPLOY, ENV_LINE

LINES = ENV_LINE.findall((DEPLOY / "env.example").read_text(encoding="utf-8"))


def test_each_setting_stands_there_once_in_the_order_of_the_settings() -> None:
    assert [name for _, name, _ in LINES] == [setting.name for setting in SETTINGS]


def test_what_is_left_out_shows_the_default() -> None:
    defaults = {setting.name: setting.default for setting in SETTINGS}
    left_out = {name: value for sign, name, value in LINES if sign}
    assert left_out == {name: defaults[name] for name in left_out}


def test_the_file_as_it_is_can_be_used_and_holds_no_secret() -> None:
    given = {name: value for sign, name, value in LINES if not sign}
    settings = load_settings(given)
    assert settings.public_url == "https://1022.example.vn"
    assert (settings.secret_key, settings.seal_keys, settings.api_keys, settings.smtp_url) == ("", {}, {}, "")
