"""ASTERIX category 034, monoradar service messages.

Source: EUROCONTROL-SPEC-0149-2b, edition 1.29. Editions 1.27 and 1.28 have the same layout.

| FRN | Item | Content | FRN | Item | Content |
|---|---|---|---|---|---|
| 1 | 010 | source: SAC, SIC | 8 | 070 | message counts |
| 2 | 000 | message type: 1 north marker, 2 sector crossing, 3 filter, 4 jamming strobe | 9 | 100 | polar window |
| 3 | 030 | time of day, s | 10 | 110 | data filter |
| 4 | 020 | sector, deg | 11 | 120 | place of the radar, WGS 84 |
| 5 | 041 | antenna rotation period, s | 12 | 090 | collimation error |
| 6 | 050 | configuration and status | 13 | RE | reserved expansion field |
| 7 | 060 | processing mode | 14 | SP | special purpose field |
"""

from skywarden.sensors.asterix.layout import Category, compound, explicit, fixed, repetitive

_CHANNEL = "ANT:u1 CHAB:u2 OVL:u1 MSC:u1 -3"

CAT034 = Category(
    number=34,
    edition="1.29",
    time="030",
    needed=("010/SAC", "000/TYP"),
    limits=(
        ("030/TOD", 0, 86400 - 1 / 256),
        ("120/HGT", -500, 9000),
        ("120/LAT", -90, 90),
        ("120/LON", -180, 180),
    ),
    profile=(
        fixed("010", "Data source identifier", "SAC:u8 SIC:u8"),
        fixed("000", "Message type", "TYP:u8"),
        fixed("030", "Time of day", "TOD:u24:1/128:s"),
        fixed("020", "Sector number", "SECTOR:u8:360/256:deg"),
        fixed("041", "Antenna rotation period", "PERIOD:u16:1/128:s"),
        compound(
            "050",
            "System configuration and status",
            fixed("COM", "Common part", "NOGO:u1 RDPC:u1 RDPR:u1 OVLRDP:u1 OVLXMT:u1 MSC:u1 TSV:u1 -1"),
            None,
            None,
            fixed("PSR", "Primary radar", _CHANNEL),
            fixed("SSR", "Secondary radar", _CHANNEL),
            fixed("MDS", "Mode S", "ANT:u1 CHAB:u2 OVLSUR:u1 MSC:u1 SCF:u1 DLF:u1 OVLSCF:u1 OVLDLF:u1 -7"),
        ),
        compound(
            "060",
            "System processing mode",
            fixed("COM", "Common part", "-1 REDRDP:u3 REDXMT:u3 -1"),
            None,
            None,
            fixed("PSR", "Primary radar", "POL:u1 REDRAD:u3 STC:u2 -2"),
            fixed("SSR", "Secondary radar", "REDRAD:u3 -5"),
            fixed("MDS", "Mode S", "REDRAD:u3 CLU:u1 -4"),
        ),
        repetitive("070", "Message count values", "TYP:u5 COUNT:u11"),
        fixed(
            "100",
            "Generic polar window",
            "RHOST:u16:1/256:NM RHOEND:u16:1/256:NM THETAST:u16:360/2^16:deg THETAEND:u16:360/2^16:deg",
        ),
        fixed("110", "Data filter", "TYP:u8"),
        fixed("120", "3D position of data source", "HGT:s16:1:m LAT:s24:180/2^23:deg LON:s24:180/2^23:deg"),
        fixed("090", "Collimation error", "RNG:s8:1/128:NM AZM:s8:360/2^14:deg"),
        explicit("RE", "Reserved expansion field"),
        explicit("SP", "Special purpose field"),
    ),
)

EDITIONS = (CAT034, CAT034.variant("1.28"), CAT034.variant("1.27"))
