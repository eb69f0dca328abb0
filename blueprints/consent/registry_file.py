"""Reads `registry.toml` into a `Registry`, or says in one sentence what is wrong with it."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from blueprints.consent.cookies import SESSION, WITHDRAWAL, WITHDRAWAL_MONTHS, Cookie
from blueprints.consent.registry import Registry
from blueprints.consent.registry_checks import CONTROLLER, RegistryError, check
from blueprints.consent.toml_file import TomlFileError, read_table

T = TypeVar("T")


def read_registry(path: Path, *, prefix: str = "", months: int | None = None) -> Registry:
    """Read and check a registry file. `prefix` comes before the name of each cookie of our own.

    The session lasts as long as a choice does, `months`, and a withdrawal that waits as long as the
    site keeps it, whatever the file says.

    Raises:
        RegistryError: naming the entry that is wrong.

    """
    try:
        table = read_table(path)
    except TomlFileError as error:
        raise RegistryError(str(error)) from None
    registry = _build(Registry, table, "")
    check(registry)
    controller = registry.controller.name

    def ours(cookie: Cookie) -> Cookie:
        if cookie.set_by != "server":
            return cookie
        named = replace(cookie, name=prefix + cookie.name)
        if cookie.name == WITHDRAWAL:
            return replace(named, lifetime=f"P{WITHDRAWAL_MONTHS}M")
        if cookie.name != SESSION or months is None:
            return named
        return replace(named, lifetime=f"P{months}M", declared=cookie.lifetime)

    services = (
        replace(
            service,
            name=service.name.replace(CONTROLLER, controller),
            vendor=service.vendor.replace(CONTROLLER, controller),
            cookies=tuple(map(ours, service.cookies)),
        )
        for service in registry.services
    )
    return replace(registry, services=tuple(services))


def _build(cls: type[T], table: Any, where: str) -> T:  # noqa: ANN401 - from a file, any shape
    """Make a dataclass of a TOML table; every key must be one of its fields."""
    if not isinstance(table, dict):
        raise RegistryError(f"{where or 'the file'} must be a table")
    name = str(table.get("id") or table.get("name") or "")
    label = f"{where} {name!r}" if name else where
    hints = get_type_hints(cls)
    known = {entry.name: entry for entry in fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise RegistryError(f"{label} has the unknown key {key!r}".lstrip())
    for key, entry in known.items():
        if key not in table and entry.default is MISSING and entry.default_factory is MISSING:
            raise RegistryError(f"{label} lacks {key!r}".lstrip())
    return cls(
        **{key: _value(hints[key], value, f"{label} {key}".strip()) for key, value in table.items()}
    )


def _value(hint: Any, value: Any, where: str) -> Any:  # noqa: ANN401 - from a file, any shape
    if isinstance(hint, types.UnionType):  # "X | None": a key that is absent is None
        hint = get_args(hint)[0]
    origin, arguments = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, where)
    if origin is tuple and isinstance(value, list):
        singular = where.removesuffix("s")
        return tuple(_value(arguments[0], item, singular) for item in value)
    if origin is Mapping and isinstance(value, dict):
        return {key: _value(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise RegistryError(f"{where} has a value of the wrong kind")
