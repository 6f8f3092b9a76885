"""The shown tracks at the picture's time, as columns for the record and for people."""
