"""A certificate of the tests' own."""

import shutil
import subprocess
from pathlib import Path

from conftest import leave_out


def certify(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate for the name, and its key."""
    openssl = shutil.which("openssl") or leave_out("openssl")
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    command = [openssl, "req", *made, *subject]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own words
    return certificate, key
