"""ASTERIX (EUROCONTROL-SPEC-0149): categories 034, 048, 062 and 065, decoded and encoded.

Read `layout` for how the tables are written, `cat048` for one of them, `codec` for records as plain values,
`program` and `columns` for the fast way into arrays, `decoder` for the whole.
"""

from skywarden.sensors.asterix.codec import decode_block, decode_record, encode_block, encode_record
from skywarden.sensors.asterix.decoder import Asterix
from skywarden.sensors.asterix.editions import CURRENT, EDITIONS

__all__ = ["CURRENT", "EDITIONS", "Asterix", "decode_block", "decode_record", "encode_block", "encode_record"]
