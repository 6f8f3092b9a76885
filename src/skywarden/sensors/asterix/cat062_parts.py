"""The four large compound items of category 062: I062/380, 290, 295 and 390.

Source: EUROCONTROL-SPEC-0149-9, edition 1.20. Ages are in units of a quarter of a second.
"""

from skywarden.sensors.asterix.layout import Item, compound, extended, fixed, repetitive

_LAT_LON = "LAT:s24:180/2^23:deg LON:s24:180/2^23:deg"
_INTENT = f"TCA:u1 NC:u1 TCPN:u6 ALT:s16:10:ft {_LAT_LON} PT:u4 TD:u2 TRA:u1 TOA:u1 TOV:u24:1:s TTR:u16:0.01:NM"


def _age(name: str, title: str, bits: int = 8) -> Item:
    return fixed(name, title, f"{name}:u{bits}:1/4:s")


AIRCRAFT = compound(
    "380",
    "Aircraft derived data",
    fixed("ADR", "Aircraft address", "ADR:hex24"),
    fixed("ID", "Target identification", "ID:icao48"),
    fixed("MHG", "Magnetic heading", "MHG:u16:360/2^16:deg"),
    fixed("IAS", "Indicated airspeed or Mach number", "IM:u1 IAS:u15:1/2^14:NM/s:IM:0.001:Mach"),
    fixed("TAS", "True airspeed", "TAS:u16:1:kt"),
    fixed("SAL", "Selected altitude", "SAS:u1 SRC:u2 ALT:s13:25:ft"),
    fixed("FSS", "Final state selected altitude", "MV:u1 AH:u1 AM:u1 ALT:s13:25:ft"),
    extended("TIS", "Trajectory intent status", "NAV:u1 NVB:u1 -5"),
    repetitive("TID", "Trajectory intent data", _INTENT),
    fixed("COM", "Communications and flight status", "COM:u3 STAT:u3 -2 SSC:u1 ARC:u1 AIC:u1 B1A:u1 B1B:u4"),
    fixed("SAB", "Status reported by ADS-B", "AC:u2 MN:u2 DC:u2 GBS:u1 -6 STAT:u3"),
    fixed("ACS", "ACAS resolution advisory", "ACS:hex56"),
    fixed("BVR", "Barometric vertical rate", "BVR:s16:6.25:ft/min"),
    fixed("GVR", "Geometric vertical rate", "GVR:s16:6.25:ft/min"),
    fixed("RAN", "Roll angle", "RAN:s16:0.01:deg"),
    fixed("TAR", "Track angle rate", "TI:u2 -6 ROT:s7:0.25:deg/s -1"),
    fixed("TAN", "Track angle", "TAN:u16:360/2^16:deg"),
    fixed("GS", "Ground speed", "GS:s16:1/2^14:NM/s"),
    fixed("VUN", "Velocity uncertainty category", "VUN:u8"),
    fixed(
        "MET",
        "Meteorological data",
        "WS:u1 WD:u1 TMP:u1 TRB:u1 -4 WSD:u16:1:kt WDD:u16:1:deg TMPD:s16:0.25:degC TRBD:u8",
    ),
    fixed("EMC", "Emitter category", "EMC:u8"),
    fixed("POS", "Position", _LAT_LON),
    fixed("GAL", "Geometric altitude", "GAL:s16:6.25:ft"),
    fixed("PUN", "Position uncertainty category", "-4 PUN:u4"),
    repetitive("BDSDATA", "BDS register data", "MBDATA:hex56 BDS1:u4 BDS2:u4"),
    fixed("IAR", "Indicated airspeed", "IAR:u16:1:kt"),
    fixed("MAC", "Mach number", "MAC:u16:0.008:Mach"),
    fixed("BPS", "Barometric pressure setting, minus 800 mb", "-4 BPS:u12:0.1:mb"),
)

UPDATES = compound(
    "290",
    "System track update ages",
    _age("TRK", "Track"),
    _age("PSR", "Primary radar"),
    _age("SSR", "Secondary radar"),
    _age("MDS", "Mode S"),
    _age("ADS", "ADS-C", 16),
    _age("ES", "ADS-B extended squitter"),
    _age("VDL", "ADS-B VDL mode 4"),
    _age("UAT", "ADS-B UAT"),
    _age("LOP", "Loop"),
    _age("MLT", "Multilateration"),
)

AGES = compound(
    "295",
    "Track data ages",
    _age("MFL", "Measured flight level"),
    _age("MD1", "Mode 1"),
    _age("MD2", "Mode 2"),
    _age("MDA", "Mode 3/A"),
    _age("MD4", "Mode 4"),
    _age("MD5", "Mode 5"),
    _age("MHG", "Magnetic heading"),
    _age("IAS", "Indicated airspeed or Mach number"),
    _age("TAS", "True airspeed"),
    _age("SAL", "Selected altitude"),
    _age("FSS", "Final state selected altitude"),
    _age("TID", "Trajectory intent"),
    _age("COM", "Communications and flight status"),
    _age("SAB", "Status reported by ADS-B"),
    _age("ACS", "ACAS resolution advisory"),
    _age("BVR", "Barometric vertical rate"),
    _age("GVR", "Geometric vertical rate"),
    _age("RAN", "Roll angle"),
    _age("TAR", "Track angle rate"),
    _age("TAN", "Track angle"),
    _age("GSP", "Ground speed"),
    _age("VUN", "Velocity uncertainty"),
    _age("MET", "Meteorological data"),
    _age("EMC", "Emitter category"),
    _age("POS", "Position"),
    _age("GAL", "Geometric altitude"),
    _age("PUN", "Position uncertainty"),
    _age("MB", "BDS register data"),
    _age("IAR", "Indicated airspeed"),
    _age("MAC", "Mach number"),
    _age("BPS", "Barometric pressure setting"),
)

FLIGHT_PLAN = compound(
    "390",
    "Flight plan related data",
    fixed("TAG", "Identification of the flight plan system", "SAC:u8 SIC:u8"),
    fixed("CS", "Callsign", "CS:ascii56"),
    fixed("IFI", "Flight identification", "TYP:u2 -3 NBR:u27"),
    fixed("FCT", "Flight category", "GATOAT:u2 FR1FR2:u2 RVSM:u2 HPR:u1 -1"),
    fixed("TAC", "Type of aircraft", "TAC:ascii32"),
    fixed("WTC", "Wake turbulence category", "WTC:ascii8"),
    fixed("DEP", "Departure airport", "DEP:ascii32"),
    fixed("DST", "Destination airport", "DST:ascii32"),
    fixed("RDS", "Runway", "NU1:ascii8 NU2:ascii8 LTR:ascii8"),
    fixed("CFL", "Current cleared flight level", "CFL:u16:1/4:FL"),
    fixed("CTL", "Current control position", "CENTRE:u8 POSITION:u8"),
    repetitive("TOD", "Times of departure and arrival", "TYP:u5 DAY:u2 -4 HOR:u5 -2 MIN:u6 AVS:u1 -1 SEC:u6"),
    fixed("AST", "Aircraft stand", "AST:ascii48"),
    fixed("STS", "Stand status", "EMP:u2 AVL:u2 -4"),
    fixed("STD", "Standard instrument departure", "STD:ascii56"),
    fixed("STA", "Standard instrument arrival", "STA:ascii56"),
    fixed("PEM", "Mode 3/A before the emergency", "-3 VA:u1 MODE3A:octal12"),
    fixed("PEC", "Callsign before the emergency", "PEC:ascii56"),
)
