"""What the rooms are told when the database cannot be used."""

from sqlalchemy import exc

TRANSACTION_ROLLBACK = "40"  # class of SQLSTATE: a deadlock, or two that changed the same


class DatabaseUnavailableError(exc.SQLAlchemyError):
    """The database cannot be used now: it failed, was too slow, or failed a moment ago."""


class OutcomeUnknownError(DatabaseUnavailableError):
    """The database did not say whether it has committed: what was written may be there or not."""


def is_uncertain(error: BaseException | None) -> bool:
    """Whether it is not known if what was to be written is."""
    return error is not None and (
        isinstance(error, OutcomeUnknownError) or is_uncertain(error.__cause__)
    )


def means_down(error: Exception) -> bool:
    """Whether the database itself failed; that it refused a row or a transaction is an answer.

    Whom the writer of their own process had no time for met a crowd, and no outage: where there is
    one, somebody else meets the failure itself. A file that another process does not let go of is
    one.
    """
    if isinstance(error, exc.IntegrityError | exc.DataError):
        return False
    if isinstance(error, exc.DBAPIError):
        return not str(getattr(error.orig, "sqlstate", None)).startswith(TRANSACTION_ROLLBACK)
    return isinstance(error, OSError | DatabaseUnavailableError)
