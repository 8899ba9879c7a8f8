"""A no that came from a Mexican number with its former 1, which nobody could read, is heard after all"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

NOES = (
    "baja", "dar de baja", "darme de baja", "alto", "salir", "parar", "detener", "cancelar", "no quiero más",
    "no quiero mas", "no quiero mÁs", "stop", "stopall", "unsubscribe", "cancel", "end", "quit", "sair", "pare",
)  # fmt: skip
# SQLite makes only letters of ASCII small. An erasure looks for what has no key by the number in it
THEIRS = sa.text(
    "UPDATE inbound_events SET address_key = NULL"
    " WHERE address_key = '' AND channel = 'whatsapp' AND payload ->> 'address' LIKE '+521%'"
)
AGAIN = sa.text(
    "UPDATE inbound_events SET state = 'new', tries = 0, error = NULL"
    " WHERE state = 'set_aside' AND error = 'not an address that we can read' AND channel = 'whatsapp'"
    " AND payload ->> 'address' LIKE '+521%' AND lower(trim(payload ->> 'text', ' .!')) IN :noes"
).bindparams(sa.bindparam("noes", NOES, expanding=True))


def upgrade() -> None:
    """Nothing else of it: beside a pulse no words of an answer may be tied to who wrote them."""
    op.execute(THEIRS)
    op.execute(AGAIN)


def downgrade() -> None:
    """What is heard stays heard."""
