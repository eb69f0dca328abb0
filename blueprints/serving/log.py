"""What the site's own log says: one line an event, with its time, and of nobody.

Of an exception only the kind and the place are told: its message may hold what a visitor chose or
sent, as that of a refused INSERT does. What else a visitor can bring into a line, such as the path
of a request, cannot begin a second one.
"""

import logging
import re
import time
from pathlib import Path
from traceback import extract_tb

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
FRAMES = 4  # of a traceback, the innermost first


class OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        line = f"{at} {record.levelname} {record.getMessage()}"
        kind, _error, traceback = record.exc_info or (None, None, None)
        if kind:
            frames = reversed(extract_tb(traceback)[-FRAMES:])
            places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
            line += f" ({kind.__name__} at {' < '.join(places)})"
        return CONTROLS.sub(" ", line)


def line(level: int, message: str) -> str:
    """Return a line of the log, for what is told elsewhere."""
    values = {"levelno": level, "levelname": logging.getLevelName(level), "msg": message}
    return OneLine().format(logging.makeLogRecord(values))


def set_up() -> None:
    """Send to standard error what nobody else handles."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine())
    logging.basicConfig(handlers=[handler])
