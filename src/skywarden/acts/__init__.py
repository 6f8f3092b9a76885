"""What people do: taken in, held, and finished. Pure, as all that follows from the record's inputs."""

from skywarden.acts.stage import Around, finished, upheld, worded
from skywarden.acts.take import taken

__all__ = ["Around", "finished", "taken", "upheld", "worded"]
