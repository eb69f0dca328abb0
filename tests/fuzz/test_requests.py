"""No request makes the site fail, hang, or send back as it is what was sent.

Each run tries the same 2,000; `.venv/bin/pytest tests/fuzz --fuzz 100000` tries so many new ones.
"""

from pathlib import Path
from typing import Any

import pytest
from conftest import MakeSite
from hypothesis import given
from inputs import Sent
from properties import ask
from site_to_fuzz import BEHIND_A_PROXY, ON_LINE, requests_to, settings_of_a_full_site
from tries import Tries

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", [BEHIND_A_PROXY, ON_LINE], ids=["behind a proxy", "on line"])
def test_no_request_is_one_too_many(
    make_site: MakeSite, tmp_path: Path, tries: Tries, kind: dict[str, Any]
) -> None:
    site = make_site(**settings_of_a_full_site(tmp_path), **kind, PROPAGATE_EXCEPTIONS=True)

    @tries(0.41)
    @given(requests_to(site).strategy)
    def try_it(sent: Sent) -> None:
        ask(site, sent)

    try_it()
