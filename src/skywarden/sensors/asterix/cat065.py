"""ASTERIX category 065, service messages of a system that sends category 062.

Source: EUROCONTROL-SPEC-0149-15, edition 1.6. Editions 1.4 and 1.5 have the same layout.

| FRN | Item | Content | FRN | Item | Content |
|---|---|---|---|---|---|
| 1 | 010 | source: SAC, SIC | 5 | 020 | batch number |
| 2 | 000 | message type: 1 status, 2 end of batch, 3 service status | 6 | 040 | configuration and status |
| 3 | 015 | service | 7 | 050 | service status |
| 4 | 030 | time of day, s | 13, 14 | RE, SP | expansion, special purpose |
"""

from skywarden.sensors.asterix.layout import Category, explicit, fixed

CAT065 = Category(
    number=65,
    edition="1.6",
    time="030",
    needed=("010/SAC", "000/TYP"),
    limits=(("030/TOD", 0, 86400 - 1 / 256),),
    profile=(
        fixed("010", "Data source identifier", "SAC:u8 SIC:u8"),
        fixed("000", "Message type", "TYP:u8"),
        fixed("015", "Service identification", "SID:u8"),
        fixed("030", "Time of message", "TOD:u24:1/128:s"),
        fixed("020", "Batch number", "BTN:u8"),
        fixed("040", "Configuration and status", "NOGO:u2 OVL:u1 TSV:u1 PSS:u2 STTN:u1 -1"),
        fixed("050", "Service status report", "REP:u8"),
        None,
        None,
        None,
        None,
        None,
        explicit("RE", "Reserved expansion field"),
        explicit("SP", "Special purpose field"),
    ),
)

EDITIONS = (CAT065, CAT065.variant("1.5"), CAT065.variant("1.4"))
