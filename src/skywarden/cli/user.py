"""`skywarden user`: who may log in, and what they may do."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skywarden.model.act import Role

Name = Annotated[str, typer.Argument(metavar="NAME", help="The person's name; upper and lower case are the same.")]
RoleWord = Annotated[
    str, typer.Option("--role", metavar="ROLE", help="observer, operator, supervisor or administrator.")
]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="The configuration; left out: users.toml in this directory."),
]
LONGEST_LINE = 4096  # bytes

app = typer.Typer(help="Say who may log in, and what they may do.", no_args_is_help=True)


@app.command("add")
def add(name: Name, role: RoleWord, config: Config = None) -> None:
    """Add a person. The password is asked for; without a terminal it is the first line of standard input."""
    from skywarden.service.people import change

    path, rank = _place(config), _role(role)
    change.absent(path, name)
    change.add(path, name, rank, _password(name))
    _say(f"{name} is {rank.word}", path)


@app.command("passwd")
def passwd(name: Name, config: Config = None) -> None:
    """Give a person another password; their sessions end. It is asked for as in `add`."""
    from skywarden.service.people import change

    path = _place(config)
    user = change.present(path, name)
    change.set_password(path, name, _password(user.name))
    _say(f"{user.name} has another password", path)


@app.command("role")
def set_role(name: Name, role: RoleWord, config: Config = None) -> None:
    """Let a person do more or less; their sessions end."""
    from skywarden.service.people import change

    path, rank = _place(config), _role(role)
    change.set_role(path, name, rank)
    _say(f"{change.present(path, name).name} is {rank.word}", path)


@app.command("disable")
def disable(name: Name, config: Config = None) -> None:
    """Shut a person out, at once."""
    _disable(name, config, True)


@app.command("enable")
def enable(name: Name, config: Config = None) -> None:
    """Let a person in again."""
    _disable(name, config, False)


@app.command("list")
def show(
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each person.")] = False,
) -> None:
    """List the people, without their passwords."""
    import msgspec

    from skywarden.service.people.users import read

    for user in read(_place(config)).values():
        state = "disabled" if user.disabled else "enabled"
        changed = f"{user.changed:%Y-%m-%dT%H:%M:%SZ}"
        row = {"name": user.name, "role": user.role.word, "state": state, "changed": changed}
        typer.echo(msgspec.json.encode(row).decode() if json else "  ".join(row.values()))


def _disable(name: str, config: Path | None, disabled: bool) -> None:
    from skywarden.service.people import change

    path = _place(config)
    change.set_disabled(path, name, disabled)
    _say(f"{change.present(path, name).name} {'is shut out' if disabled else 'may log in'}", path)


def _place(config: Path | None) -> Path:
    from skywarden.config import RecordSettings, parse, text_of
    from skywarden.service.people.users import place

    return place(parse(text_of(config)).record if config else RecordSettings()).absolute()


def _role(word: str) -> "Role":
    from skywarden.service.people.users import ROLES

    if word not in ROLES:
        raise typer.BadParameter(f"{word!r} is no role; write one of {', '.join(ROLES)}", param_hint="--role")
    return ROLES[word]


def _password(name: str) -> str:
    """Ask for a password, twice. Raises PeopleError when the two differ or it cannot be one."""
    from getpass import getpass

    from skywarden.errors import PeopleError
    from skywarden.service.people.password import suitable

    if not sys.stdin.isatty():
        try:
            return sys.stdin.buffer.readline(LONGEST_LINE).decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise PeopleError("the password on standard input is no UTF-8") from None
    password = getpass(f"password for {name}: ")
    suitable(password, name)
    if getpass("once more: ") != password:
        raise PeopleError("the two differ: nothing was changed")
    return password


def _say(what: str, path: Path) -> None:
    from skywarden.cli.terminal import note

    note(f"{what}; {path}")
