"""Microphone nodes: one binary message for thousands of small sensors that listen for engines and rotors.

    head, 36 bytes   magic "SM", version, type, length, flags, node, number, time, latitude, longitude, height
    report           level, noise floor, fundamental, direction with errors, looks, calibration, model, classes
    heartbeat        noise floor, wind, health, interval, uptime, software, model
    end              CRC-32

A node reports once a second while it hears something, and says once a minute that it lives. Silence is what an
observer may conclude from a heartbeat and no report: the node heard nothing that is louder than its noise floor.
Big-endian, at most 300 bytes. Every field, its unit and a worked example: docs/microphone.md.

Source: this project's own format, version 1 (DESIGN.md section 9); no standard body has one.
"""

from skywarden.sensors.microphone.decoder import Microphone

__all__ = ["Microphone"]
