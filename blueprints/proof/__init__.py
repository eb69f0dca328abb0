"""The tamper-evident log: each record has a digest, each seal closes many, anybody can check.

merkle.py, seals.py       the trees (RFC 9162) and the chain of seals over them
sealing.py                when a seal is due: it listens to `choice_recorded`
raw_log.py, verifier.py   the whole log, read as a stream and checked; no row is trusted
heads.py                  the heads that somebody keeps elsewhere
views.py                  the heads, published; commands.py has `seal` and `verify`
"""

from blueprints.proof.setup import blueprint

__all__ = ["blueprint"]
