"""What every test of a golden stored document asks: nothing of it is lost when it is read and written again."""


def lost(stored: object, written: object, where: str = "") -> list[str]:
    """Return the places whose value the written document no longer has; a later release may add optional fields."""
    if isinstance(stored, dict) and isinstance(written, dict):
        return [place for key, value in stored.items() for place in lost(value, written.get(key), f"{where}.{key}")]
    if isinstance(stored, list) and isinstance(written, list) and len(stored) == len(written):
        pairs = enumerate(zip(stored, written, strict=True))
        return [place for number, (old, new) in pairs for place in lost(old, new, f"{where}[{number}]")]
    return [] if stored == written else [where]
