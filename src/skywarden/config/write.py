"""The commented file of `skywarden config init`, the rows of docs/configuration.md and a summary for people."""

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_origin

import msgspec

from skywarden.config.about import SECTIONS, about
from skywarden.config.settings import Settings
from skywarden.config.shape import CONFIGURATION, Form, holds_blocks, toml

NAMED = 8  # sensors at most in a line of the summary
HEAD = """\
# Configuration of skywarden. Every setting is here with its default.
# Lines that start with "#" and no space are examples or have no default: take the "#" away and change them.
# Check the file with: skywarden config check FILE
"""


class Row(NamedTuple):
    """One setting. default: TOML text, "" for none; required: there must be a value."""

    section: str
    name: str
    default: str
    required: bool
    many: bool  # stands in a [[section]] block, of which there may be many


def rows(form: Form = CONFIGURATION) -> Iterator[Row]:
    """Yield every setting in the order of the file; blocks within a block come after its own settings."""
    for section in msgspec.structs.fields(form.root):
        many = get_origin(section.type) is tuple
        struct: Any = get_args(section.type)[0] if many else section.type
        yield from _rows(section.name, struct, many)


def _rows(section: str, struct: Any, many: bool) -> Iterator[Row]:
    fields = msgspec.structs.fields(struct)
    inner = [field for field in fields if holds_blocks(field.type)]
    for field in fields:
        if field in inner:
            continue
        default: Any = None if field.required else field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        shown = "" if default in (None, {}, "", ()) else toml(default)
        yield Row(section, field.name, shown, field.required, many)
    for field in inner:
        yield from _rows(f"{section}.{field.name}", get_args(field.type)[0], many=True)


def initial() -> str:
    """Return a commented configuration with every setting; read as it is, it gives the defaults."""
    lines = [HEAD]
    section = ""
    for row in rows():
        if row.section != section:
            section = row.section
            lines += ["", f"# {SECTIONS[section]}", f"#[[{section}]]" if row.many else f"[{section}]"]
        lines += _setting(row)
    return "\n".join(lines) + "\n"


def _setting(row: Row) -> list[str]:
    words = about(f"{row.section}.{row.name}")
    off = "#" if row.many or not row.default else ""
    if row.name in ("connect", "file", "interface", "editions", "command", "user", "topic", "polygon") or (
        row.many and row.name.startswith("tls_")
    ):
        off = "##"  # an example source has one way in; these are others
    unit = f" [{words.unit}]" if words.unit else ""
    return [f"# {words.text}{unit}", f"{off}{row.name} = {row.default or words.example}"]


def markdown(form: Form = CONFIGURATION) -> Iterator[str]:
    """Yield the rows of the tables in docs/configuration.md, or in the page of another kind of file."""
    for row in rows(form):
        words = form.about((row.section, row.name))
        default = "required" if row.required else f"`{row.default}`" if row.default else "none"
        limits = "" if words.low is None else f"{words.low:g} to {words.high:g}"
        yield f"| `{row.section}.{row.name}` | {default} | {words.unit} | {limits} | {words.text} |"


def summary(settings: Settings) -> list[str]:
    """Return lines that tell a person what a configuration does."""
    run, total = settings.run, len(settings.sites) + len(settings.sources)
    lines = [f"mode {run.mode}, clock {run.clock}, a picture every {run.tick_ms} ms"]
    lines += [
        f"site {s.name}: {s.latitude:.5f}, {s.longitude:.5f}, radius {s.radius_m:g} m, warn {s.need_s:g} s before"
        for s in settings.sites
    ]
    for source in settings.sources:
        mine = [sensor.name for sensor in settings.sensors if sensor.source == source.name]
        way = ", ".join(source.listens) or source.connect or source.file
        lines.append(f"source {source.name}: {source.format} from {way}" + (f" ({', '.join(mine)})" if mine else ""))
    for one in settings.recipients:
        how = "for real while the picture is live" if one.actual else "as a test only, until it has actual = true"
        exercise = ", in exercises too" if one.in_exercise else ""
        where = " ".join(one.command) or one.url
        lines.append(f"recipient {one.name}: {one.kind} to {where}, {how}{exercise}")
    scheme = "https" if settings.api.tls_certificate else "http"
    lines.append(f"record in {settings.record.path}, interface on {scheme}://{settings.api.listen}")
    if not total:
        lines.append("no sites and no sources yet: nothing will be seen, nothing will be warned of")
    elif not settings.sources:
        lines.append("no sources yet: nothing will be seen")
    elif not settings.sites:
        lines.append("no sites yet: no alert will be raised")
    vague = [one.name for one in settings.sensors if one.node is None and one.max_range_m is None]
    if settings.sites and vague:
        more = f" and {len(vague) - NAMED} more" if len(vague) > NAMED else ""
        lines.append(f"without max_range_m these watch no site (docs/watched.md): {', '.join(vague[:NAMED])}{more}")
    if settings.alert.alert_on == "suspect":
        lines.append('alert_on = "suspect": only tracks that are suspect or hostile will raise alerts')
    return lines
