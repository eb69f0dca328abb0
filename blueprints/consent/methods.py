"""How somebody decides, as records name it: which control, on which page."""

ACCEPT_ALL, ACCEPT_SELECTED, REJECT = "accept_all", "accept_selected", "reject"
CHOICES = (ACCEPT_ALL, ACCEPT_SELECTED, REJECT)
# Methods; the others are a choice on the banner or on the settings page.
CONTINUED_USE, ALWAYS_ALLOW = "continued_use", "embed.always"
WITHDRAW, ERASE = "settings.withdraw", "settings.erase"
# With these something can be taken back, "accept all" of a page that asked about less among them.
WITHDRAWING = {f"{page}.{choice}" for page in ("banner", "settings") for choice in CHOICES}
WITHDRAWING |= {WITHDRAW, ERASE}
METHODS = sorted(WITHDRAWING | {CONTINUED_USE, ALWAYS_ALLOW})
