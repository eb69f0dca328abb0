"""What stands beside and below the report's charts; `templates/operator/charts.html` draws them."""

from datetime import date
from math import log10

STEPS_AT_LEAST, STEPS_AT_MOST = 4, 6
LABELS_AT_MOST = 8
DAYS_WITH_WEEKS = 100  # a longer period is labelled by months
MID_MONTH = 15  # a label later in the first month would touch that of the second


def marks(most: int) -> list[tuple[float, str]]:
    """Return the round numbers beside columns, each as its share of the highest of these."""
    order = round(log10(most or 1)) - 1
    step = 10 ** max(order - (most < STEPS_AT_LEAST * 10**order), 0)
    while most > STEPS_AT_MOST * step:
        step *= 2
    return [(number / (most or 1), f"{number:,}") for number in range(0, most + 1, step)]


def labels(days: list[date]) -> dict[int, str]:
    """Label the Mondays of a short period, else firsts of months; return each by its place."""
    are_months = all(day.day == 1 for day in days)
    if not are_months and (days[-1] - days[0]).days < DAYS_WITH_WEEKS:
        chosen = {day: f"{day.day} {day:%b}" for day in days if not day.weekday()}
    else:
        firsts = {day.replace(day=1): day for day in reversed(days)}
        if len(firsts) > 1 and days[0].day > MID_MONTH:
            del firsts[days[0].replace(day=1)]
        chosen = {day: f"{day:%b %Y}" for day in sorted(firsts.values())}
    every = -(-len(chosen) // LABELS_AT_MOST) or 1
    return {days.index(day): label for day, label in list(chosen.items())[::every]}
