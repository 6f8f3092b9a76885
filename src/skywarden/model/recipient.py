"""Who is told of warnings, and how."""

from typing import Literal

import msgspec

Kind = Literal["cap", "webhook", "mqtt", "cot", "command"]
Language = Literal["en", "uk"]


class Recipient(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of those that warnings are sent to. What is secret stands in files: a configuration is recorded."""

    name: str
    kind: Kind
    url: str | None = None  # where it is; of all kinds but "command"
    command: tuple[str, ...] = ()  # path of a program and its arguments
    areas: tuple[str, ...] = ()  # districts, and sites that are in none; (): all
    language: Language = "en"  # CAP and JSON have both
    least: Literal["warn", "critical"] = "warn"  # level from which it is told
    actual: bool = False  # what it is told is meant; else it is a test
    in_exercise: bool = False  # it is told of exercises, simulations and recordings too
    key: str | None = None  # file: webhook and CAP are signed with what is in it; of MQTT the password
    user: str | None = None  # of MQTT
    topic: str = "skywarden/warnings"  # of MQTT, above the areas
    tls_ca: str | None = None  # PEM file; None: those that this computer trusts
    timeout_s: float = 10.0  # for one attempt
    plain: bool = False  # no TLS to another computer
