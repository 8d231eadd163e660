"""What report.html says about the numbers: every sentence is derived from them, whatever the data are.

A sentence that judges is chosen by judging.py; here it is put into words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.data import Dataset
from minigrad.experiments.experiment import Experiment, Trained
from minigrad.experiments.judging import CurveVerdict, Guess, clearly_more, guess, learnt, overfitted
from minigrad.experiments.numerals import decimals, listed, strength

few_examples = 30
few_of_others = 10
"""With fewer dev examples, or fewer outside the most frequent class, the page says that luck has a say."""


def share(part: float) -> str:
    """A share as a percentage with one decimal, for a page."""
    return f"{100 * part:.1f}\u00a0%"


# ---- what the plain network has learnt


def results(experiment: Experiment) -> str:
    """What the plain network can do, whether it overfits, and whether regularization has narrowed the gap."""
    plain, dataset = experiment.models[0], experiment.dataset
    m, m_dev, found = dataset.m, len(dataset.X_dev), guess(dataset)
    text = [
        f"The plain network gets {plain.right} of its {m} training examples right, and {plain.right_dev} of "
        f"the {m_dev} in the dev set. The most frequent class, given as the answer to every example, would "
        f"get {found.right} and {found.right_dev} right.",
        _course(plain, found, overfits=overfitted(plain, dataset), learns=learnt(plain, dataset)),
        *_gaps(experiment.models),
    ]
    if few := _few(dataset, found):
        text.append(f"The dev set has {few}: luck has much to say in these numbers.")
    return " ".join(text)


def _few(dataset: Dataset, found: Guess) -> str:
    """What the dev set has too few of, if it does."""
    m_dev = len(dataset.X_dev)
    others = m_dev - found.right_dev
    if m_dev < few_examples:
        return f"only {m_dev} examples"
    return f"only {others} of the less frequent classes" if others < few_of_others else ""


def _course(plain: Trained, found: Guess, *, overfits: bool, learns: bool) -> str:
    """How the costs of the plain network went."""
    steps, on_training, on_dev = plain.watched.T
    best = int(np.argmin(on_dev))
    trained = f"from {decimals(on_training[best])} to {decimals(on_training[-1])}"
    if not learns:
        return _nothing_learnt(plain, found)
    if best == len(steps) - 1:
        return "Its cost on the dev set was still falling at the end: it has not overfitted yet."
    least = f"Its cost on the dev set was least, {decimals(on_dev[best])}, {_after(int(steps[best]))}"
    if overfits:
        return (
            f"{least}. Later it was higher, {decimals(on_dev[-1])} at the end, while the cost on the "
            f"training set went down {trained}. What the network learnt after that point helped with these "
            "examples only, noise included: it overfits."
        )
    if clearly_more(on_dev[-1], on_dev[best], scale=found.cross_entropy):
        return (
            f"{least}, and {decimals(on_dev[-1])} at the end; but the cost on the training set rose too, "
            f"{trained}. That is not overfitting: the steps of gradient descent are too large."
        )
    return f"{least}, and {decimals(on_dev[-1])} at the end: it has hardly overfitted."


def _nothing_learnt(plain: Trained, found: Guess) -> str:
    least, end = decimals(plain.watched[:, 2].min()), decimals(plain.cross_entropy)
    text = (
        f"Its cost on the dev set never came clearly below {decimals(found.cross_entropy_dev)}, the cost of "
        "a guess that knows how frequent the classes are and looks at no feature (the least was "
        f"{least}): it has learnt nothing that holds for examples that it was not trained on."
    )
    if np.argmin(plain.watched[:, 2]) == len(plain.watched) - 1:
        text += " But it was still falling at the end, so more steps may change that."
    known = f"{end} at the end, the guess {decimals(found.cross_entropy)}"
    if plain.cross_entropy < 0.98 * found.cross_entropy:
        better = f"On the training set it does better ({known})"
        return f"{text} {better}, so what it has learnt is about these examples only."
    return f"{text} Nor does it do clearly better on the training set ({known})."


def _after(steps: int) -> str:
    return f"after {steps:,} step{'s' * (steps != 1)}" if steps else "before the first step"


def _gaps(models: Sequence[Trained]) -> list[str]:
    """The costs' gaps at the end, and which models have a narrower one than the plain network."""
    gaps = {model.name: model.cross_entropy_dev - model.cross_entropy for model in models}
    plain = gaps.pop("plain")
    others = listed([f"{decimals(gap)} with {name}" for name, gap in gaps.items()])
    text = [
        "At the end the cost on the dev set minus the cost on the training set is "
        f"{decimals(plain)} for the plain network, {others}."
    ]
    narrower = [name for name, gap in gaps.items() if abs(gap) < 0.99 * plain]
    if plain <= 0:
        text.append("The plain network does no worse on the dev set, so there is no gap to be narrowed.")
    elif len(narrower) == len(gaps):
        text.append("Each kind of regularization has narrowed this gap.")
    elif narrower:
        text.append(f"The gap is narrower with {listed(narrower)} only.")
    else:
        text.append("No kind of regularization has narrowed this gap.")
    return text


# ---- the weights


def weights(experiment: Experiment) -> str:
    """What became of the sizes of the weights, and why."""
    plain, l2, dropout, both = experiment.models
    return (
        f"Taken together the weights of the plain network have the norm {plain.norm:.2f}; with L2 it is "
        f"{l2.norm:.2f}, with dropout {dropout.norm:.2f}, with both {both.norm:.2f}. "
        f"{_weights_with_l2(plain, l2)} {_weights_with_dropout(plain, l2, dropout)}"
    )


def _change(before: float, after: float) -> int:
    """-1 smaller, +1 larger, 0 the same within 1 %."""
    return int(np.sign(after - before)) if abs(after - before) > 0.01 * before else 0


def _weights_with_l2(plain: Trained, l2: Trained) -> str:
    if not l2.lambd:
        return "With λ = 0 there is no penalty, and L2 changes nothing."
    pull = "it pulls at every weight at every step"
    if _change(plain.norm, l2.norm) < 0:
        return f"L2 does what the added term in its gradients says: {pull}."
    outcome = "larger" if _change(plain.norm, l2.norm) else "hardly any smaller"
    return (
        f"L2 has a term in its gradients that makes weights smaller: {pull}. Here they are {outcome} for it."
    )


def _weights_with_dropout(plain: Trained, l2: Trained, dropout: Trained) -> str:
    if dropout.keep_prob == 1:
        return "With keep_prob = 1 no neuron is shut down, and dropout changes nothing."
    change = _change(plain.norm, dropout.norm)
    if not change:
        return "Dropout has no such term, and its weights are about as large as those of the plain network."
    if change > 0:
        return (
            "Dropout has no such term, and here its weights have become larger: it spreads the work over "
            "more neurons, which need not make the sum of squares less."
        )
    weaker = ", so the effect is weaker" if dropout.norm > l2.norm else ""
    return (
        "Dropout has no such term. Its weights stay smaller only in so far as a network that cannot rely on "
        f"single neurons finds less use for large weights{weaker}."
    )


# ---- λ from small to large


def curve_heading(verdict: CurveVerdict) -> str:
    """The heading claims no more than the curve shows."""
    both = verdict.overfitted and verdict.high_bias
    return "λ, from too small to oversmoothed" if both else "λ, from small to large"


def curve(models: Sequence[Trained], verdict: CurveVerdict, *, title: str, dataset: Dataset) -> str:
    """What the dev set would choose, and what is seen to the left and to the right of it; HTML."""
    first, least, last = models[0], models[verdict.best], models[-1]
    found = guess(dataset)
    text = [
        "λ is a hyperparameter: it cannot be learnt from the training set, on which the least cross-entropy "
        f"is had without any penalty. So networks were trained with {len(models)} values of λ from "
        f"{strength(first.lambd)} to {strength(last.lambd)}, everything else as before on “{title}”, and the "
        "dev set decides.",
        _choice(least, verdict, found),
    ]
    if few := _few(dataset, found):
        text.append(f"The dev set has {few}: luck has a say in this choice.")
    if verdict.best:
        text.append(_left(first, least, verdict))
    if verdict.best < len(models) - 1:
        text.append(_right(first, least, last, verdict))
    return " ".join(text)


def _choice(least: Trained, verdict: CurveVerdict, found: Guess) -> str:
    where = (
        f"λ = {strength(least.lambd)}, where its cost is least ({decimals(least.cross_entropy_dev)}; "
        f"accuracy {share(least.accuracy_dev)})"
    )
    if not verdict.learnt:
        return (
            f"It would choose {where}. But no λ does clearly better there than a guess that looks at no "
            f"feature, whose cost is {decimals(found.cross_entropy_dev)}: none of these networks has learnt "
            "anything that holds on the dev set, so the choice means little."
        )
    if not (verdict.too_small or verdict.too_large):
        return f"It would choose {where}, but neither end of the curve is clearly worse."
    return f"It would choose {where}."


def _left(first: Trained, least: Trained, verdict: CurveVerdict) -> str:
    numbers = (
        f"at λ = {strength(first.lambd)} the norm of the weights is {first.norm:.2f} (against "
        f"{least.norm:.2f}), the training cost {decimals(first.cross_entropy)} (against "
        f"{decimals(least.cross_entropy)}), and the dev cost {decimals(first.cross_entropy_dev)}"
    )
    if not verdict.too_small:
        return f"To the left of it, {numbers}."
    return f"To the left of it λ is too small: {numbers}{', overfitted' * verdict.overfitted}."


def _right(first: Trained, least: Trained, last: Trained, verdict: CurveVerdict) -> str:
    numbers = _at_the_right_end(first, last, one_answer=verdict.answers[1] == 1)
    if verdict.high_bias:
        return (
            "To the right it is too large. The boundary is smoothed until it no longer follows the examples: "
            f"{numbers}. This is high bias, a network too simple even for the examples that it has seen: it "
            f"gets fewer of them right than with λ = {strength(least.lambd)}."
        )
    beginning = "To the right it is too large:" if verdict.too_large else "To the right of it,"
    text = f"{beginning} {numbers}."
    if verdict.answers == (1, 1):
        text += f" With λ = {strength(least.lambd)} too, every example gets the same answer."
    elif verdict.too_large and last.right >= least.right:
        text += " The costs rise, although no fewer training examples are right."
    return text


def _at_the_right_end(first: Trained, last: Trained, *, one_answer: bool) -> str:
    facts = [f"the norm of the weights is {last.norm:.2f}"]
    if last.norm < 0.05 * first.norm:
        facts = [f"the penalty has won outright, the weights are all but zero (‖<i>W</i>‖ = {last.norm:.2f})"]
    if one_answer:
        facts.append("every training example gets the same answer")
    facts += [
        f"the training cost is {decimals(last.cross_entropy)}",
        f"the training accuracy {share(last.accuracy)}",
    ]
    return f"at λ = {strength(last.lambd)} {listed(facts)}"
