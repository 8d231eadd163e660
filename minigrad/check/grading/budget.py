"""How much a search may try: an amount of work, so that it finds the same on each machine."""

from __future__ import annotations

from time import perf_counter


class Budget:
    """So many candidates, and no longer than so many seconds, which only a slow machine or large arrays need.

    >>> budget = Budget(2, seconds=60)
    >>> [budget.spend() for _ in range(3)], budget.is_spent
    ([True, True, False], True)
    """

    def __init__(self, candidates: int, seconds: float) -> None:
        self._candidates = candidates
        self._until = perf_counter() + seconds

    def beside(self, candidates: int) -> Budget:
        """Another amount of work, which ends at the same time.

        >>> Budget(0, seconds=60).beside(1).spend()
        True
        """
        other = Budget(candidates, 0)
        other._until = self._until
        return other

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be tried."""
        return self._candidates <= 0 or perf_counter() > self._until

    def spend(self) -> bool:
        """Take one candidate, if there is one left to be tried."""
        if self.is_spent:
            return False
        self._candidates -= 1
        return True
