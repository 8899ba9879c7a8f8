"""The keyed hash under which an address is remembered: it outlives the address and does not tell it."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from app.models.installation import Setting

_SETTING = "address_key"
_UNCOMMITTED = "address_key_is_uncommitted"

# One key for each database, for as long as its engine lives: it never rotates, or opt-outs would be lost.
_keys: WeakKeyDictionary[Engine, bytes] = WeakKeyDictionary()


def address_key(session: Session, canonical: str) -> str:
    """HMAC-SHA256 (64 hexadecimal digits) of a canonical address, with the installation's own key.

    The key is made at its first use and kept in table `installation`.
    """
    return hmac.new(_key(session), canonical.encode(), hashlib.sha256).hexdigest()


def installation(session: Session) -> str:
    """The installation's name (16 hexadecimal digits): whoever has its key, so copies and restores too."""
    return hmac.new(_key(session), b"installation", hashlib.sha256).hexdigest()[:16]


def forget(engine: Engine) -> None:
    """The database was replaced: its key may be another one."""
    _keys.pop(engine, None)


def keyer(session: Session) -> Callable[[str], str]:
    """The same for many addresses: needs the session only now."""
    key = _key(session)
    return lambda canonical: hmac.digest(key, canonical.encode(), "sha256").hex()


def _key(session: Session) -> bytes:
    connection = session.connection()
    if connection.engine in _keys:
        return _keys[connection.engine]
    stored = _stored(session)
    if stored is None:
        if connection.get_execution_options().get("reading"):
            return secrets.token_bytes(32)  # nothing is stored under any key yet, so nothing may be found
        session.info[_UNCOMMITTED] = True
        session.execute(
            text("INSERT INTO installation (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING"),
            {"name": _SETTING, "value": secrets.token_hex(32)},
        )
        stored = _stored(session)
        assert stored is not None  # ours, or the one of whoever was quicker
    key = bytes.fromhex(stored)
    if not session.info.get(_UNCOMMITTED):  # a key that is rolled back must not be remembered
        _keys[connection.engine] = key
    return key


def _stored(session: Session) -> str | None:
    return session.scalar(select(Setting.value).where(Setting.name == _SETTING))
