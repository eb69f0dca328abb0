"""The form of a visitor whose browser is not recognised any more: the number that stood for it."""

from uuid import UUID

from wtforms import StringField

from blueprints.consent.forms import VisitorForm


class NumberForm(VisitorForm):
    number = StringField()

    @property
    def subject(self) -> UUID | None:
        """Whose number it is; None where it cannot be one."""
        try:
            return UUID((self.number.data or "").strip())
        except ValueError:
            return None
