"""What is watched and what is not: who comes from where, how high and how fast would be seen in time.

A stage of the straight line. `clear` alone says a site's word.
"""

from skywarden.watch.alive import WHY, broken, marked, useless
from skywarden.watch.stage import Now, watched
from skywarden.watch.word import Said, Word, clear, short

__all__ = ["WHY", "Now", "Said", "Word", "broken", "clear", "marked", "short", "useless", "watched"]
