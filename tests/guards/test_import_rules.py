"""The import rules are said in patterns of names; they must catch direct imports and chains."""

import grimp
import pytest

from tools.import_rules import ByName

IMPORTS = (
    ("services.respond.workflow", "hotline.facts"),
    ("services.respond.web_agency", "services.respond.actions"),
    ("services.respond.web_agency", "aiohttp"),
    ("services.respond.actions", "services.respond.store"),
    ("services.respond.store_sqlite", "sqlite3"),
    ("services.respond.app", "services.respond.store_sqlite"),
)
EDGES = ["services.*.web_*", "services.*.app", "services.*.store_*"]


def graph(*more: tuple[str, str]) -> grimp.ImportGraph:
    """Build a small project's imports."""
    built = grimp.ImportGraph()
    for importer, imported in (*IMPORTS, *more):
        built.add_import(importer=importer, imported=imported)
    return built


def broken(built: grimp.ImportGraph, **options: object) -> list[tuple[str, ...]]:
    """Return the chains that break one rule."""
    contract = ByName(name="rule", session_options={}, contract_options=options)
    return contract.check(built, verbose=False).metadata["chains"]


PURE = {"modules": ["services.*"], "but_for": EDGES, "forbidden": ["aiohttp", "sqlite3"], "through": "true"}
STORAGE = {"modules": ["services.*.web_*"], "forbidden": ["services.*.store_*"]}


@pytest.mark.parametrize("rule", [PURE, STORAGE])
def test_the_project_as_designed_breaks_no_rule(rule: dict[str, object]) -> None:
    assert broken(graph(), **rule) == []


def test_a_pure_module_may_not_import_io_itself_nor_through_another() -> None:
    built = graph(("services.respond.workflow", "services.respond.store_sqlite"))
    assert broken(built, **PURE) == [("services.respond.workflow", "services.respond.store_sqlite", "sqlite3")]
    assert broken(graph(("services.respond.clocks", "sqlite3")), **PURE) == [("services.respond.clocks", "sqlite3")]


def test_a_page_may_not_reach_for_the_store_of_any_backend() -> None:
    built = graph(("services.respond.web_agency", "services.respond.store_mongo"))
    assert broken(built, **STORAGE) == [("services.respond.web_agency", "services.respond.store_mongo")]


def test_a_chain_may_pass_where_the_rule_says_so() -> None:
    built = graph(("services.respond.store", "services.respond.store_sqlite"))
    assert broken(built, **PURE) != []
    assert broken(built, **PURE, may_pass=["services.*.store_*"]) == []
