"""Counts words: an example of a package. Run it as a folder, a module, or import it.

    taipan examples/word_count FILE...
    cd examples; taipan -m word_count FILE...
"""

from .counting import Counts, count
from .reading import words

__all__ = ["Counts", "count", "words"]
