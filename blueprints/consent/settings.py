"""The settings about consent that are numbers, in this room and in those above."""

from flask import Flask


def check_number(app: Flask, name: str, unit: str, least: int, most: int) -> None:
    """Stop the start with one sentence where the setting is no whole number in these bounds."""
    value = app.config[name]
    if type(value) is not int or not least <= value <= most:
        raise SystemExit(f"FLASK_{name} must be a number of {unit} from {least} to {most}.")
