"""The generator of sessions, for measuring: the site reads what it writes."""

import pytest
from browserlike import Visitor
from conftest import MakeSite
from generate import write
from sqlalchemy import func, select

from blueprints.database import db
from blueprints.sessions.models import StoredSession


@pytest.mark.needs("rights")
def test_a_generated_visitor_is_known_by_their_number(make_site: MakeSite) -> None:
    site = make_site()
    write(site, 500, sessions=20)
    with site.app_context():
        assert db.session.scalar(select(func.count()).select_from(StoredSession)) == 20
        subject = db.session.scalar(select(StoredSession.subject).limit(1))
    visitor = Visitor(site)
    visitor.client.set_cookie("session", str(subject))
    assert str(subject) in visitor.get("/cookies/history").text
