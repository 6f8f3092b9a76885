"""ASTERIX category 048, monoradar target reports: plots, and tracks of one radar.

Source: EUROCONTROL-SPEC-0149-4, edition 1.32. Edition 1.31 has the same layout; 1.27 to 1.30 end I048/020 after
two octets.

| FRN | Item | Content | FRN | Item | Content |
|---|---|---|---|---|---|
| 1 | 010 | source: SAC, SIC | 15 | 210 | track quality |
| 2 | 140 | time of day, s | 16 | 030 | warnings, target class |
| 3 | 020 | how it was detected; simulated, test | 17 | 080 | mode 3/A confidence |
| 4 | 040 | slant range NM, azimuth deg | 18 | 100 | mode C in Gray notation |
| 5 | 070 | mode 3/A (squawk) | 19 | 110 | height above mean sea level, 3D radar |
| 6 | 090 | flight level (mode C) | 20 | 120 | radial Doppler speed |
| 7 | 130 | plot characteristics | 21 | 230 | capability, flight status |
| 8 | 220 | aircraft address | 22 | 260 | ACAS resolution advisory |
| 9 | 240 | aircraft identification | 23 | 055 | mode 1 |
| 10 | 250 | BDS registers | 24 | 050 | mode 2 |
| 11 | 161 | track number | 25 | 065 | mode 1 confidence |
| 12 | 042 | position, Cartesian | 26 | 060 | mode 2 confidence |
| 13 | 200 | ground speed, heading | 27 | SP | special purpose field |
| 14 | 170 | track status | 28 | RE | reserved expansion field |
"""

from skywarden.sensors.asterix.layout import Category, chained, compound, explicit, extended, fixed, repetitive

_PULSES = "QA4:u1 QA2:u1 QA1:u1 QB4:u1 QB2:u1 QB1:u1 QC4:u1 QC2:u1 QC1:u1 QD4:u1 QD2:u1 QD1:u1"
_DESCRIPTOR = (
    "TYP:u3 SIM:u1 RDP:u1 SPI:u1 RAB:u1",
    "TST:u1 ERR:u1 XPP:u1 ME:u1 MI:u1 FOEFRI:u2",
    "ADSB_EP:u1 ADSB_VAL:u1 SCN_EP:u1 SCN_VAL:u1 PAI_EP:u1 PAI_VAL:u1 -1",
    "ACASXV_EP:u1 ACASXV_VAL:u4 POXPR_EP:u1 POXPR_VAL:u1",
    "POACT_EP:u1 POACT_VAL:u1 DTFXPR_EP:u1 DTFXPR_VAL:u1 DTFACT_EP:u1 DTFACT_VAL:u1 -1",
    "IRMXPR_EP:u1 IRMXPR_VAL:u1 IRMACT_EP:u1 IRMACT_VAL:u1 -3",
)

CAT048 = Category(
    number=48,
    edition="1.32",
    time="140",
    needed=("010/SAC", "140/TOD"),
    limits=(
        ("140/TOD", 0, 86400 - 1 / 256),
        ("090/FL", -20, 1500),
        ("110/3DH", -2000, 210_000),
    ),
    profile=(
        fixed("010", "Data source identifier", "SAC:u8 SIC:u8"),
        fixed("140", "Time of day", "TOD:u24:1/128:s"),
        extended("020", "Target report descriptor", *_DESCRIPTOR),
        fixed("040", "Measured position, polar", "RHO:u16:1/256:NM THETA:u16:360/2^16:deg"),
        fixed("070", "Mode 3/A code", "V:u1 G:u1 L:u1 -1 MODE3A:octal12"),
        fixed("090", "Flight level", "V:u1 G:u1 FL:s14:1/4:FL"),
        compound(
            "130",
            "Radar plot characteristics",
            fixed("SRL", "SSR plot run length", "SRL:u8:360/2^13:deg"),
            fixed("SRR", "Number of SSR replies", "SRR:u8"),
            fixed("SAM", "Amplitude of SSR reply", "SAM:s8:1:dBm"),
            fixed("PRL", "Primary plot run length", "PRL:u8:360/2^13:deg"),
            fixed("PAM", "Amplitude of primary plot", "PAM:s8:1:dBm"),
            fixed("RPD", "Range, primary minus secondary", "RPD:s8:1/256:NM"),
            fixed("APD", "Azimuth, primary minus secondary", "APD:s8:360/2^14:deg"),
        ),
        fixed("220", "Aircraft address", "ADR:hex24"),
        fixed("240", "Aircraft identification", "ID:icao48"),
        repetitive("250", "BDS register data", "MBDATA:hex56 BDS1:u4 BDS2:u4"),
        fixed("161", "Track number", "-4 TRN:u12"),
        fixed("042", "Calculated position, Cartesian", "X:s16:1/128:NM Y:s16:1/128:NM"),
        fixed("200", "Calculated velocity, polar", "GSP:u16:1/2^14:NM/s HDG:u16:360/2^16:deg"),
        extended("170", "Track status", "CNF:u1 RAD:u2 DOU:u1 MAH:u1 CDM:u2", "TRE:u1 GHO:u1 SUP:u1 TCC:u1 -3"),
        fixed("210", "Track quality", "SIGX:u8:1/128:NM SIGY:u8:1/128:NM SIGV:u8:1/2^14:NM/s SIGH:u8:360/2^12:deg"),
        chained("030", "Warnings and target classification", "WE:u7"),
        fixed("080", "Mode 3/A code confidence", "-4 " + _PULSES),
        fixed(
            "100",
            "Mode C code and confidence",
            "V:u1 G:u1 -2 MODEC:u12 -4 "
            "QC1:u1 QA1:u1 QC2:u1 QA2:u1 QC4:u1 QA4:u1 QB1:u1 QD1:u1 QB2:u1 QD2:u1 QB4:u1 QD4:u1",
        ),
        fixed("110", "Height measured by a 3D radar", "-2 3DH:s14:25:ft"),
        compound(
            "120",
            "Radial Doppler speed",
            fixed("CAL", "Calculated Doppler speed", "D:u1 -5 CAL:s10:1:m/s"),
            repetitive("RDS", "Raw Doppler speed", "DOP:u16:1:m/s AMB:u16:1:m/s FRQ:u16:1:MHz"),
        ),
        fixed(
            "230",
            "Communications capability and flight status",
            "COM:u3 STAT:u3 SI:u1 -1 MSSC:u1 ARC:u1 AIC:u1 B1A:u1 B1B:u4",
        ),
        fixed("260", "ACAS resolution advisory", "RA:hex56"),
        fixed("055", "Mode 1 code", "V:u1 G:u1 L:u1 MODE1:u5"),
        fixed("050", "Mode 2 code", "V:u1 G:u1 L:u1 -1 MODE2:octal12"),
        fixed("065", "Mode 1 code confidence", "-3 QA4:u1 QA2:u1 QA1:u1 QB2:u1 QB1:u1"),
        fixed("060", "Mode 2 code confidence", "-4 " + _PULSES),
        explicit("SP", "Special purpose field"),
        explicit("RE", "Reserved expansion field"),
    ),
)

_SHORT = extended("020", "Target report descriptor", *_DESCRIPTOR[:2])

EDITIONS = (
    CAT048,
    CAT048.variant("1.31"),
    *(CAT048.variant(edition, _SHORT) for edition in ("1.30", "1.29", "1.28", "1.27")),
)
