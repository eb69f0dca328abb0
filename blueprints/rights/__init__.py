"""What is a visitor's own (GDPR Art. 15, 17 and 20): to see it, take it along, have it erased.

history.py, standing.py             the records of one visitor; whether one still counts
receipt.py, receipt_check.py        a copy for them to keep, which anybody can check
erasure.py, retention.py            what goes, by their will or by time; the log stays valid
views.py, by_number.py              their pages; those of whoever is not recognised any more
dossier.py, find.py, commands.py,   what the operator does for them: `find`, `erase`, `purge`,
check_receipt.py                    `check-receipt`
"""

from blueprints.rights.setup import blueprint

__all__ = ["blueprint"]
