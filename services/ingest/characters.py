"""Decides which characters no stored text may hold. Called wherever ingest reads words; keeps nothing."""


def refused_characters(said: str) -> str | None:
    """Return the fault of a text that cannot be stored, None for any other.

    NUL and half a surrogate pair come from broken programs, never from a person: what else is broken is unknown.
    """
    if "\x00" in said:
        return "nul_refused"
    try:
        said.encode()
    except UnicodeEncodeError:
        return "surrogate_refused"
    return None
