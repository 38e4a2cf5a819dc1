"""How Alembic reaches the database: through the connection and transaction of whoever calls it."""

from __future__ import annotations

from alembic import context

from alphapanda_desktop.store.schema import metadata

# The caller's transaction makes the whole upgrade happen or none of it.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
