"""Start, say what happens, stop.

settings.py  where settings come from, and the names and kinds that stop the start
readiness.py what keeps the site from its work, for `/ready`
log.py       what the site's own log says: one line an event, with its time, and of nobody
templates.py templates as they were compiled, for the next start
server.py    the production server: its port, its workers, its end
"""

from blueprints.serving.server import serve
from blueprints.serving.settings import ending_a_command, read_settings
from blueprints.serving.setup import blueprint

__all__ = ["blueprint", "ending_a_command", "read_settings", "serve"]
