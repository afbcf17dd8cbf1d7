"""Secrets at rest: a ring of keys, newest first. The newest encrypts, all of them decrypt."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.signals import setting_changed

from apps.core.errors import ConfigurationError


def stretch(passphrase: str, purpose: bytes) -> bytes:
    """32 bytes for `purpose` from a passphrase of any length, by HKDF-SHA-256."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(passphrase.encode())


class Keyring:
    """Encrypts, decrypts and fingerprints text with the passphrases given, newest first."""

    def __init__(self, passphrases: list[str]) -> None:
        if not passphrases:
            raise ConfigurationError("no_field_keys", "FIELD_KEYS is empty. Set at least one key.")
        self._ring = MultiFernet(
            [Fernet(base64.urlsafe_b64encode(stretch(p, b"field"))) for p in passphrases]
        )
        self._mark = stretch(passphrases[0], b"fingerprint")

    def encrypt(self, text: str) -> str:
        """`text` encrypted and authenticated, as ASCII."""
        return self._ring.encrypt(text.encode()).decode("ascii")

    def decrypt(self, token: str) -> str:
        """The text of `token`. Raises ConfigurationError when no key of the ring fits."""
        try:
            return self._ring.decrypt(token.encode()).decode()
        except InvalidToken:
            raise ConfigurationError(
                "field_key_missing",
                "A stored secret cannot be read with the present FIELD_KEYS. Add the key that was used before.",
            ) from None

    def rotate(self, token: str) -> str:
        """The same text under the newest key."""
        return self.encrypt(self.decrypt(token))

    def fingerprint(self, text: str) -> str:
        """8 hex digits by which people can tell two secrets apart; keyed, so it cannot be guessed back."""
        return hmac.new(self._mark, text.encode(), hashlib.sha256).hexdigest()[:8]


@functools.cache
def keyring() -> Keyring:
    """The ring of settings.FIELD_KEYS."""
    return Keyring(list(settings.FIELD_KEYS))


def encrypt(text: str) -> str:
    """`text` encrypted with the newest key."""
    return keyring().encrypt(text)


def decrypt(token: str) -> str:
    """The text of `token`. Raises ConfigurationError when no key fits."""
    return keyring().decrypt(token)


def fingerprint(text: str) -> str:
    """8 hex digits that stand for a secret in lists and logs."""
    return keyring().fingerprint(text)


def _forget(*, setting: str, **_: object) -> None:
    if setting == "FIELD_KEYS":
        keyring.cache_clear()


setting_changed.connect(_forget, dispatch_uid="core.crypto.keyring")
