"""The log that proves each consent: digests, notices, seals, and the verifier that trusts no row.

notices.py, notice_store.py, notice_changes.py  the exact words that were shown, kept and compared
digest.py, merkle.py, seals.py, sealing.py      each record has a digest, each seal closes many
heads.py, verifier.py, rows.py, reading.py      the whole log, read as a stream and checked
erasure.py, retention.py                        what goes, and how the log stays valid without it
views.py                                        what is public of it
"""
