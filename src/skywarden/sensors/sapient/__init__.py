"""SAPIENT, BSI Flex 335 v2.0: nodes that register, say how they are and what they detect; protobuf over TCP."""

from skywarden.sensors.sapient.decoder import Sapient

__all__ = ["Sapient"]
