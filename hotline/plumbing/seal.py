"""Sealing: the citizen's words travel encrypted on every backend.

AES-256-GCM (NIST SP 800-38D), a fresh 96-bit nonce each time, the fact's id as associated data, the key's id beside
the sealed bytes so that keys can rotate: a new key reaches readers before writers, an old one is kept until the log
and the dead letters no longer hold anything sealed with it.
"""

from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hotline.plumbing.entropy import ENTROPY
from hotline.plumbing.failures import FactIsBad, KeyMissing

NONCE_BYTES = 12
DEFAULT_KEY_ID = "secret-key"


class Sealer:
    """Seals with the first key it was given and opens with any of them."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._ciphers = {key_id: AESGCM(derive_key(secret)) for key_id, secret in secrets.items()}
        self.writing_key_id = next(iter(secrets))

    def seal(self, words: bytes, *, belongs_to: str) -> bytes:
        """Return nonce and ciphertext of `words`, bound to the fact id `belongs_to`."""
        nonce = ENTROPY.take(NONCE_BYTES)
        return nonce + self._ciphers[self.writing_key_id].encrypt(nonce, words, belongs_to.encode())

    def open(self, sealed: bytes, *, key_id: str, belongs_to: str) -> bytes:
        """Return the words; raises KeyMissing for a key that is not ours, FactIsBad when they were tampered with."""
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise KeyMissing(f"no key {key_id!r} in SEAL_KEYS")
        try:
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], belongs_to.encode())
        except InvalidTag as error:
            raise FactIsBad("the sealed words do not belong to this fact") from error


def derive_key(secret: str) -> bytes:
    """Derive 256 bits from a secret (HKDF, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"hotline facts").derive(secret.encode())
