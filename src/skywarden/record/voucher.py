"""A signed statement of the state with which a segment begins: what was before may be deleted and can tell no more.

It binds the state's digest to the root of the tree before it. It stands in `meta`, under `state`: key and signature.
"""

from base64 import b64encode
from collections.abc import Collection

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from skywarden.record.checkpoint import SEED, Key
from skywarden.record.log import seal
from skywarden.record.segment import Begin
from skywarden.record.tree import Edge


def voucher(begin: Begin, key: Key | None) -> bytes | None:
    """Return the statement for a beginning; None where there is no state, or nobody to sign."""
    return None if key is None or begin.state is None else key.public + key.sign_text(_text(begin))


def doubt(begin: Begin, statement: object, public: Collection[bytes]) -> str | None:
    """Return what is wrong with the state of a beginning, None when nothing is.

    statement: as `voucher` returned it. public: the keys that may have signed; empty: whichever did.
    """
    if begin.state is None:
        return None if statement is None else "the state that follows this entry was taken away"
    if type(begin.state) is not bytes or seal(begin.seq, begin.state) != begin.digest:
        return "the state that follows this entry is not what was written"
    if statement is None and not public:
        return None
    if type(statement) is not bytes or (public and statement[:SEED] not in public):
        return "the state that follows this entry is not signed by a known key"
    try:
        Ed25519PublicKey.from_public_bytes(statement[:SEED]).verify(statement[SEED:], _text(begin))
    except (InvalidSignature, ValueError):
        return "the state that follows this entry has a wrong signature"
    return None


def _text(begin: Begin) -> bytes:
    root = Edge.decode(begin.size, begin.edge).root()
    digest = begin.digest or b""
    return f"skywarden state\n{begin.seq}\n{b64encode(root).decode()}\n{b64encode(digest).decode()}\n".encode()
