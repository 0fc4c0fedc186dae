"""What happens to a company in one history: who buys, writes, asks and holds, and when; made by a seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

PEOPLE = 4
"""Few people with many records each: what happens to one meets much of what was kept."""

RESENT = timedelta(days=7)
"""What is re-sent later than this, the tag lane takes for something new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One obligation or fact; without a time of its own it happens as it arrives."""

    partition: int
    value: dict[str, Any]
    happens: timedelta
    """When, counted from the beginning; before its arrival if it is back-dated."""

    def wire(self, start: datetime) -> dict[str, Any]:
        """Return it as the tag lane would write it, in a history that begins at an instant."""
        name = "occurred_at" if "obligation_id" in self.value else "at"
        return {**self.value, name: start + self.happens}


@dataclass(frozen=True, slots=True)
class Moment:
    """Blocks that arrive together, some time after the beginning."""

    after: timedelta
    blocks: list[list[Item]]


def _ref(kind: str, digest: str) -> dict[str, str]:
    return {"kind": kind, "digest": digest}


class Story:
    """One history of arrivals, always the same for one seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed * 2)
        self._count = 0
        self._open: list[tuple[int, str, list[dict[str, str]], str]] = []

    def moments(self) -> Iterator[Moment]:
        """Yield what arrives, in order."""
        at = timedelta(0)
        sent: list[tuple[timedelta, list[Item]]] = []
        for _number in range(self._random.randrange(8, 24)):
            at += timedelta(seconds=self._random.choice([600, 3600, 86_400, 86_400 * 9, 86_400 * 200]))
            blocks = [self._block(at) for _one in range(self._random.randrange(0, 3))]
            recent = [block for then, block in sent if at - then < RESENT]
            if recent and self._random.randrange(6) == 0:
                blocks.append(self._again(self._random.choice(recent)))
            sent += [(at, block) for block in blocks]
            yield Moment(at, [block for block in blocks if block])

    @staticmethod
    def _again(block: list[Item]) -> list[Item]:
        """Return the facts of a block once more, as they were: what is known changes nothing.

        Obligations do not come twice: the tag lane knows its events again, and its transactions make them once.
        """
        return [item for item in block if "obligation_id" not in item.value]

    def _block(self, at: timedelta) -> list[Item]:
        person = self._random.randrange(PEOPLE)
        made = [
            self._obligation,
            self._obligation,
            self._obligation,
            self._fact,
            self._fact,
            self._closing,
            self._long_past,
        ]
        return [self._random.choice(made)(person, at) for _one in range(self._random.randrange(1, 4))]

    def _id(self) -> str:
        self._count += 1
        return f"e{self._count}"

    def _long_past(self, person: int, at: timedelta) -> Item:
        """Return something due long ago, of somebody else: facts are kept for late records, but not for so late ones."""
        return self._obligation(10 + 2 * self._count + person % 2, at - timedelta(days=400))

    def _obligation(self, person: int, at: timedelta) -> Item:
        rules = [("purchase", "contact", "sale"), ("letter", "letter", "sale"), ("newsletter", "contact", "mail")]
        rules += [("order", "order.lines", "books"), ("delivery", "contact", "sale")]
        rule, category, purpose = self._random.choice(rules)
        identity = self._id()
        number = self._random.randrange(3)
        refs = [
            _ref("subject", f"s{person}"),
            _ref("case", f"c{person}-{number}"),
            _ref("order", f"o{person}-{number}"),
        ]
        value = {
            "obligation_id": f"record|{identity}", "kind": "record", "event_id": identity,
            "refs": [*refs, _ref("record", identity)], "policy_version": "1", "matter": None, "generation": 0,
            "tags": [{"rule": rule, "category": category, "purpose": purpose, "fields": ["name"]}],
            "profile": None, "recipient": None, "share_id": None,
        }  # fmt: skip
        if rule == "delivery" and self._random.randrange(2):
            value |= {
                "obligation_id": f"share|{identity}",
                "kind": "share",
                "recipient": "delivery",
                "share_id": identity,
            }
        days = self._random.choice([0, 0, 0, 3, 20])
        return Item(partition=person % 2, value=value, happens=at - timedelta(days=days))

    def _fact(self, person: int, at: timedelta) -> Item:
        number = self._random.randrange(3)
        case, order = _ref("case", f"c{person}-{number}"), _ref("order", f"o{person}-{number}")
        hold = f"h{self._count}"
        kinds: list[tuple[str, list[dict[str, str]], str]] = [
            ("case.opened", [case], "case.closed"),
            ("case.reopened", [case], "case.closed"),
            ("delivery.ordered", [order], "delivery.completed"),
            ("hold.opened", [_ref("hold", hold)], "hold.closed"),
            ("erasure.requested", [], ""),
            ("objection.raised", [], ""),
            ("opt_out", [], ""),
            ("restriction.requested", [], ""),
        ]
        kind, refs, ends = self._random.choice(kinds)
        if ends:
            self._open.append((person, ends, refs, kind))
        return self._happened(person, at, kind, refs)

    def _closing(self, person: int, at: timedelta) -> Item:
        mine = [one for one in self._open if one[0] == person]
        if not mine:
            return self._fact(person, at)
        chosen = self._random.choice(mine)
        self._open.remove(chosen)
        return self._happened(person, at, chosen[1], chosen[2])

    def _happened(self, person: int, at: timedelta, kind: str, refs: list[dict[str, str]]) -> Item:
        value = {
            "type": kind, "event_id": self._id(), "refs": [_ref("subject", f"s{person}"), *refs], "attributes": {},
        }  # fmt: skip
        return Item(partition=person % 2, value=value, happens=at)
