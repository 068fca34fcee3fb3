"""Decides whether modules chosen by the pattern of their names import what they may not.

import-linter calls it as the contract type `by_name` (see pyproject.toml). Its own contract types name modules
one by one and fail on a name that does not exist; ours are said in patterns (`services.*.web_*`), so a new
file falls under the rule on the day it is written. Never looks at what an import is used for.
"""

from fnmatch import fnmatchcase

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class ByName(Contract):
    """No module matching `modules` (and not `but_for`) may import one matching `forbidden`.

    `through`: also not through other modules of ours; a chain through a module matching `may_pass` is let be.
    """

    type_name = "by_name"

    modules = fields.ListField(subfield=fields.StringField())
    but_for = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    forbidden = fields.ListField(subfield=fields.StringField())
    through = fields.BooleanField(required=False, default=False)
    may_pass = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return every chain of imports that breaks the rule."""
        importers = [name for name in matching(graph, self.modules) if not is_match(name, self.but_for)]
        targets = matching(graph, self.forbidden)
        for name in matching(graph, self.may_pass):
            graph.remove_module(name)
        chains: list[tuple[str, ...]] = []
        for importer in importers:
            chains.extend(forbidden_chains(graph, importer, targets, through=bool(self.through)))
        return ContractCheck(kept=not chains, metadata={"chains": sorted(chains)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each chain."""
        for chain in check.metadata["chains"]:
            output.print_error(f"-   {' -> '.join(chain)}", bold=False)
        output.new_line()


def is_match(name: str, patterns: object) -> bool:
    """Tell whether a module's dotted name matches one of the patterns; `*` also passes dots."""
    return any(fnmatchcase(name, str(pattern)) for pattern in patterns or ())  # type: ignore[attr-defined]


def matching(graph: ImportGraph, patterns: object) -> list[str]:
    """Return the names in the graph, of ours and of others, that match."""
    return sorted(name for name in graph.modules if is_match(name, patterns))


def forbidden_chains(graph: ImportGraph, importer: str, targets: list[str], *, through: bool) -> list[tuple[str, ...]]:
    """Return the shortest chain from `importer` to each target that it reaches."""
    if importer not in graph.modules:
        return []
    if not through:
        direct = graph.find_modules_directly_imported_by(importer)
        return [(importer, target) for target in targets if target in direct]
    found = (
        graph.find_shortest_chain(importer=importer, imported=target)
        for target in targets
        if target in graph.modules and target != importer
    )
    return [tuple(chain) for chain in found if chain]
