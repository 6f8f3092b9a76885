"""Remote ID: what drones broadcast of themselves by Wi-Fi and Bluetooth (ASTM F3411, EN 4709-002), and DJI's beacon.

bytes -> line (JSON) -> wifi, bluetooth (the radio frame) -> message, dji (what it says) -> memory, fix -> decoder

Everything in it is a claim: nothing is signed that could be checked, and anybody can send it.
"""

from skywarden.sensors.remoteid.decoder import RemoteId

__all__ = ["RemoteId"]
