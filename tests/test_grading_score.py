"""The grader on the corpus of tests/students: the figures of docs/grading.md cannot get worse unseen."""

from __future__ import annotations

import warnings

import pytest
from grading_score import graded, outcome
from students import correct, faulty


@pytest.fixture(scope="module")
def outcomes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the students' code: overflow, division by 0
        return [outcome(submission) for submission in faulty.submissions]


def test_most_mistakes_are_named_and_hardly_any_wrongly(outcomes):
    results = [o.result for o in outcomes]
    assert len(results) >= 60
    assert results.count("named") >= 0.9 * len(results)
    assert results.count("wrongly named") <= 0.02 * len(results)


def test_every_mistake_that_is_named_has_a_reason(outcomes):
    readings = [(o, r) for o in outcomes for fault in o.report.faults for r in fault.readings]
    assert len(readings) > len(outcomes) / 2
    assert [f"{o.submission.name}: {r.what}" for o, r in readings if not r.why] == []


@pytest.mark.parametrize("submission", correct.submissions, ids=lambda s: s.name)
def test_correct_work_in_another_style_is_never_marked_wrong(submission):
    for seed in (0, 1, 2):
        report, _ = graded(submission, seed)
        assert report.ok, report
