"""One condition over one history: when it begins to hold and when it no longer does."""

import collections

from rankscope._history import MissingField

_EVIDENCE = 5

# What a condition said when its mind changed. active: whether it holds; error: what it raised instead, or None.
# record: the newest that it was judged on. evidence: the last few records that it saw, oldest first.
Turn = collections.namedtuple("Turn", "active error record evidence")


class Watch:
    """Judges a rule's condition whenever records have come that it can be judged on.

    A record that lacks a field that the condition asks for (`l["loss"]`) is not shown to it, from the first time on that
    it asked in vain; where nothing remains, it is not asked. So a rule on `eval_loss` is judged at evaluations only. What
    a condition raises besides is told once; it is asked again with the next record, and its episode stays as it was.
    """

    def __init__(self, rule):
        self.rule = rule
        self.active = False
        self._failed = False
        self._needs = set()

    def judge(self, records, touched):
        """A Turn, or None. records: all, in the order of steps, in a list that conditions may spoil; touched: those of
        them that are new or have got values."""
        while True:
            newest = next((record for record in reversed(touched) if self._needs <= record.keys()), None)
            if newest is None:
                return None
            shown = [record for record in records if self._needs <= record.keys()] if self._needs else records
            try:
                holds = bool(self.rule.condition(shown))
            except MissingField as lack:
                if lack.name in self._needs:  # asked of a record that it has kept from an earlier call
                    return self._fail(lack, newest, shown)
                self._needs.add(lack.name)
            except (Exception, SystemExit) as error:
                return self._fail(error, newest, shown)
            else:
                return self._turn(holds, newest, shown)

    def _turn(self, holds, newest, shown):
        if holds == self.active:
            return None
        self.active = holds
        return Turn(holds, None, newest, shown[-_EVIDENCE:])

    def _fail(self, error, newest, shown):
        if self._failed:
            return None
        self._failed = True
        return Turn(self.active, error, newest, shown[-_EVIDENCE:])
