"""The operator's desk: how people choose, what was shown when, and what a browser really sees.

report.py, numbers.py, charts.py     `flask consent report`: numbers in which no visitor appears
export.py                            `flask consent export`: the log for a spreadsheet or a program
policy.py, notice_changes.py         `flask consent policy`: the notices, and what changed in them
backup.py, move.py                   `flask consent backup`, `move`: the database copied, verified
metrics.py                           numbers for Prometheus, on an address of their own
audit.py, browser.py, findings.py    `flask consent audit`: the registry against a real browser
period.py, output.py                 what they share: the records of a period, a file written whole

No other room imports this one.
"""

from blueprints.operator.setup import blueprint

__all__ = ["blueprint"]
