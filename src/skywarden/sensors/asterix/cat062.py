"""ASTERIX category 062, tracks of a surveillance data processing system.

Source: EUROCONTROL-SPEC-0149-9, edition 1.20. Edition 1.21 has a seventh part in I062/080; 1.18 and 1.19 have one
flag less in its sixth part.

| FRN | Item | Content | FRN | Item | Content |
|---|---|---|---|---|---|
| 1 | 010 | source: SAC, SIC | 17 | 136 | measured flight level |
| 3 | 015 | service | 18 | 130 | geometric altitude, above the ellipsoid |
| 4 | 070 | time of track, s | 19 | 135 | barometric altitude |
| 5 | 105 | latitude, longitude | 20 | 220 | rate of climb |
| 6 | 100 | position, Cartesian | 21 | 390 | flight plan |
| 7 | 185 | velocity, Cartesian | 22 | 270 | size, orientation |
| 8 | 210 | acceleration | 23 | 300 | vehicle fleet |
| 9 | 060 | mode 3/A | 24 | 110 | mode 5, extended mode 1 |
| 10 | 245 | target identification | 25 | 120 | mode 2 |
| 11 | 380 | data from the aircraft | 26 | 510 | composed track number |
| 12 | 040 | track number | 27 | 500 | estimated accuracies |
| 13 | 080 | track status; simulated | 28 | 340 | measured information |
| 14 | 290 | update ages | 34 | RE | reserved expansion field |
| 15 | 200 | mode of movement | 35 | SP | special purpose field |
| 16 | 295 | data ages | | | FRN 2 and 29 to 33 are not used |
"""

from skywarden.sensors.asterix.cat062_parts import AGES, AIRCRAFT, FLIGHT_PLAN, UPDATES
from skywarden.sensors.asterix.layout import Category, chained, compound, explicit, extended, fixed

_STATUS = (
    "MON:u1 SPI:u1 MRH:u1 SRC:u3 CNF:u1",
    "SIM:u1 TSE:u1 TSB:u1 FPC:u1 AFF:u1 STP:u1 KOS:u1",
    "AMA:u1 MD4:u2 ME:u1 MI:u1 MD5:u2",
    "CST:u1 PSR:u1 SSR:u1 MDS:u1 ADS:u1 SUC:u1 AAC:u1",
    "SDS:u2 EMS:u3 PFT:u1 FPLT:u1",
    "DUPT:u1 DUPF:u1 DUPM:u1 SFC:u1 IDD:u1 IEC:u1 MLAT:u1",
)

_MODE5 = compound(
    "110",
    "Mode 5 data reports and extended mode 1 code",
    fixed("SUM", "Mode 5 summary", "M5:u1 ID:u1 DA:u1 M1:u1 M2:u1 M3:u1 MC:u1 X:u1"),
    fixed("PMN", "PIN, national origin, mission", "-2 PIN:u14 -3 NAT:u5 -2 MIS:u6"),
    fixed("POS", "Reported position", "LAT:s24:180/2^23:deg LON:s24:180/2^23:deg"),
    fixed("GA", "GNSS altitude above the ellipsoid", "-1 RES:u1 GA:s14:25:ft"),
    fixed("EM1", "Extended mode 1 code", "-4 EM1:octal12"),
    fixed("TOS", "Time offset of POS and GA", "TOS:s8:1/128:s"),
    fixed("XP", "X pulse presence", "-3 X5:u1 XC:u1 X3:u1 X2:u1 X1:u1"),
)

_ACCURACY = compound(
    "500",
    "Estimated accuracies",
    fixed("APC", "Position, Cartesian", "X:u16:0.5:m Y:u16:0.5:m"),
    fixed("COV", "Sign and root of the XY covariance", "COV:s16:0.5:m"),
    fixed("APW", "Position, WGS 84", "LAT:u16:180/2^25:deg LON:u16:180/2^25:deg"),
    fixed("AGA", "Geometric altitude", "AGA:u8:6.25:ft"),
    fixed("ABA", "Barometric altitude", "ABA:u8:1/4:FL"),
    fixed("ATV", "Velocity, Cartesian", "X:u8:0.25:m/s Y:u8:0.25:m/s"),
    fixed("AA", "Acceleration, Cartesian", "X:u8:0.25:m/s2 Y:u8:0.25:m/s2"),
    fixed("ARC", "Rate of climb", "ARC:u8:6.25:ft/min"),
)

_MEASURED = compound(
    "340",
    "Measured information",
    fixed("SID", "Sensor identification", "SAC:u8 SIC:u8"),
    fixed("POS", "Measured position", "RHO:u16:1/256:NM THETA:u16:360/2^16:deg"),
    fixed("HEIGHT", "Measured 3D height", "HEIGHT:s16:25:ft"),
    fixed("MDC", "Last measured mode C", "V:u1 G:u1 LMC:s14:1/4:FL"),
    fixed("MDA", "Last measured mode 3/A", "V:u1 G:u1 L:u1 -1 MODE3A:octal12"),
    fixed("TYP", "Report type", "TYP:u3 SIM:u1 RAB:u1 TST:u1 -2"),
)

CAT062 = Category(
    number=62,
    edition="1.20",
    time="070",
    needed=("010/SAC", "070/TOD", "040/TRN"),
    limits=(
        ("070/TOD", 0, 86400 - 1 / 256),
        ("105/LAT", -90, 90),
        ("105/LON", -180, 180),
        ("136/FL", -20, 1500),
        ("130/ALT", -2000, 210_000),
        ("220/ROCD", -200_000, 200_000),
        ("185/VX", -4000, 4000),
        ("185/VY", -4000, 4000),
    ),
    profile=(
        fixed("010", "Data source identifier", "SAC:u8 SIC:u8"),
        None,
        fixed("015", "Service identification", "SID:u8"),
        fixed("070", "Time of track information", "TOD:u24:1/128:s"),
        fixed("105", "Position, WGS 84", "LAT:s32:180/2^25:deg LON:s32:180/2^25:deg"),
        fixed("100", "Position, Cartesian", "X:s24:0.5:m Y:s24:0.5:m"),
        fixed("185", "Velocity, Cartesian", "VX:s16:0.25:m/s VY:s16:0.25:m/s"),
        fixed("210", "Acceleration, Cartesian", "AX:s8:0.25:m/s2 AY:s8:0.25:m/s2"),
        fixed("060", "Track mode 3/A code", "V:u1 G:u1 CH:u1 -1 MODE3A:octal12"),
        fixed("245", "Target identification", "STI:u2 -6 CHR:icao48"),
        AIRCRAFT,
        fixed("040", "Track number", "TRN:u16"),
        extended("080", "Track status", *_STATUS),
        UPDATES,
        fixed("200", "Mode of movement", "TRANS:u2 LONG:u2 VERT:u2 ADF:u1 -1"),
        AGES,
        fixed("136", "Measured flight level", "FL:s16:1/4:FL"),
        fixed("130", "Geometric altitude", "ALT:s16:6.25:ft"),
        fixed("135", "Barometric altitude", "QNH:u1 CTB:s15:1/4:FL"),
        fixed("220", "Rate of climb", "ROCD:s16:6.25:ft/min"),
        FLIGHT_PLAN,
        extended("270", "Target size and orientation", "LENGTH:u7:1:m", "ORIENTATION:u7:360/2^7:deg", "WIDTH:u7:1:m"),
        fixed("300", "Vehicle fleet identification", "VFI:u8"),
        _MODE5,
        fixed("120", "Track mode 2 code", "-4 MODE2:octal12"),
        chained("510", "Composed track number", "IDENT:u8 TRACK:u15"),
        _ACCURACY,
        _MEASURED,
        *(None,) * 5,
        explicit("RE", "Reserved expansion field"),
        explicit("SP", "Special purpose field"),
    ),
)

_STATUS_119 = extended("080", "Track status", *_STATUS[:5], "DUPT:u1 DUPF:u1 DUPM:u1 SFC:u1 IDD:u1 IEC:u1 -1")
_STATUS_121 = extended("080", "Track status", *_STATUS, "M5I:u1 -6")

EDITIONS = (
    CAT062,
    CAT062.variant("1.21", _STATUS_121),
    CAT062.variant("1.19", _STATUS_119),
    CAT062.variant("1.18", _STATUS_119),
)
