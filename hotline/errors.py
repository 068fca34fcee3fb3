"""How bad input is said: every fault at once, each with its field and a message key.

Called by whoever validates (forms, API, batches, workflow); the web shell and the command line turn the keys into
Vietnamese or English sentences. Never carries the citizen's words in `params`.
"""

import dataclasses
from collections.abc import Iterable, Mapping


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One fault: `field` as the caller knows it (`reporter.phone`), `code` a key under `[errors]` in the messages."""

    field: str
    code: str
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Invalid(Exception):
    """The input cannot be accepted; `errors` names every fault, in the order of the form."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__(", ".join(f"{error.field}: {error.code}" for error in self.errors))
