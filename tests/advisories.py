"""What is known against the versions that are installed, asked of pip-audit; run by .ci/run.

The advisories are on the network. Where none are to be had, or nothing is known of a library, that
is said, and is no failure. With an advisory it ends with 1.
"""

import json
import subprocess
import sys
import sysconfig


def main() -> int:
    where = sysconfig.get_path("purelib")
    command = [sys.executable, "-m", "pip_audit", "--path", where, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    try:
        libraries = json.loads(done.stdout)["dependencies"]
    except ValueError:
        last = (done.stderr.splitlines() or ["nothing"])[-1]
        print(f"NOT CHECKED: no advisories are to be had here, so nothing was compared: {last}")
        return 0
    known = [library for library in libraries if "vulns" in library]
    bad = [(library, advisory) for library in known for advisory in library["vulns"]]
    for library, advisory in bad:
        mended = ", ".join(advisory["fix_versions"]) or "none yet"
        print(f"{library['name']} {library['version']}: {advisory['id']}, mended in {mended}")
    if not known:
        print(f"NOT CHECKED: nothing is known here of any of the {len(libraries)} libraries.")
        return 0
    print(f"{len(libraries)} libraries: {len(known)} compared, {len(bad)} advisories.")
    if unknown := [library["name"] for library in libraries if "vulns" not in library]:
        print(f"Not compared: {', '.join(unknown)}.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
