"""SBS ("BaseStation") lines: decoded Mode S as comma-separated text, usually on TCP port 30003.

    MSG,type,session,aircraft,address,flight,date made,time made,date logged,time logged,
    callsign,altitude ft,groundspeed kt,track deg,latitude,longitude,vertical rate ft/min,squawk,
    alert,emergency,ident,on ground

    MSG types   1 callsign   2 surface position   3 airborne position   4 velocity
                5 altitude   6 squawk   7 altitude, air to air   8 all-call

Fields left empty are not said. Any field is read in any type: programs that write SBS fill in more than the type
has. Flags are -1 or 1 and 0. Dates and times are taken as UTC (some programs write the host's local time: set its
zone to UTC). SEL, ID, AIR, STA and CLK lines are not used. Nothing is said of accuracy: it is assumed.

Source: Kinetic Avionic, BaseStation socket output format, as published by its users; no standard body has it.
"""

from skywarden.sensors.sbs.decoder import Sbs
from skywarden.sensors.sbs.line import Message, encode

__all__ = ["Message", "Sbs", "encode"]
