"""`skywarden config horizon`: terrain -> the lines of a sensor's screening diagram."""

from pathlib import Path
from typing import Annotated

import typer


def horizon(
    tiles: Annotated[list[Path], typer.Argument(metavar="TILE...", help="SRTM files, like N57E011.hgt or .hgt.gz.")],
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration that has the sensor.")],
    sensor: Annotated[str, typer.Option("--sensor", "-s", help="Its name; it needs latitude and longitude there.")],
) -> None:
    """Print horizon_deg and horizon_m of a sensor, to be put into its [[sensors]] block."""
    import numpy as np

    from skywarden import geo
    from skywarden.cli.terminal import note
    from skywarden.config import load
    from skywarden.errors import ConfigError
    from skywarden.geo.horizon import horizon as around
    from skywarden.geo.srtm import tile
    from skywarden.geo.terrain import mosaic

    found = {one.name: one for one in load(config).sensors}
    if sensor not in found:
        raise ConfigError(f'{config} has no sensor "{sensor}"; its sensors are {", ".join(found) or "none"}')
    its = found[sensor]
    if its.latitude is None or its.longitude is None:
        raise ConfigError(f'sensor "{sensor}" has no place in {config}; write its latitude, longitude and height_m')
    try:
        ground = mosaic([tile(file.read_bytes(), file.name) for file in tiles])
    except (ValueError, OSError) as error:
        raise ConfigError(f"{error}") from None
    latitude, longitude = np.radians(its.latitude), np.radians(its.longitude)
    height = geo.height_above_ellipsoid(its.height_m, its.height_reference, latitude, longitude)
    floor = float(ground.height(latitude, longitude))
    seen = around(ground, float(latitude), float(longitude), max(float(height), floor + 1.0))
    if height < floor:
        note(f"the ground is {floor - height:.0f} m above height_m there; taken as 1 m above the ground")
    typer.echo(f"horizon_deg = [{', '.join(f'{x:.2f}' for x in np.degrees(seen.elevation))}]")
    typer.echo(f"horizon_m = [{', '.join(f'{x:.0f}' for x in seen.distance)}]")
