"""The fields a Mode S message can have, under the names that `skywarden decode` prints."""

import msgspec

from skywarden.sensors.modes.cpr import Half

ALPHABET = "#ABCDEFGHIJKLMNOPQRSTUVWXYZ##### ###############0123456789######"  # 6 bits a letter; # is none


class Message(msgspec.Struct, gc=False):
    """What one frame says. None: not in it. A reader fills it in; nobody changes it after.

    address: 24 bits, as sent or as recovered from the parity. checked: its parity was free of any overlay, so that
    the address is certain to be as sent. foreign: the address is not from the ICAO's 24-bit plan.
    Names ending in ft, kt, deg are in feet, knots, degrees; altitudes are pressure altitudes unless named gnss.
    """

    df: int
    address: int
    checked: bool
    typecode: int | None = None
    control: int | None = None  # CF of DF 18
    foreign: bool | None = None
    interrogator: int | None = None
    position: Half | None = None  # the time is filled in by who knows it
    register: int | None = None  # the 56 bits of a Comm-B reply, read on demand
    nic_bits: int | None = None  # NIC supplement B (in a position), A (in a status)
    latitude: float | None = None
    longitude: float | None = None
    altitude_ft: float | None = None
    altitude_gnss_ft: float | None = None
    altitude_metric: bool | None = None
    groundspeed_kt: float | None = None
    track_deg: float | None = None
    airspeed_kt: float | None = None
    airspeed_type: str | None = None  # "IAS", "TAS"
    heading_deg: float | None = None
    vertical_rate_ft_min: float | None = None
    vertical_rate_source: str | None = None  # "gnss", "barometric"
    geo_minus_baro_ft: float | None = None
    on_ground: bool | None = None
    callsign: str | None = None
    category: str | None = None
    squawk: str | None = None
    emergency: str | None = None
    alert: bool | None = None
    ident: bool | None = None
    test: bool | None = None
    version: int | None = None
    nucp: int | None = None
    nic: int | None = None
    nacp: int | None = None
    nac_velocity: int | None = None
    bds: str | None = None
    inferred: bool | None = None  # the register's number is not in a reply; it was told from the content
    selected_altitude_ft: float | None = None
    fms_altitude_ft: float | None = None
    pressure_setting_hpa: float | None = None
    roll_deg: float | None = None
    track_rate_deg_s: float | None = None
    true_airspeed_kt: float | None = None
    mach: float | None = None
    inertial_rate_ft_min: float | None = None
