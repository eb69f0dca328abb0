"""The forms of this room. Each accepts what its own page can send, and nothing else."""

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import ImmutableMultiDict
from wtforms import HiddenField, SelectMultipleField, StringField
from wtforms.form import BaseForm
from wtforms.validators import AnyOf

from blueprints.consent.choices import NONE
from blueprints.consent.methods import ACCEPT_ALL, ACCEPT_SELECTED, CHOICES, REJECT
from blueprints.consent.registry import Registry


class VisitorForm(FlaskForm):
    """A form without a token: that it comes from this site is checked for every request alike.

    `security/origin.py` does so by Fetch Metadata with `Origin` as its fallback, which OWASP's
    cheat sheet takes instead of tokens since 2025, and which Go 1.25 and ASP.NET Core 11 ship. A
    token would make each page one visitor's own and end with it, so that a page from another tab,
    from the Back button or from yesterday could not refuse. `problem` is the name of what is wrong,
    for the page to put into words.
    """

    class Meta(FlaskForm.Meta):
        csrf = False

        def get_translations(self, _form: BaseForm) -> None:
            """Read no file of words for each form: pages have words of their own."""

    repeatable: frozenset[str] = frozenset()

    def __init__(
        self,
        formdata: ImmutableMultiDict[str, str] | None,
        *,
        also: frozenset[str] = frozenset(),
    ) -> None:
        """Take what was sent, or None. `also` names fields that somebody else will read."""
        super().__init__(formdata=formdata)
        self._also = also | {"csrf_token"}  # of a page from before there were none: ignored

    @property
    def problem(self) -> str | None:
        """What is wrong with what was sent: `unknown_key`, `twice`, or a field's name."""
        sent = request.form
        if set(sent) - {field.name for field in self} - self._also:
            return "unknown_key"
        for key, values in sent.lists():
            if len(values) > (len(set(values)) if key in self.repeatable else 1):
                return "twice"
        return None if self.validate() else str(next(iter(self.errors)))


class ChoiceForm(VisitorForm):
    choice = StringField(validators=[AnyOf(CHOICES)])
    purposes = SelectMultipleField()
    not_asked = SelectMultipleField()  # what the page left out, as the browser's signal refuses it
    next = HiddenField()
    notice = HiddenField()  # id of the notice that the page showed

    repeatable = frozenset({"purposes", "not_asked"})

    def __init__(self, registry: Registry, formdata: ImmutableMultiDict[str, str] | None) -> None:
        """Offer the registry's optional purposes. `formdata` is None where nothing was sent."""
        super().__init__(formdata)
        self.offered = registry.optional_ids
        self.purposes.choices = [(purpose, purpose) for purpose in self.offered]
        self.not_asked.choices = self.purposes.choices
        # A refusal is one whatever else is ticked, also what the page was the last to offer.
        self.purposes.validate_choice = self.choice.data != REJECT
        self.not_asked.validate_choice = self.purposes.validate_choice

    @property
    def ticked(self) -> frozenset[str]:
        """The boxes that are ticked, also of purposes that are gone since."""
        return frozenset(self.purposes.data or ()) if self.choice.data == ACCEPT_SELECTED else NONE

    @property
    def given(self) -> frozenset[str]:
        """The purposes accepted: the ticks count with `accept_selected` only."""
        return self.accept(NONE)

    def accept(self, before: frozenset[str]) -> frozenset[str]:
        """Return what it accepts; what is gone since, and not taken back, stays what it was."""
        offered, not_asked = frozenset(self.offered), frozenset(self.not_asked.data or ())
        if self.choice.data == ACCEPT_ALL:
            return (offered | before) - not_asked
        return ((offered | before) & self.ticked) - (not_asked - offered)


class AllowForm(VisitorForm):
    purpose = StringField()
    next = HiddenField()
    notice = HiddenField()  # id of the notice in force when the purpose was named

    def __init__(self, registry: Registry, formdata: ImmutableMultiDict[str, str] | None) -> None:
        super().__init__(formdata)
        self.purpose.validators = [AnyOf(registry.optional_ids)]
