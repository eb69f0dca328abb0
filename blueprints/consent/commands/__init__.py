"""`flask consent ...`: the operator's tools. Each command is there once its module is read."""

from blueprints.consent.commands import audit, export, find, log, policy, receipt, report

__all__ = ["audit", "export", "find", "log", "policy", "receipt", "report"]
