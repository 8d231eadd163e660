"""The drawn graphs of the four models, in training and in evaluation mode."""

from __future__ import annotations

from dataclasses import dataclass

from minigrad.experiments.experiment import Experiment
from minigrad.experiments.training import cost
from minigrad.show import Graph, NoRenderer, draw
from minigrad.show.pictures.rendering import inline_svg


@dataclass(frozen=True, eq=False)
class ModelGraph:
    """A graph as DOT text, and as pictures for a file and a page; these are empty if it cannot be drawn."""

    dot: str
    file: str = ""
    svg: str = ""
    reason: str = ""


def model_graphs(experiment: Experiment) -> dict[tuple[str, str], ModelGraph]:
    """By model and mode: in "train" the cost on the training set, in "eval" the cross-entropy on the dev set.

    The masks of training mode are drawn anew, so that the graph shows how a mask is made.
    """
    dataset = experiment.dataset
    found = {}
    for trained in experiment.models:
        model = trained.model
        J = cost(model.train(), dataset.X, dataset.y, lambd=trained.lambd)
        found[trained.name, "train"] = _drawn(draw(J), f"{trained.name}, training mode")
        J = cost(model.eval(), dataset.X_dev, dataset.y_dev)
        found[trained.name, "eval"] = _drawn(draw(J), f"{trained.name}, evaluation mode")
        model.train()
    return found


def _drawn(graph: Graph, title: str) -> ModelGraph:
    try:
        return ModelGraph(
            graph.dot, graph.svg(), inline_svg(graph.dot, title=f"Computation graph of {title}")
        )
    except NoRenderer as error:
        return ModelGraph(graph.dot, reason=str(error))
