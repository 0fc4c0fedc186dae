"""Hold the engine against the second reading, pair by pair; the first disagreement is told in full."""

from collections import Counter
from itertools import islice
from random import Random

from tests.naive import engine
from tests.naive.fate import fate
from tests.naive.pairs import STATES, Pair, pairs
from tests.naive.promise import Ended, Promise


def compare(seed: str, number: int, *, lives_every: int) -> Counter[str]:
    """Compare so many random pairs; return how many ended by a date, by an event, or not at all.

    Args:
        seed: Another seed, other pairs.
        number: How many pairs are asked of the algebra.
        lives_every: Every how many pairs the whole expire stage is asked as well: as time passes, or all at once.

    Raises:
        AssertionError: the engine and the second reading disagree; the pair is told.
    """
    random, ways = Random(seed), Counter[str]()
    for index, pair in enumerate(islice(pairs(seed), number)):
        known = Promise(pair.record, pair.happened, STATES, pair.keep).end()
        _agree(pair, "the algebra", engine.ended(pair), known)
        ways["open" if known is None else "by an event" if known[1] is None else "by a date"] += 1
        if index % lives_every == 0:
            in_order = index // lives_every % 2 == 0 and engine.is_remembered(pair)
            real = fate(pair.record, pair.happened, STATES, pair.keep)
            _agree(pair, "the expire stage", engine.lived(pair, random, in_order=in_order), real)
            ways["lived in order" if in_order else "lived at once"] += 1
    return ways


def _agree(pair: Pair, who: str, engines: Ended | None, second: Ended | None) -> None:
    if engines != second:
        happened = "\n".join(f"  {one}" for one in sorted(pair.happened, key=lambda one: one.turn))
        raise AssertionError(
            f"{who} says {engines}, the second reading {second}\nkeep {pair.keep}\n{pair.record}\n{happened}"
        )
