"""`skywarden score`: the tables of a system judged against the truth of a scenario."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skywarden.score.case import Case, Known
    from skywarden.score.figure import Figure
    from skywarden.score.verdict import Judged

LEAST, MOST = 1.0, 100_000.0  # m, of the cutoff
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
        found = _flat(*pairs[0], html)
    else:
        found = _raids([_case(*pair, alerts, arrivals) for pair in pairs], cutoff, html)
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
    if html is not None:
        _write(judged, found, html)
    return found


def _write(judged: "tuple[Judged, ...]", found: "list[Figure]", html: Path) -> None:
    from skywarden.cli.terminal import note
    from skywarden.score.report import page

    html.write_text(page(judged, found), "utf-8")
    note(f"wrote {html}")


def _case(directory: Path, tracks: Path, alerts: Path | None, arrivals: Path | None) -> "Case":
    from skywarden.errors import MismatchError
    from skywarden.score import notices, tables
    from skywarden.score.case import case

    known = _known(directory)
    beside = tracks if tracks.is_dir() else tracks.parent
    table = _read(tracks / "tracks.csv" if tracks.is_dir() else tracks)
    raised, forecast = _beside(alerts, beside / "alerts.csv"), _beside(arrivals, beside / "arrivals.csv")
    try:
        return case(
            known,
            tables.tracks(table),
            notices.alerts(raised, known.sites) if raised else notices.NO_ALERTS,
            notices.forecasts(forecast, known.sites) if forecast else notices.NO_FORECASTS,
        )
    except MismatchError as problem:
        hint = "TRACKS" if problem.file == "tracks.csv" else problem.file
        raise typer.BadParameter(str(problem), param_hint=hint) from problem


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


def _beside(given: Path | None, usual: Path) -> bytes:
    """Return the bytes of the file that was named, else of the usual one if it exists, else none."""
    if given is not None:
        return _read(given)
    return usual.read_bytes() if usual.exists() else b""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise typer.BadParameter(f"{path} cannot be read: {problem.strerror}", param_hint=path.name) from problem


def _flat(directory: Path, tracks: Path, html: Path | None) -> "list[Figure]":
    """Score the layout of the tracking benchmark: no sites, so tracks only."""
    from skywarden.score import flat
    from skywarden.score.track_figures import of_flat

    if html is not None:
        raise typer.BadParameter("this layout has no sites and no map, so there is no page of it", param_hint="--html")
    settings = flat.meta(_read(directory / "meta.json"))
    truth = _read(directory / "truth.csv")
    table = _read(tracks / "tracks.csv" if tracks.is_dir() else tracks)
    if truth.startswith(b"k,"):
        return of_flat(flat.flat_scores(settings, *flat.runs(truth, table), skip=0))
    pair = flat.truth(truth, settings.dim), flat.tracks(table, settings.dim)
    return of_flat(flat.flat_scores(settings, *pair))
