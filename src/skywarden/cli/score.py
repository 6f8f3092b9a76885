"""`skywarden score`: the tables of a system judged against the truth of a scenario."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skywarden.score.case import Case, Known
    from skywarden.score.figure import Figure
    from skywarden.score.verdict import Judged

LEAST, MOST = 1.0, 100_000.0  # m, of the cutoff
HALF = 0.5  # of a system's tracks; more with a wrong height are no accident
SEED = 1  # of the bootstrap; another one moves the ends of intervals in the third digit


def _distance(value: float) -> float:
    if not LEAST <= value <= MOST:  # so that nan is refused too
        raise typer.BadParameter(f"{value:g} is no cutoff: write metres from {LEAST:g} to {MOST:g}, such as 500")
    return value


def score(  # noqa: PLR0913 - one argument for each option of the command
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="DIR TRACKS", help="A scenario and a system's tables; again for further raids."),
    ],
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the report as one page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every figure with unit, definition and source.")] = False,
    alerts: Annotated[Path | None, typer.Option(metavar="FILE", help="alerts.csv, if not beside the tracks.")] = None,
    arrivals: Annotated[Path | None, typer.Option(metavar="FILE", help="arrivals.csv, if not beside them.")] = None,
    cutoff: Annotated[
        float, typer.Option("--cutoff", metavar="M", callback=_distance, help="c: beyond, a track is nobody's.")
    ] = 500.0,
) -> None:
    """Judge tracks, alerts and arrival forecasts of any system against the truth. Exit 2 when times do not match."""
    from skywarden.cli.terminal import while_read

    pairs = _pairs(paths, alerts or arrivals)
    if (pairs[0][0] / "meta.json").exists():
        found = _flat(pairs, html)
    else:
        found = _raids(_cases(pairs, alerts, arrivals), cutoff, html)
    with while_read():
        _print(found, as_json)


def _pairs(paths: list[Path], single: Path | None) -> list[tuple[Path, Path]]:
    if len(paths) % 2:
        raise typer.BadParameter(
            "give a scenario's directory and the tracks: DIR TRACKS, for each raid", param_hint="TRACKS"
        )
    if single is not None and len(paths) > 2:
        raise typer.BadParameter(
            "with several raids put alerts.csv and arrivals.csv beside the tracks", param_hint="--alerts"
        )
    return list(zip(paths[::2], paths[1::2], strict=True))


def _print(found: "list[Figure]", as_json: bool) -> None:
    from skywarden.score.figure import to_json
    from skywarden.score.readable import to_text

    typer.echo(to_json(found).decode() if as_json else to_text(found).rstrip())


def _raids(cases: "list[Case]", cutoff: float, html: Path | None) -> "list[Figure]":
    import numpy as np

    from skywarden.score.figures import figures
    from skywarden.score.verdict import verdict

    judged = verdict(cases, cutoff)
    found = figures(judged, np.random.default_rng(SEED))
    for one in judged:
        _doubt(one, cutoff)
    if html is not None:
        _write(judged, found, html)
    return found


def _doubt(one: "Judged", cutoff: float) -> None:
    """Say on stderr where it is probably the heights of the tracks that make the measures in space bad."""
    from skywarden.cli.terminal import note
    from skywarden.score.readable import percent
    from skywarden.score.verdict import height_off

    part = height_off(one, cutoff)
    if part > HALF:
        level = f"{one.case.name}: of the times at which a track is within {cutoff:g} m of a target on the level"
        note(f"{level}, it is further in space at {percent(part)} %: is height_m right? See docs/scoring.md")


def _write(judged: "tuple[Judged, ...]", found: "list[Figure]", html: Path) -> None:
    from skywarden.cli.terminal import note
    from skywarden.score.report import page

    html.write_text(page(judged, found), "utf-8")
    note(f"wrote {html}")


def _cases(pairs: list[tuple[Path, Path]], alerts: Path | None, arrivals: Path | None) -> "list[Case]":
    """Return the raids. The same one twice is refused: errors are drawn over raids, so it would count as two."""
    from skywarden.score.case import same_raid

    found: list[Case] = []
    for number, (directory, tracks) in enumerate(pairs):
        if directory.resolve() in [earlier.resolve() for earlier, _ in pairs[:number]]:
            raise _twice(f"{directory} is given twice")
        one = _case(directory, _tables(tracks, alerts, arrivals))
        for (earlier, _), other in zip(pairs, found, strict=False):
            if same_raid(one, other):
                raise _twice(f"{directory} is the same raid as {earlier}: their targets flew the same paths")
        found.append(one)
    return found


def _twice(said: str) -> typer.BadParameter:
    why = "Give each raid once: errors are drawn over whole raids, and its attacks would count as those of two"
    return typer.BadParameter(f"{said}. {why}. To compare systems, judge each by itself.", param_hint="DIR")


def _tables(tracks: Path, alerts: Path | None, arrivals: Path | None) -> dict[str, Path]:
    """Return where the tables of a system are, by their kind; those of warnings need not be there, unless named."""
    for given in (alerts, arrivals):
        if given is not None:
            _read(given)
    whole = tracks.is_dir()
    beside = tracks if whole else tracks.parent
    return {
        "tracks.csv": tracks / "tracks.csv" if whole else tracks,
        "alerts.csv": alerts or beside / "alerts.csv",
        "arrivals.csv": arrivals or beside / "arrivals.csv",
    }


def _case(directory: Path, files: dict[str, Path]) -> "Case":
    from skywarden.errors import MismatchError, TableError
    from skywarden.score import notices, tables
    from skywarden.score.case import case

    try:
        known = _known(directory)
        table = tables.tracks(_read(files["tracks.csv"]))
        raised, forecast = _there(files["alerts.csv"]), _there(files["arrivals.csv"])
        alerts = None if raised is None else notices.alerts(raised, known.sites)
        arrivals = notices.NO_FORECASTS if forecast is None else notices.forecasts(forecast, known.sites)
        found = case(known, table, alerts, arrivals)
    except TableError as problem:
        raise problem.at(str(files.get(problem.file, directory / problem.file))) from problem
    except MismatchError as problem:
        hint = "TRACKS" if problem.file == "tracks.csv" else problem.file
        raise typer.BadParameter(str(problem.at(str(files[problem.file]))), param_hint=hint) from problem
    _notes(files, len(table), alerts is not None)
    return found


def _notes(files: dict[str, Path], tracks: int, alerts: bool) -> None:
    from skywarden.cli.terminal import note

    if not tracks:
        note(f"{files['tracks.csv']} has no rows")
    if not alerts:
        never = "if the system never warned, write it with its header alone"
        note(f"there is no {files['alerts.csv']}, so nothing is said of warnings; {never}")


def _known(directory: Path) -> "Known":
    from skywarden.score import tables
    from skywarden.score.case import Known, Manifest, checked, manifest

    coverage, sensors = directory / "coverage.npy", directory / "sensors.json"
    about = directory / "manifest.json"
    said = manifest(about.read_bytes()) if about.exists() else Manifest()
    known = Known(
        said.scenario or directory.resolve().name,
        tables.truth(_read(directory / "truth.csv")),
        tables.targets(_read(directory / "targets.json")),
        tables.sites(_read(directory / "sites.json")),
        tables.sensors(sensors.read_bytes()) if sensors.exists() else (),
        tables.coverage(coverage.read_bytes()) if coverage.exists() else None,
        said.start_ns,
    )
    return checked(known)


def _there(path: Path) -> bytes | None:
    """Return the bytes of a file, None if there is none."""
    return _read(path) if path.exists() else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise typer.BadParameter(f"{path} cannot be read: {problem.strerror}", param_hint=path.name) from problem


def _flat(pairs: list[tuple[Path, Path]], html: Path | None) -> "list[Figure]":
    """Score the layout of the tracking benchmark: no sites, so tracks only."""
    from skywarden.errors import TableError

    if html is not None:
        raise typer.BadParameter("this layout has no sites and no map, so there is no page of it", param_hint="--html")
    if len(pairs) > 1:
        raise typer.BadParameter(f"{pairs[0][0]} has a meta.json, and of that layout one is judged at a time")
    directory, path = pairs[0][0], _tables(pairs[0][1], None, None)["tracks.csv"]
    try:
        return _flat_figures(directory, path)
    except TableError as problem:
        raise problem.at(str(path if problem.file == "tracks.csv" else directory / problem.file)) from problem


def _flat_figures(directory: Path, path: Path) -> "list[Figure]":
    from skywarden.score import flat
    from skywarden.score.track_figures import of_flat

    settings = flat.meta(_read(directory / "meta.json"))
    truth, table = _read(directory / "truth.csv"), _read(path)
    if truth.startswith(b"k,"):
        return of_flat(flat.flat_scores(settings, *flat.runs(truth, table), skip=0))
    tracks = flat.tracks(table, settings.dim)
    _notes({"tracks.csv": path}, len(tracks), alerts=True)
    return of_flat(flat.flat_scores(settings, flat.truth(truth, settings.dim), tracks))
