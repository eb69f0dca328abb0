"""Every manipulation of the log is done for real, and the verifier names it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from conftest import MakeSite
from evidence import FIELDS as OF_A_RECORD
from flask import Flask
from log import decide, decide_often, erase, run, tampering
from sqlalchemy import delete, func, insert, select, update

from blueprints.consent.choices import Decision
from blueprints.consent.digest import canonical, digest_of, utc_text
from blueprints.consent.models import ConsentNotice, ConsentRecord
from blueprints.consent.services import columns_of
from blueprints.database import db
from blueprints.proof.models import ConsentLeaf, ConsentOpen, ConsentSeal
from blueprints.proof.raw_log import SAID
from blueprints.proof.seals import Seal, newest_seals

pytestmark = pytest.mark.stores("sqlite", "postgresql")


@pytest.fixture
def log(site: Flask) -> list[Decision]:
    """Nine decisions: four in the first seal, three in the second, two of them open."""
    start = datetime.now(UTC) - timedelta(hours=1)
    decisions = decide_often(site, 4, start)
    assert run(site, "seal").exit_code == 0
    decisions += decide_often(site, 3, start + timedelta(minutes=1))
    assert run(site, "seal").exit_code == 0
    decisions += decide_often(site, 2, start + timedelta(minutes=2))
    result = run(site, "verify")
    assert (result.exit_code, result.output.splitlines()[0]) == (
        0,
        "Intact: 9 records (2 open, 0 erased) in 2 seals.",
    )
    return decisions


def finding(site: Flask, *options: str) -> str:
    """Return what `verify` says of a log that is not intact."""
    result = run(site, "verify", *options)
    assert result.exit_code == 1, result.output
    (line,) = result.output.splitlines()
    return line.removeprefix("Not intact. ")


@pytest.fixture
def kept(site: Flask, log: list[Decision], tmp_path: Path) -> str:
    """The heads as they are now, in a file elsewhere."""
    assert log
    file = tmp_path / "seals.json"
    with site.app_context():
        heads = [seal.as_json for seal in newest_seals(10)]
    file.write_text(json.dumps({"seals": heads, "older": None}), encoding="utf-8")
    assert run(site, "verify", "--head", str(file)).exit_code == 0
    return str(file)


@pytest.mark.usefixtures("log")
def test_two_heads_of_one_seal_in_one_file_are_told(site: Flask, tmp_path: Path) -> None:
    file = tmp_path / "heads.json"
    file.write_text(json.dumps([{"number": 1, "head": digit * 64} for digit in "ab"]), "utf-8")
    answer = run(site, "verify", "--head", str(file))
    assert answer.exit_code == 2
    assert "has two heads of seal 1." in answer.output


COLUMNS: dict[str, Any] = {
    "subject": UUID(int=1),
    "decided_at": datetime.now(UTC) - timedelta(minutes=1),
    "expires_at": datetime.now(UTC) + timedelta(days=999),
    "notice": None,
    "digest": b"0" * 32,
}
FIELDS: dict[str, Any] = {
    "id": str(UUID(int=1)),
    "subject": str(UUID(int=1)),
    "statuses": {"advertising": "given", "personalization": "given"},
    "policy_version": "0" * 12,
    "language": "pt",
    "model": "implied",
    "method": "banner.accept_all",
    "gpc": True,
    "is_consent": False,
    "decided_at": utc_text(COLUMNS["decided_at"]),
    "expires_at": utc_text(COLUMNS["expires_at"]),
    "notice": None,
    "salt": "00" * 16,
    "more": 1,
}
SAID_TWICE = ("id", "subject", "decided_at", "expires_at", "notice")


def content_of(connection: Any, decision: Decision, **changes: Any) -> str:  # noqa: ANN401
    """Return what a record says, with changes."""
    of = ConsentRecord.id == UUID(decision.id)
    content = json.loads(connection.scalar(select(ConsentRecord.content).where(of)))
    return canonical(content | changes).decode()


def change(connection: Any, decision: Decision, **columns: Any) -> None:  # noqa: ANN401
    of = ConsentRecord.id == UUID(decision.id)
    connection.execute(update(ConsentRecord).where(of).values(columns))


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("place", [2, 8], ids=["sealed", "open"])
def test_a_changed_column_is_named(
    site: Flask, log: list[Decision], column: str, place: int
) -> None:
    with tampering(site) as connection:
        change(connection, log[place], **{column: COLUMNS[column]})
    assert finding(site).startswith(f"Record {log[place].id} was changed:")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("place", [2, 8], ids=["sealed", "open"])
def test_a_changed_content_is_named(
    site: Flask, log: list[Decision], field: str, place: int
) -> None:
    with tampering(site) as connection:
        content = content_of(connection, log[place], **{field: FIELDS[field]})
        change(connection, log[place], content=content)
    assert finding(site) == f"Record {log[place].id} was changed: its digest does not fit."


@pytest.mark.parametrize("field", SAID_TWICE)
def test_a_content_that_says_another_thing_than_its_columns_is_named(
    site: Flask, log: list[Decision], field: str
) -> None:
    with tampering(site) as connection:
        content = content_of(connection, log[8], **{field: FIELDS[field]})
        change(connection, log[8], content=content, digest=digest_of(content))
    assert finding(site) == f"Record {log[8].id} was changed: it says another thing beside."


@pytest.mark.parametrize("changes", [{"method": None}, {"statuses": []}, {"gpc": "no"}])
def test_a_content_that_this_site_never_writes_is_named(
    site: Flask, log: list[Decision], changes: dict[str, Any]
) -> None:
    with tampering(site) as connection:
        content = content_of(connection, log[8], **changes)
        change(connection, log[8], content=content, digest=digest_of(content))
    assert finding(site) == f"Record {log[8].id} was changed: it says another thing beside."


@pytest.mark.parametrize("content", ["", "7", "{}", "[]", '{"id":7}', "[" * 9999, "{"])
def test_a_content_that_is_none_is_named(site: Flask, log: list[Decision], content: str) -> None:
    with tampering(site) as connection:
        change(connection, log[8], content=content, digest=digest_of(content))
    assert finding(site) == f"Record {log[8].id} was changed: it says another thing beside."


def test_one_byte_of_a_record_is_enough(site: Flask, log: list[Decision]) -> None:
    with tampering(site) as connection:
        content = content_of(connection, log[5])
        change(connection, log[5], content=f"{content[:-1]} {content[-1]}")
    assert finding(site) == f"Record {log[5].id} was changed: its digest does not fit."


def test_a_byte_that_is_no_text_at_all_is_found(make_site: Any) -> None:  # noqa: ANN401 - see conftest
    site = make_site()
    decision = decide(site, datetime.now(UTC))
    with tampering(site) as connection:
        connection.exec_driver_sql(
            "UPDATE consent_records SET content = CAST(X'7B22FF' AS TEXT), digest = 7"
        )
    assert finding(site) == f"Record {decision.id} was changed: its digest does not fit."


def test_a_record_that_was_changed_together_with_its_digest_is_found(
    site: Flask, log: list[Decision]
) -> None:
    with tampering(site) as connection:
        forge(connection, log[5], digest_in_leaf=False)
    assert finding(site) == f"Record {log[5].id} was changed: it is not what was sealed."
    with tampering(site) as connection:
        forge(connection, log[5], digest_in_leaf=True)
    assert finding(site) == (
        "Seal 2 does not fit its records: at least one of those from position 4 to 6 "
        "was changed together with its digest."
    )


def forge(connection: Any, decision: Decision, *, digest_in_leaf: bool) -> None:  # noqa: ANN401
    statuses = {"advertising": "refused", "personalization": "refused"}
    content = content_of(connection, decision, statuses=statuses)
    digest = digest_of(content)
    change(connection, decision, content=content, digest=digest)
    if digest_in_leaf:
        its_leaf = ConsentLeaf.record == UUID(decision.id)
        connection.execute(update(ConsentLeaf).where(its_leaf).values(digest=digest))


def test_a_deleted_record_is_named(site: Flask, log: list[Decision]) -> None:
    with tampering(site) as connection:
        connection.execute(delete(ConsentRecord).where(ConsentRecord.id == UUID(log[5].id)))
    assert finding(site) == f"Record {log[5].id} at position 5 in seal 2 was removed."


def test_a_record_deleted_with_its_leaf_is_found(site: Flask, log: list[Decision]) -> None:
    with tampering(site) as connection:
        connection.execute(delete(ConsentRecord).where(ConsentRecord.id == UUID(log[1].id)))
        connection.execute(delete(ConsentLeaf).where(ConsentLeaf.record == UUID(log[1].id)))
    assert finding(site) == (
        "The record at position 1 in seal 1 was removed from the sealed log, or moved in it."
    )


def test_a_deleted_tail_with_its_seals_is_found_against_a_head_kept_elsewhere(
    site: Flask, log: list[Decision], kept: str
) -> None:
    with tampering(site) as connection:
        for decision in log[4:]:
            connection.execute(delete(ConsentRecord).where(ConsentRecord.id == UUID(decision.id)))
        connection.execute(delete(ConsentOpen))
        connection.execute(delete(ConsentLeaf).where(ConsentLeaf.seal == 2))
        connection.execute(delete(ConsentSeal).where(ConsentSeal.number == 2))
    alone = run(site, "verify")
    assert alone.exit_code == 0, "nothing in the log itself can tell"
    assert "A cut-off end would show only against a head kept elsewhere" in alone.output
    assert finding(site, "--head", kept) == (
        "Seal 2, whose head was kept, is not in the log: its end was removed."
    )


def test_a_deleted_seal_is_named(site: Flask, log: list[Decision]) -> None:
    assert log
    with tampering(site) as connection:
        connection.execute(delete(ConsentSeal).where(ConsentSeal.number == 1))
    assert finding(site) == "Seal 1 was removed: the next one is seal 2."


def test_a_seal_deleted_from_the_end_leaves_its_records_behind(
    site: Flask, log: list[Decision]
) -> None:
    with tampering(site) as connection:
        connection.execute(delete(ConsentSeal).where(ConsentSeal.number == 2))
    assert finding(site) == (
        f"Record {log[4].id} at position 4 belongs to no seal: "
        "it was inserted, or its seal was removed."
    )


@pytest.mark.parametrize("columns", [{"seal": 1}, {"position": 60}])
def test_a_leaf_that_was_moved_is_named(
    site: Flask, log: list[Decision], columns: dict[str, int]
) -> None:
    its_leaf = ConsentLeaf.record == UUID(log[6].id)
    with tampering(site) as connection:
        connection.execute(update(ConsentLeaf).where(its_leaf).values(columns))
    assert finding(site) == (
        "The record at position 6 in seal 2 was removed from the sealed log, or moved in it."
    )


@pytest.mark.parametrize("columns", [("record",), ("record", "digest")])
def test_two_swapped_records_are_found(
    site: Flask, log: list[Decision], columns: tuple[str, ...]
) -> None:
    with tampering(site) as connection:
        one, two = (
            connection.execute(select(ConsentLeaf.__table__).where(ConsentLeaf.position == at))
            .mappings()
            .one()
            for at in (1, 2)
        )
        connection.execute(delete(ConsentLeaf).where(ConsentLeaf.position.in_((1, 2))))
        for leaf, other in ((one, two), (two, one)):
            swapped = {name: other[name] for name in columns}
            connection.execute(insert(ConsentLeaf).values(dict(leaf) | swapped))
    says = finding(site)
    if columns == ("record",):
        assert says == f"Record {log[2].id} was changed: it is not what was sealed."
    else:
        assert says == (
            f"Record {log[1].id} at position 2 in seal 1 was reordered: "
            "it does not come after the one before."
        )


def test_two_records_that_changed_places_are_found(site: Flask, log: list[Decision]) -> None:
    one, two, spare = UUID(log[1].id), UUID(log[2].id), UUID(int=0)
    with tampering(site) as connection:
        for old, new in ((one, spare), (two, one), (spare, two)):
            connection.execute(update(ConsentRecord).where(ConsentRecord.id == old).values(id=new))
    assert finding(site) == f"Record {log[1].id} was changed: it is not what was sealed."


def test_a_decision_that_was_dated_back_is_listed_once_it_is_sealed(
    site: Flask, log: list[Decision]
) -> None:
    assert log
    backdated = decide(site, datetime.now(UTC) - timedelta(days=100))
    assert "Sealed late" not in run(site, "verify").output, "it may still be in time"
    assert run(site, "seal").output.startswith("Sealed 3 records.\n")
    result = run(site, "verify")
    assert (result.exit_code, result.output[:7]) == (0, "Intact:")
    with site.app_context():
        (seal,) = newest_seals(1)
    decided, sealed = (
        f"{at:%Y-%m-%d %H:%M:%S} UTC" for at in (backdated.decided_at, seal.sealed_at)
    )
    assert result.output.splitlines()[2:4] == [
        "Sealed late, more than a day away from its own time: 1 record.",
        f"  {backdated.id}, decided {decided}, sealed {sealed} in seal 3",
    ]


def test_a_seal_that_was_dated_back_lists_what_it_cannot_have_known(
    site: Flask, log: list[Decision]
) -> None:
    with site.app_context():
        (last,) = newest_seals(1)
    bent = Seal(**vars(last) | {"sealed_at": last.sealed_at - timedelta(days=2)})
    with tampering(site) as connection:
        dated = {"sealed_at": bent.sealed_at, "head": bent.computed_head}
        connection.execute(update(ConsentSeal).where(ConsentSeal.number == 2).values(dated))
    told = run(site, "verify").output.splitlines()
    assert told[2] == "Sealed late, more than a day away from its own time: 3 records."
    assert [line.split(",")[0].strip() for line in told[3:6]] == [each.id for each in log[4:7]]


def test_of_many_that_were_sealed_late_the_first_are_listed_and_all_are_counted(
    site: Flask, log: list[Decision]
) -> None:
    assert log
    late = decide_often(site, 25, datetime.now(UTC) - timedelta(days=2))
    run(site, "seal")
    lines = run(site, "verify").output.splitlines()
    listed = [line.partition(",")[0].strip() for line in lines if line.startswith("  0")]
    assert listed == [decision.id for decision in late[:20]]
    assert "Sealed late, more than a day away from its own time: 25 records." in lines
    assert "  and 5 more" in lines


def test_a_record_that_nobody_listed_as_open_is_named(site: Flask, log: list[Decision]) -> None:
    with tampering(site) as connection:
        its = ConsentOpen.record == UUID(log[7].id)
        connection.execute(delete(ConsentOpen).where(its))
    assert finding(site) == (
        f"Record {log[7].id} is neither sealed nor listed as open: "
        "it was inserted, or its seal or its place in the list was removed."
    )


def test_an_open_record_that_was_removed_is_named(site: Flask, log: list[Decision]) -> None:
    with tampering(site) as connection:
        connection.execute(delete(ConsentRecord).where(ConsentRecord.id == UUID(log[7].id)))
    says = f"Record {log[7].id} is listed as open, but it was removed."
    assert finding(site) == says
    assert run(site, "seal").output.startswith("Sealed 1 record.\n"), "the other one is sealed"
    assert finding(site) == says


def test_a_sealed_record_that_is_listed_as_open_is_named_and_holds_up_no_other(
    site: Flask, log: list[Decision]
) -> None:
    with tampering(site) as connection:
        connection.execute(insert(ConsentOpen).values(record=UUID(log[0].id)))
    says = f"Record {log[0].id} is listed as open, but it is sealed: the list was changed."
    assert finding(site) == says
    assert run(site, "seal").output.startswith("Sealed 2 records.\n")
    assert finding(site) == says


def test_a_log_that_lost_its_last_seal_cannot_be_sealed_and_the_command_says_so(
    site: Flask, log: list[Decision]
) -> None:
    assert log
    with tampering(site) as connection:
        connection.execute(delete(ConsentSeal).where(ConsentSeal.number == 2))
    said = "Another process sealed at this moment. If it always does, run 'verify'.\n"
    assert run(site, "seal").output == said


@pytest.mark.parametrize("column", ["subject", "content"])
def test_a_record_that_was_erased_by_half_is_named(
    site: Flask, log: list[Decision], column: str
) -> None:
    with tampering(site) as connection:
        change(connection, log[2], **{column: None})
    assert finding(site).startswith(f"Record {log[2].id} was changed: ")


@pytest.mark.parametrize("columns", [{"subject": UUID(int=1)}, {"content": "{}"}])
def test_an_answer_that_was_put_back_into_an_erased_record_is_named(
    site: Flask, log: list[Decision], columns: dict[str, Any]
) -> None:
    erase(site, UUID(log[2].subject))
    assert run(site, "verify").exit_code == 0
    with tampering(site) as connection:
        change(connection, log[2], **columns)
    assert finding(site) == f"Record {log[2].id} was changed: its digest does not fit."


def test_a_digest_that_is_none_is_named_in_an_erased_record_too(make_site: Any) -> None:  # noqa: ANN401 - see conftest
    site = make_site()
    decision = decide(site, datetime.now(UTC))
    erase(site, UUID(decision.subject))
    with tampering(site) as connection:
        connection.exec_driver_sql("UPDATE consent_records SET digest = 7")
    assert finding(site) == f"Record {decision.id} was changed: its digest does not fit."


@pytest.mark.parametrize("days", [-8, 8], ids=["an old date", "a date to come"])
def test_a_record_inserted_under_a_number_of_another_day_is_named(
    site: Flask, log: list[Decision], days: int
) -> None:
    with tampering(site) as connection:
        forged = replace(
            log[-1],
            id=str(UUID(int=UUID(log[-1].id).int + 1)),
            decided_at=log[-1].decided_at + timedelta(days=days),
        )
        connection.execute(insert(ConsentRecord).values(columns_of(forged, bytes(16))))
    assert finding(site) == (
        f"Record {forged.id} was inserted: its number is from another day than it says."
    )


def test_a_leaf_of_no_record_inserted_after_the_end_is_named(make_site: MakeSite) -> None:
    site = make_site()
    decide(site, datetime.now(UTC))
    run(site, "seal")
    with tampering(site) as connection:
        connection.exec_driver_sql("INSERT INTO consent_leaves VALUES (1, 1, 7, zeroblob(32))")
    assert finding(site).startswith("Record b'7' at position 1 belongs to no seal")


def test_a_leaf_inserted_after_the_end_is_named(site: Flask, log: list[Decision]) -> None:
    with tampering(site) as connection:
        leaf = {"position": 7, "seal": 2, "record": UUID(log[7].id), "digest": b"0" * 32}
        connection.execute(insert(ConsentLeaf).values(leaf))
    assert finding(site).startswith(f"Record {log[7].id} at position 7 belongs to no seal")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"root": "0" * 64}, "Seal 1 was changed: its head is not that of its content."),
        ({"head": "0" * 64}, "Seal 1 was changed: its head is not that of its content."),
        ({"size": 3}, "Seal 1 was changed: its head is not that of its content."),
        (
            {"sealed_at": datetime(2026, 1, 1, tzinfo=UTC)},
            "Seal 1 was changed: its head is not that of its content.",
        ),
        ({"number": 7}, "Seal 1 was removed: the next one is seal 2."),
    ],
)
def test_a_changed_seal_is_named(
    site: Flask, log: list[Decision], values: dict[str, Any], says: str
) -> None:
    assert log
    with tampering(site) as connection:
        connection.execute(update(ConsentSeal).where(ConsentSeal.number == 1).values(values))
    assert finding(site) == says


def rebuild(site: Flask, decision: Decision) -> None:
    """Change a record, and everything that depends on it, so that the log fits again."""
    with tampering(site) as connection:
        forge(connection, decision, digest_in_leaf=True)
        connection.execute(delete(ConsentLeaf))
        connection.execute(delete(ConsentSeal))
        connection.execute(delete(ConsentOpen))
        connection.execute(insert(ConsentOpen).from_select(["record"], select(ConsentRecord.id)))
    assert run(site, "seal").exit_code == 0


def test_a_chain_made_anew_is_found_against_a_head_kept_elsewhere(
    site: Flask, log: list[Decision], kept: str
) -> None:
    rebuild(site, log[5])
    assert run(site, "verify").exit_code == 0, "nothing in the log itself can tell"
    assert finding(site, "--head", kept) == (
        "Seal 1 has another head than the one that was kept: "
        "the log was made anew from seal 1 or before."
    )


def test_a_seal_with_a_head_that_fits_but_not_the_chain_is_named(
    site: Flask, log: list[Decision]
) -> None:
    assert log
    with site.app_context():
        first = newest_seals(1, before=2)[0]
    bent = Seal(**vars(first) | {"sealed_at": first.sealed_at - timedelta(hours=1)})
    with tampering(site) as connection:
        connection.execute(
            update(ConsentSeal)
            .where(ConsentSeal.number == 1)
            .values(sealed_at=bent.sealed_at, head=bent.computed_head)
        )
    assert finding(site) == "Seal 2 was changed: it does not follow the one before."


def test_a_notice_whose_words_were_changed_is_named(site: Flask, log: list[Decision]) -> None:
    name = log[0].notice
    with tampering(site) as connection:
        words = func.replace(ConsentNotice.content, "necessary", "profitable")
        connection.execute(update(ConsentNotice).values(content=words))
    assert finding(site) == f"Notice {name} was changed."


def test_a_notice_that_was_removed_is_named(site: Flask, log: list[Decision]) -> None:
    name = log[0].notice
    with tampering(site) as connection:
        connection.execute(delete(ConsentNotice))
    assert finding(site) == f"Notice {name}, which record {log[0].id} names, was removed."


def test_without_tampering_the_database_itself_refuses(site: Flask, log: list[Decision]) -> None:
    assert log
    for table in ("consent_records", "consent_leaves", "consent_seals", "consent_notices"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {COLUMN_OF[table]}"):  # noqa: S608 - our own names
            with (
                site.app_context(),
                pytest.raises(db.exc.DBAPIError, match="is never changed"),
                db.engine.begin() as connection,
            ):
                connection.exec_driver_sql(statement)
    assert run(site, "verify").exit_code == 0


COLUMN_OF = {
    # Half an erasure: what was answered would stay.
    "consent_records": "subject = NULL",
    "consent_leaves": "position = position",
    "consent_seals": "number = number",
    "consent_notices": "id = id",
}


def test_the_raw_reader_knows_every_field_of_a_record() -> None:
    assert {field.name for field in msgspec.structs.fields(SAID.type)} == set(OF_A_RECORD)
