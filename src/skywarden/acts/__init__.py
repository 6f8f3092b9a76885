"""What people do: taken in, held, and ended. Pure, as all that follows from the record's inputs."""

from skywarden.acts.take import taken

__all__ = ["taken"]
