"""Exercises: backward passes to be written by hand, or to be mended.

`networks` are what they are about, a `task` is what both kinds of exercise have in common; an `exercise`
leaves the lines open, a `bug` is lines of which one or two are faulty, by `planting`, and `progress` is what
is said of the work on it.
"""

from minigrad.check.exercises.bug import Answer, Bug, Guess, find_the_bug
from minigrad.check.exercises.exercise import Exercise, exercise
from minigrad.check.exercises.networks import Network, kinds, network
from minigrad.check.exercises.progress import Progress

names = tuple(kinds)
"""What `exercise` and `find_the_bug` take, the easier ones first."""

__all__ = [
    "Answer",
    "Bug",
    "Exercise",
    "Guess",
    "Network",
    "Progress",
    "exercise",
    "find_the_bug",
    "names",
    "network",
]
