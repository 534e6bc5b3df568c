"""Alembic's entry: runs the steps on the connection, inside the transaction, of `opsmodal.store.migrate`."""

from __future__ import annotations

from alembic import context

from opsmodal.store.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    transactional_ddl=False,  # the caller's transaction holds all steps together
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
