"""Typed reading of environment variables. A wrong value stops the start and names the variable.

Every variable may also be given as a file: NAME_FILE=/run/secrets/name (for container secrets).
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """The value of `name`, or the content of the file that `name`_FILE points at."""
    path = os.environ.get(f"{name}_FILE")
    if path and name in os.environ:
        raise ImproperlyConfigured(f"Set either {name} or {name}_FILE, not both.")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(
                f"{name}_FILE: the file cannot be read ({type(error).__name__})."
            ) from None
    return os.environ.get(name, default).strip()


def flag(name: str, *, default: bool) -> bool:
    """A yes/no value: 1, true, yes, on / 0, false, no, off."""
    value = text(name, "1" if default else "0").lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be 0 or 1.")


def whole(name: str, default: int, *, least: int = 0, most: int = 1_000_000) -> int:
    """A whole number between `least` and `most`."""
    value = text(name) or str(default)
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from None
    if not least <= number <= most:
        raise ImproperlyConfigured(f"{name} must be between {least} and {most}.")
    return number


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty parts."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of `allowed`, in upper case."""
    value = (text(name) or default).upper()
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}.")
    return value


def url(name: str, default: str, schemes: tuple[str, ...]) -> SplitResult:
    """An absolute URL with one of `schemes`."""
    value = text(name) or default
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"{name} is not a valid URL.") from None
    if parts.scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must start with {' or '.join(s + '://' for s in schemes)}.")
    return parts


def base(name: str, default: str) -> SplitResult:
    """An http(s) address that paths are put behind: a host, perhaps a port and a path, and nothing else."""
    parts = url(name, default, ("http", "https"))
    if not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", parts.netloc.removesuffix(f":{parts.port}")):
        raise ImproperlyConfigured(f"{name} needs a host after {parts.scheme}://, such as teams.example.com.")
    if parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{name} is the base of all addresses, so it has neither “?” nor “#”.")
    return parts


def made_once(path: Path) -> str:
    """A random secret kept in `path`; made at the first call, readable by the owner alone."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    # Write aside and link: of two processes that start together both must read the same key.
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(50))
    try:
        os.link(aside, path)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    finally:
        aside.unlink()
    return path.read_text(encoding="ascii").strip()


def database(parts: SplitResult) -> dict[str, object]:
    """Django's DATABASES entry for a sqlite:// or postgres(ql):// URL."""
    if parts.scheme == "sqlite":
        path = unquote(parts.netloc + parts.path)
        # sqlite:////srv/db is absolute, sqlite:///db is relative to the working directory, as elsewhere.
        name = path.removeprefix("/")
        if not name:
            raise ImproperlyConfigured(
                "DATABASE_URL needs a file, for example sqlite:////srv/connectors/db.sqlite3."
            )
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": name,
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 20,
                # A transaction that reads before it writes fails at once as "locked" when it starts DEFERRED.
                "transaction_mode": "IMMEDIATE",
                # FULL: an answered request has to survive a power loss, not only the death of a process.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                "PRAGMA cache_size=-8000;",
            },
        }
    if not parts.path.strip("/"):
        raise ImproperlyConfigured("DATABASE_URL needs a database name after the host.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
