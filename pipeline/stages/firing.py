"""What leaves the schedule: everything that is due, oldest first, each once."""

from dataclasses import replace
from datetime import datetime
from heapq import heapify, heappop, heappush

from pipeline.domain.calendar import Period
from pipeline.domain.vocabulary import Action
from pipeline.policy.policy_parts import Ending
from pipeline.stages import expiry_records as say
from pipeline.stages import schedule
from pipeline.stages.due_dates import begin_again
from pipeline.stages.entries import Entry, Planned, Progress, dump, load
from pipeline.stages.evaluate import ENDS_LIFE
from pipeline.stages.expire_run import LINGER, ExpireRun
from pipeline.stages.expiry_records import Said


class Firing:
    """Emits what is due in one partition."""

    def __init__(self, run: ExpireRun) -> None:
        self._run = run

    def fire(self, now: datetime, limit: int) -> None:
        """Emit what is due by an instant, oldest first, ties by id."""
        waiting = self._run.schedule.due(now, limit)
        heapify(waiting)
        while waiting:
            key, identity = heappop(waiting)
            entry = self._run.schedule.get(identity)
            if entry is None or schedule.time_key(entry) != key:
                self._run.schedule.drop_stale(key)
                continue
            before = load(dump(entry))
            self._fire_at(entry, now)
            if all(progress.over for progress in entry.progress):
                self._end(entry, before, now)
                continue
            self._run.schedule.put(entry, before, self._run.dates.listens(entry))
            again = schedule.time_key(entry)
            if again and entry.next_due is not None and entry.next_due <= now:
                heappush(waiting, (again, identity))

    def _fire_at(self, entry: Entry, now: datetime) -> None:
        """Emit everything of one entry that is due at its next instant, so that released fields are told together."""
        due = entry.next_due
        evaluation = self._run.dates.evaluation
        fired: list[tuple[Progress, Ending, Planned]] = []
        endings_of: dict[int, tuple[Ending, ...]] = {}
        for progress in entry.progress:
            if progress.over:
                continue
            endings = evaluation.endings(entry, progress.tag)
            endings_of[id(progress)] = endings
            if progress.review_at == due and progress.review_every:
                self._review(progress, progress.review_every, entry, endings[-1].clauses, now)
            for planned, ending in zip(progress.endings, endings, strict=True):
                if planned.due_at == due and not planned.fired:
                    planned.fired = True
                    progress.over = progress.over or ending.action in ENDS_LIFE
                    fired.append((progress, ending, planned))
        said: list[Said] = []
        alive = {name for progress in entry.progress if not progress.over for name in progress.tag.fields}
        for progress, ending, planned in fired:
            released = tuple(name for name in progress.tag.fields if name not in alive) if progress.over else ()
            unlinked = any(
                p.fired and e.findable_by for p, e in zip(progress.endings, endings_of[id(progress)], strict=True)
            )
            one = say.said("expiry.due", entry, progress.tag, ending, planned)
            said.append(replace(one, released=released, unlinked=unlinked))
        for progress, ending, _planned in fired:
            if ending.again and not progress.over:
                begin_again(endings_of[id(progress)], progress, evaluation.end(entry, progress.tag, ending))
        self._tell(entry, said)

    def _tell(self, entry: Entry, said: list[Said]) -> None:
        """Tell the recipient of a copy, or else everybody, what ended."""
        if entry.recipient is not None:
            self._instruct(entry.recipient, said)
        else:
            for one in said:
                self._emit(one)

    def _instruct(self, recipient: str, said: list[Said]) -> None:
        """Tell a recipient to erase what ended of its copy, once, whatever the number of reasons that ended."""
        policy = self._run.policy(said[0].tag.policy_version)
        told = say.instruction(self._run.topics, policy.recipients[recipient], said)
        if told:
            self._run.flush()
            self._run.out.records.append(told)
            self._run.count("expired", str(said[0].ending.action))

    def _emit(self, one: Said) -> None:
        if one.ending.action is not Action.STOP_USE or self._run.schedule.is_first_stop(
            say.subject_of(one.entry), one.tag.purpose, one.due_at or one.entry.supports[-1].occurred_at
        ):
            self._run.say(one)
        self._run.count("expired", str(one.ending.action))

    def _review(self, progress: Progress, every: Period, entry: Entry, clauses: tuple[str, ...], now: datetime) -> None:
        """Ask for the review that is due, and plan the next one."""
        at = progress.review_at or now
        self._run.out.records.append(say.review(self._run.topics, entry, progress.tag, clauses, at))
        self._run.count("reviews", progress.tag.category)
        progress.review_at = self._run.dates.next_review(progress, every, entry, now)

    def _end(self, entry: Entry, before: Entry, now: datetime) -> None:
        """Let an entry go that is over. Supports that came too late for a profile begin its next life."""
        due = max(planned.due_at for p in entry.progress for planned in p.endings if planned.fired and planned.due_at)
        late = [support for support in entry.supports if support.occurred_at > due]
        if entry.profile:
            self._run.schedule.end_generation(entry)
        self._run.past.remember(entry, self._run.dates.listens(entry), (now + LINGER).date())
        self._run.linger(self._run.schedule.remove(entry, before), now)
        if entry.profile and late:
            next_life = entry.generation + entry.retags + 1
            again = replace(entry, generation=next_life, retags=0, supports=late, progress=[], folded_to=None)
            self._run.dates.refresh_tags(again)
            self._run.announce(self._run.dates.plan(again, None, now))
            self._run.schedule.put(again, None, self._run.dates.listens(again))
