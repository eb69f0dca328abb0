"""The usual way to build this with Flask, to compare with: a competent afternoon's work.

Sessions stand in the database, as Flask-Session keeps them there (msgpack under a random id, read
with each request, written when changed), for a tenth less of the processor than with Flask-Session
itself. Flask-WTF guards the form by a token; one template makes the page for each visitor; a choice
is a row. SQLite is set up as well as it can be: WAL, FULL.
"""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from flask import Flask, Request, Response, redirect, render_template, session
from flask.sessions import SessionInterface, SessionMixin
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import FlaskForm
from markdown_it import MarkdownIt
from opponents import serve
from sqlalchemy import JSON, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from werkzeug.datastructures import CallbackDict
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField
from wtforms.validators import AnyOf

ROOT = Path(__file__).parents[2]
LIFETIME = timedelta(days=180)
PURPOSES = ("personalization", "advertising")


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class StoredSession(Base):
    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(unique=True)
    data: Mapped[bytes]
    expiry: Mapped[datetime]


class Choice(Base):
    __tablename__ = "choices"

    id: Mapped[int] = mapped_column(primary_key=True)
    visitor: Mapped[str] = mapped_column(index=True)
    chosen_at: Mapped[datetime]
    choice: Mapped[str]
    statuses: Mapped[dict[str, str]] = mapped_column(JSON)


class ChoiceForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF carries no types
    choice = StringField(validators=[AnyOf(["accept_all", "reject"])])


class StoredDict(CallbackDict[str, Any], SessionMixin):
    def __init__(self, session_id: str, values: dict[str, Any]) -> None:
        def note(_self: object) -> None:
            self.modified = True

        super().__init__(values, note)
        self.session_id, self.modified = session_id, False


class StoredSessions(SessionInterface):
    def open_session(self, app: Flask, request: Request) -> StoredDict:
        sent = request.cookies.get(self.get_cookie_name(app))
        row = sent and db.session.scalar(db.select(StoredSession).filter_by(session_id=sent))
        if not sent or not row or row.expiry <= _now():
            return StoredDict(secrets.token_urlsafe(32), {})
        return StoredDict(sent, msgspec.msgpack.decode(row.data))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, StoredDict) or not session.modified:
            return
        row = db.session.scalar(db.select(StoredSession).filter_by(session_id=session.session_id))
        row = row or StoredSession(session_id=session.session_id)
        row.data, row.expiry = msgspec.msgpack.encode(dict(session)), _now() + LIFETIME
        db.session.add(row)
        db.session.commit()
        name = self.get_cookie_name(app)
        response.set_cookie(name, session.session_id, httponly=True, samesite="Lax")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)  # SQLite keeps no zone


def create_app(folder: str) -> Flask:
    app = Flask("usual", template_folder=str(Path(__file__).parent), static_folder=None)
    app.config["SECRET_KEY"] = "x" * 32
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder}/usual.db?timeout=30"
    app.session_interface = StoredSessions()
    db.init_app(app)
    text = next((ROOT / "blueprints/article/texts/en").glob("*.md")).read_text(encoding="utf-8")
    article = MarkdownIt().render(text.partition("\n---\n")[2])
    with app.app_context():
        event.listen(db.engine, "connect", _set_up)
        db.create_all()

    @app.get("/")
    def page() -> str:
        given = session.get("given")
        return render_template(
            "usual_way.html", article=article, given=given, purposes=PURPOSES, form=ChoiceForm()
        )

    @app.post("/cookies")
    def choose() -> AnyResponse:
        form = ChoiceForm()
        if not form.validate_on_submit():
            return Response("Bad request", 400)
        given = PURPOSES if form.choice.data == "accept_all" else ()
        statuses = {name: "given" if name in given else "refused" for name in PURPOSES}
        visitor = session.setdefault("visitor", secrets.token_hex(16))
        row = Choice(
            visitor=visitor, chosen_at=_now(), choice=str(form.choice.data), statuses=statuses
        )
        db.session.add(row)
        db.session.commit()
        session["given"] = list(given)
        return redirect("/", 303)

    @app.get("/health")
    def health() -> str:
        return "ok\n"

    return app


def _set_up(connection: Any, _entry: object) -> None:  # noqa: ANN401 - of the driver
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


if __name__ == "__main__":
    serve({"usual": create_app})
