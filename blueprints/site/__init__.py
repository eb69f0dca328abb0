"""What the site is called and what it looks like: said once, in `site.toml`.

site.py      reads the file, and the colours of the stylesheet
look.py      brings name, colours and pictures into the static files
icons.py     paints the icons anew, where the colour is another one
setup.py     offers it to the other rooms: `site` in templates, `app.extensions["site"]`
"""

from blueprints.site.setup import blueprint

__all__ = ["blueprint"]
