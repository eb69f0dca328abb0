"""The pages that are neither the article nor consent: errors, health, what machines ask for."""

from blueprints.pages.views import blueprint

__all__ = ["blueprint"]
