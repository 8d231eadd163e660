"""sweep: the search for λ and keep_prob."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from minigrad.experiments.settings import installed
from minigrad.experiments.sweep.build import Build, check_build, check_data
from minigrad.experiments.sweep.execution import ExecutorFailed, check_executor, completed, spread
from minigrad.experiments.sweep.grid import cells
from minigrad.experiments.sweep.identity import about_sweep
from minigrad.experiments.sweep.ledger import held
from minigrad.experiments.sweep.measures import measures_of
from minigrad.experiments.sweep.parts import Examples, examples
from minigrad.experiments.sweep.results import Results, rows_of, runs_in, texts_of
from minigrad.experiments.sweep.rows import Row
from minigrad.experiments.sweep.run import Failure, NotHere, Run, outcome
from minigrad.experiments.sweep.sending import Shared
from minigrad.training.arguments import whole
from minigrad.training.progress import wanted


class Unfinished(RuntimeError):  # noqa: N818
    """Some runs have no numbers; `results` has those of the others."""

    results: Results


def sweep(
    build: Build,
    axes: Mapping[str, Any],
    data: Any,
    *,
    seeds: Sequence[int] = (0,),
    dev: Any = None,
    folds: int | None = None,
    fold_seed: int = 0,
    draws: int | None = None,
    rng: Any = None,
    measures: Mapping[str, Callable[..., Any]] | None = None,
    executor: Executor | None = None,
    folder: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool | None = None,
) -> Results:
    """Train every cell of the axes, λ × keep_prob for example, with every seed; judge on examples held out.

    build      a Setting: the network of the main job, whose fields can be axes.  Or a function, called as
               build(lambd=..., keep_prob=..., seed=...) with the names of the axes, that gives arguments of
               mg.fit: dict(model=..., loss=..., optimizer=..., epochs=...), without the data
    axes       of each name the values; with draws also distributions, see cells
    data       a Dataset, which is judged on its dev set, or arrays (X, y)
    seeds      with which each cell is trained; the mean over them counts
    dev        arrays to judge on, in place of the Dataset's
    folds      k: judge by k-fold cross-validation instead, on folds drawn by fold_seed
    draws      random search: so many cells, drawn by rng (a Generator, a RandomState or a seed)
    measures   functions of (model, X, y) by name, in evaluation mode; of the first, less is better.
               None: the cross-entropy of logits, and the accuracy
    executor   any concurrent.futures.Executor; None: one run after the other.  The results are the same
    folder     keeps sweep.json and results.csv, a row as soon as a run is done
    resume     go on with what is in the folder, with the same axes, seeds and values or with others; if
               nothing is there, begin
    progress   a bar (tqdm): True, False, or None, where stderr is a terminal
    Returns:   the Results, in the order of the cells, seeds and folds.  A run that diverges has nan there
    Raises:    TypeError or ValueError for arguments that do not fit, before anything is run; ValueError for a
               folder of another sweep, which is left as it is.  Unfinished if runs or the executor fail.
               Whatever ends it later, also KeyboardInterrupt, has what is done as its attribute `results`.

    >>> from minigrad import data
    >>> from minigrad.experiments import Setting
    >>> field = data.side_of_the_field(m=20, m_dev=10)
    >>> results = sweep(Setting(hidden=(3,), steps=20), {"lambd": [0, 0.7], "keep_prob": [0.8, 1]}, field)
    >>> len(results), results.columns
    (4, ['lambd', 'keep_prob', 'seed', 'fold', 'cost', 'dev_cost', 'accuracy', 'dev_accuracy'])
    """
    points = cells(axes, draws=draws, rng=rng)
    check_build(build, points)
    named = measures_of(measures, list(axes))
    judged = examples(data, dev=dev, folds=folds, fold_seed=fold_seed)
    check_data(build, judged)
    seeds = _checked_seeds(seeds)
    check_executor(executor, [build, *named.values()])
    if resume not in (True, False) or (resume and folder is None):
        raise ValueError(f"sweep: resume={resume!r}, folder={folder!r}; resume=True goes on with a folder")
    about = about_sweep(build, points, judged, seeds, folds, fold_seed, named)
    with nullcontext() if folder is None else held(Path(folder), about, resume=resume) as kept:
        runs, others = runs_in(kept.about if kept else about)
        known = [*runs, *others]
        done: dict[int, tuple[float, ...]] = {}

        def results() -> Results:
            return Results(runs, list(named), done, cells=points, data=about["data"])

        def rows() -> list[Row]:
            return [texts_of(known[i], done[i]) for i in sorted(done)]

        if kept is not None:
            done = rows_of(kept.rows, known, list(named), Path(folder or ""))
            kept.begin(rows())
        failed: dict[int, Failure] = {}
        try:
            with closing(_outcomes(build, runs, judged, named, executor, set(done), progress)) as found:
                for i, numbers in found:
                    if isinstance(numbers, Failure):
                        failed[i] = numbers
                        if numbers.exits and executor is None:  # of this process, as after a SIGTERM
                            break
                        continue
                    done[i] = numbers
                    if kept is not None:
                        kept.append(texts_of(runs[i], numbers))
            if kept is not None:
                kept.write(rows())
        except ExecutorFailed as error:
            raise _unfinished(f"the executor failed ({error})", results(), folder) from error
        except BaseException as error:  # Ctrl-C, a full disk ...
            error.results = results()  # type: ignore[attr-defined]
            raise
    if failed:
        first, *more = sorted(failed)
        also = f", and {len(more)} more failed" if more else ""
        reason = f"the run with {runs[first]} failed: {failed[first].reason}{also}"
        unfinished = _unfinished(reason, results(), folder)
        unfinished.add_note(failed[first].traceback)
        raise unfinished
    return results()


def _outcomes(
    build: Build,
    runs: Sequence[Run],
    judged: Examples,
    measures: Mapping[str, Any],
    executor: Executor | None,
    done: set[int],
    progress: bool | None,
) -> Generator[tuple[int, tuple[float, ...] | Failure]]:
    """What comes of the runs that are not done, each as soon as it is."""
    missing = [i for i in range(len(runs)) if i not in done]
    with (
        _bar(len(runs), len(runs) - len(missing), progress) as count,
        closing(Shared(judged, judged.nbytes)) as shared,
    ):
        for here in (True, False):  # other machines do not see the file
            sent = shared if here or not missing else spread(Shared(judged), executor)
            tasks, left = [(build, runs[i], sent, measures) for i in missing], []
            with closing(completed(outcome, tasks, executor)) as found:
                for k, one in found:
                    if isinstance(one, NotHere):
                        left.append(missing[k])
                    else:
                        yield missing[k], one
                        count()
            missing = left


@contextmanager
def _bar(total: int, done: int, progress: bool | None) -> Iterator[Callable[[], Any]]:
    """A bar on stderr that counts runs; without tqdm there is none."""
    if not wanted(progress) or not installed("tqdm"):
        yield lambda: None
        return
    from tqdm import tqdm

    with tqdm(total=total, initial=done, unit=" runs", dynamic_ncols=True, file=sys.stderr) as bar:
        yield bar.update


# ---- arguments


def _checked_seeds(seeds: Any) -> list[int]:
    if isinstance(seeds, str | int) or not hasattr(seeds, "__iter__"):
        raise TypeError(f"sweep: seeds is {seeds!r}; wanted a list of them, such as seeds=range(5)")
    found = [whole(seed, who="sweep", name="seeds", least=0) for seed in seeds]
    if not found or len(set(found)) < len(found):
        raise ValueError(f"sweep: seeds is {found}; wanted at least one, and none twice")
    return found


# ---- what is said at the end


def _unfinished(reason: str, results: Results, folder: Any) -> Unfinished:
    done = f"{len(results)} of {len(results.runs)} runs are done and kept"
    where = "in .results of this exception" if folder is None else f"in {folder}, and resume=True goes on"
    error = Unfinished(f"sweep: {reason}; {done} {where}")
    error.results = results
    return error
