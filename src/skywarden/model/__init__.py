"""The data that every part shares: places, detections, tracks, assessments, events."""
