"""The short form of the fault run, so that it is tested; tests/README.md says how to run all."""

import pytest
import run

pytestmark = pytest.mark.slow


def test_nothing_is_lost_and_nothing_wrongly_on_when_a_worker_is_killed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run.main(["--short"]) == 0, capsys.readouterr().out
