"""`flask deploy`: the files with which a machine serves this checkout, with the right paths in."""

import shlex
import stat
import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import make_url

from blueprints.consent.commands import BadInputError

HTTP_PORT, TLS_PORT = "80", "443"
LAST_PORT = 2**16 - 1
NOT_IN_A_UNIT = set("$\"'\\")
# What a city keeps outside of the checkout.
FILES = ("SITE", "ARTICLES", "TOPICS", "MESSAGES", "CONSENT_REGISTRY", "CONSENT_NOTICE")


@click.command
@click.argument("what", type=click.Choice(["caddy", "container", "nginx", "systemd", "timers"]))
@with_appcontext
def deploy(what: str) -> None:
    """Print a file for the web server before the site, or for what runs it.

    The name of the site is the first of FLASK_TRUSTED_HOSTS, and it answers under the others as
    well; its port is FLASK_PORT.
    """
    hosts = current_app.config["TRUSTED_HOSTS"]
    if not hosts or hosts[0].startswith("."):
        raise BadInputError("Set FLASK_TRUSTED_HOSTS to the name of the site first.")
    names, _colons, ports = zip(*(host.partition(":") for host in hosts), strict=True)
    if HTTP_PORT in ports:
        raise BadInputError("On port 80 readers are led to https: name another, or none.")
    port = current_app.config["PORT"]
    files = {
        f"FLASK_{name}": Path(file).absolute()
        for name in FILES
        if (file := current_app.config[name])
    }
    # Their folders: what stands beside a file belongs to it, and an editor puts a new one there.
    folders = sorted({file if file.is_dir() else file.parent for file in files.values()})
    values = {
        "host": hosts[0],
        "name": names[0],
        "hosts": hosts,
        # Of all names below one, Caddy gets no certificate by itself.
        "single_hosts": [host for host in hosts if not host.startswith(".")],
        "names": list(dict.fromkeys(names)),
        "tls_ports": list(dict.fromkeys(each or TLS_PORT for each in ports)),
        "port": port,
        "spare_port": port + 1 if port < LAST_PORT else port - 1,
        "python": sys.executable,
        "version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "root": current_app.root_path,
        "backup_days": current_app.config["CONSENT_BACKUP_DAYS"],
        "files": files,
        "volumes": shlex.join(f"--volume={folder}:{folder}:ro" for folder in folders),
        "is_sqlite": make_url(current_app.config["SQLALCHEMY_DATABASE_URI"]).get_backend_name()
        == "sqlite",
    }
    if what in {"systemd", "timers"}:
        if NOT_IN_A_UNIT & {*sys.executable, *current_app.root_path}:
            raise BadInputError("A unit cannot name a checkout with $, a quote or \\ in its path.")
        needed = (Path(current_app.root_path), Path(sys.executable).resolve(), *files.values())
        for folder in dict.fromkeys(filter(None, map(_closed_above, needed))):
            click.echo(
                "The service runs as an account of its own, which may not enter "
                f"{folder}: keep elsewhere what it needs there.",
                err=True,
            )
    template = current_app.jinja_env.get_template(f"operator/deploy/{what}")
    click.echo(template.render(values))


def _closed_above(path: Path) -> Path | None:
    """Find the folder on the way there that is closed to other accounts."""
    ways = (path, *path.parents) if path.is_dir() else path.parents
    return next((way for way in ways if not way.stat().st_mode & stat.S_IXOTH), None)
