"""The tracker alone, on scenarios that other trackers are measured on too: detections in, tracks out."""
