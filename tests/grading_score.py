"""How well the grader names mistakes, on the corpus in tests/students:  python tests/grading_score.py [--all]

A submission counts as *named* if every mistake of it is found, the sentences say what its author says is
wrong, and the same change is found again for other inputs (another seed); as *wrongly named* if what is said
is not so; otherwise it is *not found*.  Those that nothing local explains should be called not found.
"""

from __future__ import annotations

import re
import sys
from time import process_time
from typing import NamedTuple

from students import correct, faulty
from students.networks import networks
from students.submission import Submission

from minigrad.check import Report, grade


class Outcome(NamedTuple):
    """What came of one submission: "named", "wrongly named", "not found", and the processor's seconds."""

    submission: Submission
    result: str
    report: Report
    seconds: float


def graded(submission: Submission, seed: int) -> tuple[Report, float]:
    """The report on a submission for the network of that seed, and the processor's seconds that it took."""
    loss, values = networks[submission.network](seed)
    work = submission.submit(values)
    start = process_time()
    report = grade(work, loss, transposed=submission.transposed)
    return report, process_time() - start


def outcome(submission: Submission) -> Outcome:
    """How the grader does on a faulty submission."""
    report, seconds = graded(submission, 0)
    found = [fault for fault in report.faults if fault.found]
    said = " ".join(reading.said for fault in found for reading in fault.readings)
    if submission.faults == 0:
        result = "wrongly named" if found or report.ok else "named"
    elif report.ok or not (found or report.faults) or not all(_found_again(submission, report)):
        result = "wrongly named"
    elif len(found) < len(report.faults):
        result = "not found"
    else:
        result = "named" if re.search(submission.says, said, re.IGNORECASE) else "wrongly named"
    return Outcome(submission, result, report, seconds)


def _found_again(submission: Submission, report: Report) -> list[bool]:
    """For each mistake that is named, whether one of its readings is also one for other inputs."""
    if submission.random:
        return [True]
    again = {reading.what for fault in graded(submission, 1)[0].faults for reading in fault.readings}
    return [
        any(reading.what in again for reading in fault.readings) for fault in report.faults if fault.found
    ]


def main() -> None:
    """Print the table of docs/grading.md; with --all, also every report that is not "named"."""
    outcomes = [outcome(submission) for submission in faulty.submissions]
    right = [graded(submission, 0) for submission in correct.submissions]
    total = len(outcomes)
    print(f"{total} faulty submissions")
    for result in ("named", "not found", "wrongly named"):
        of_this = [o for o in outcomes if o.result == result]
        print(f"  {result:<14}{len(of_this):>4}  {len(of_this) / total:6.1%}")
        if result != "named":
            for o in of_this:
                print(f"      {o.submission.name}: {o.submission.mistake}")
                if "--all" in sys.argv:
                    print("\n".join(f"        | {line}" for line in str(o.report).splitlines()))
    print(f"{len(right)} correct submissions, {sum(not report.ok for report, _ in right)} marked wrong")
    times = sorted([o.seconds for o in outcomes] + [seconds for _, seconds in right])
    print(f"seconds of processor time: median {times[len(times) // 2]:.3f}, largest {times[-1]:.3f}")


if __name__ == "__main__":
    main()
