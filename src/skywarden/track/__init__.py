"""The tracker: detections in, tracks out. `step.track` is the way in; docs/tracker.md says what it does and why."""
