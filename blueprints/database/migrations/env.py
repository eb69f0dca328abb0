"""Runs the migrations on the database of the application at hand."""

from alembic import context

from blueprints.database import db

with db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,  # SQLite alters a table by making it anew
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
