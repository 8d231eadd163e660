"""What report.html explains whatever the numbers are: set-up and methods, how to read tables and graphs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from string import Template

from minigrad.data import Dataset
from minigrad.experiments import page, tables
from minigrad.experiments.experiment import Experiment, Setting
from minigrad.experiments.judging import guess
from minigrad.experiments.numerals import listed, strength
from minigrad.experiments.page import brace, equation, fraction, total


def set_up(experiments: Sequence[Experiment]) -> str:
    """What was trained on what, and what a dev set is."""
    head = ["data set", "features", "classes", "training<br>examples", "dev<br>examples", "network", "steps"]
    rows = []
    for experiment in experiments:
        dataset, setting = experiment.dataset, experiment.setting
        sizes = "–".join(map(str, (dataset.n_in, *setting.hidden, dataset.n_out)))
        row = [escape(tables.title(experiment)), dataset.n_in, len(dataset.classes), dataset.m]
        row += [
            len(dataset.X_dev),
            sizes,
            f"{setting.steps:,}",
            strength(setting.lr),
            strength(setting.lambd),
        ]
        rows.append([str(cell) for cell in (*row, strength(setting.keep_prob))])
    hidden = experiments[0].setting.hidden
    return _set_up.substitute(
        hidden=f"one hidden layer of {hidden[0]}"
        if len(hidden) == 1
        else f"hidden layers of {listed(list(map(str, hidden)))}",
        output="softmax" if experiments[0].dataset.n_out > 1 else "sigmoid",
        table=page.table([*head, "learning<br>rate", "λ", "keep_prob"], rows),
        sets="\n".join(f"<p>{_about(experiment.dataset)}</p>" for experiment in experiments),
    )


_set_up = Template("""
<p>Every network has $hidden neurons with ReLU, and a $output at its end. The initial weights are drawn as
He et al. propose, from <i>N</i>(0,&nbsp;2/<i>n</i><sub>in</sub>), and are the same in all four models; the
biases begin at 0. Training is gradient descent on the whole training set at once, so after the start
nothing is left to chance but the masks of dropout.</p>
$table
$sets
<p>The <i>dev set</i> takes no part in training. It shows whether a network has learnt something about the
problem or has learnt its examples by heart: a network that <i>overfits</i> does well on the training set,
and worse on the dev set. All accuracies and costs in the tables are measured with dropout switched off.</p>
""")


def _about(dataset: Dataset) -> str:
    if dataset.name in _descriptions:
        return _descriptions[dataset.name]
    classes = ", ".join(f"“{escape(name)}”" for name in dataset.classes[:8])
    more = " …" if len(dataset.classes) > 8 else ""
    largest = guess(dataset).right / dataset.m
    return (
        f"<b>{escape(dataset.name)}.</b> A file of examples; the classes are {classes}{more}. The most "
        f"frequent class has {100 * largest:.1f}\u00a0% of the training examples."
    )


_descriptions = {
    "side_of_the_field": """
<b>Which side of the field.</b> A goalkeeper kicks the ball, it comes down at some point of the field, and
one of the two sides wins it: <i>ours</i> above a slightly bent line, <i>theirs</i> below. The set is made
up, and it is noisy on purpose. Near the line chance decides, and everywhere else a few balls in a hundred
go the wrong way. No rule can be right every time, so whoever gets every training example right has learnt
noise.
""",
    "breast_cancer": """
<b>Breast cancer.</b> Thirty measurements of the cell nuclei in each of 569 breast tumours, malignant or
benign, as they come with scikit-learn (Street, Wolberg and Mangasarian, 1993). Half of the tumours are held
out as the dev set: the fewer examples there are to learn from, the sooner a network knows them by heart.
Every feature is standardized with the mean and the standard deviation of the training half.
""",
}


def methods(*, several_classes: bool) -> str:
    """The cost with and without L2, its gradient, and dropout; with the textbook's equations."""
    y, a = "<i>y</i><sup>(<i>i</i>)</sup>", "<i>a</i><sup>[<i>L</i>](<i>i</i>)</sup>"
    mean = f"−{fraction('1', '<i>m</i>')}{total('<i>i</i>')}"
    if several_classes:
        a = "<i>a</i><sub>(class of <i>i</i>)</sub><sup>[<i>L</i>](<i>i</i>)</sup>"
        loss = short = f"log {a}"
    else:
        loss = f"( {y} log {a} + (1 − {y}) log(1 − {a}) )"
        short = f"( {y} log {a} + … )"
    price = fraction("λ", "2<i>m</i>")
    penalty = f"{price}{total('<i>l</i>')} ‖<i>W</i><sup>[<i>l</i>]</sup>‖²"
    decay = fraction("λ", "<i>m</i>")
    return _methods.substitute(
        cost=equation(f"<i>J</i> = {mean} {loss}", number="1", spoken="J is the mean cross-entropy"),
        regularized=equation(
            f"<i>J</i> = {brace(f'{mean} {short}', 'cross-entropy cost')} + "
            f"{brace(penalty, 'L2 regularization cost')}",
            number="2",
            spoken="J is the cross-entropy plus lambda over 2 m times the sum of the squared weights",
        ),
        price=price,
        decay=decay,
        gradient=equation(
            f"<i>dW</i><sup>[2]</sup> = (<i>dZ</i><sup>[2]</sup>)ᵀ <i>A</i><sup>[1]</sup> + "
            f"{decay} <i>W</i><sup>[2]</sup>",
            spoken="dW2 is dZ2 transposed times A1, plus lambda over m times W2",
        ),
        forward=equation(
            "<i>A</i><sub>drop</sub> = <i>A</i> ∗ <i>D</i> / keep_prob",
            spoken="A dropped is A times D divided by keep_prob, element by element",
        ),
        backward=equation(
            "<i>dA</i> = <i>dA</i><sub>drop</sub> ∗ <i>D</i> / keep_prob",
            spoken="dA is dA dropped times the same D, divided by the same keep_prob",
        ),
    )


_methods = Template("""
<h3>The cost</h3>
<p>A plain network is trained on the cross-entropy: for each of the <i>m</i> examples, the logarithm of the
probability that the network gives to the right answer.</p>
$cost
<p>L2 regularization puts a price on weights. It adds the squares of all of them, over the rows and the
columns of every layer&rsquo;s weight matrix (that is the squared Frobenius norm, ‖·‖²); biases go free.</p>
$regularized
<p>λ sets the price. A large weight must now pay for itself by lowering the cross-entropy, and fitting one
odd example does not lower it enough. What remains is a network with small weights, and that is a simpler
network: its answer changes slowly as the input changes.</p>
<h3>Its gradient</h3>
<p>Of the gradients only those of the weights change, by one term each, because the derivative of <span
class="whole">$price&#8202;<i>W</i>²</span> is <span class="whole">$decay&#8202;<i>W</i></span>:</p>
$gradient
<p>So every step takes the same small fraction from every weight, whatever the data say: <i>weight
decay</i>.</p>
<h3>Dropout</h3>
<p>Dropout changes the network and leaves the cost alone. At every step some neurons of the hidden layers
are shut down, at the next step others, so that no neuron can rely on one particular neuron before it. In
the forward pass there are four things to do: draw a number between 0 and 1 for every entry of <i>A</i>;
make a mask <i>D</i> of them, 1 with probability keep_prob and 0 otherwise; multiply by the mask; divide by
keep_prob.</p>
$forward
<p>In the backward pass there are two: the same mask, and the same division.</p>
$backward
<p>Thanks to the division every activation keeps, in the mean, the value that it would have without dropout,
so nothing has to be rescaled when the network is used. It is a common mistake to use it with dropout still
on: neurons are shut down in training only.</p>
<p>Neither of these gradient formulas is known to the machinery that trains. It knows the derivatives of ×,
÷, + and their like; the term λ/<i>m</i>&nbsp;<i>W</i> and the factor <i>D</i>/keep_prob follow from those,
and the tables <a href="#gradients">further down</a> show that they do.</p>
""")


boundaries = """
<p>Every point of the plane gets an answer. The black line is where the network changes its mind; the
fainter the tint, the less certain the answer. Look for places where a boundary goes out of its way for one
point, and for regions where the network has changed its mind, or half changed it, on the strength of one or
two examples. With small weights the answer changes slowly from point to point: the faint band along the
line is wide. Where there is no line, every point that is shown gets the same answer.</p>
"""

boundaries_of_several = """
<p>Every point of the plane gets an answer. A tint stands for a class; the black lines lie between the
classes. Where there is no line, every point that is shown gets the same answer.</p>
"""


def gradients(setting: Setting, *, several_classes: bool) -> str:
    """How every gradient was found, and how to read the tables."""
    quotient = fraction("<i>J</i>(<i>w</i> + <i>h</i>) − <i>J</i>(<i>w</i> − <i>h</i>)", "2<i>h</i>")
    return _gradients.substitute(
        differences=equation(
            f"<i>dw</i> ≈ {quotient}", spoken="dw is about J of w plus h, minus J of w minus h, over 2 h"
        ),
        last=len(setting.hidden) + 1,
        compare=_compare(setting),
        output="softmax" if several_classes else "sigmoid",
    )


_gradients = Template("""
<p>After the last step, while the masks drawn in that step were held still, every gradient of <i>J</i> was
found three times. <b>By machine:</b> minigrad&rsquo;s backward pass, which knows the derivatives of
NumPy&rsquo;s functions and nothing about networks. <b>By hand:</b> the formulas of the textbook, a few
lines of plain NumPy that know nothing about minigrad. <b>By differences:</b> move one number up and down by
a little <i>h</i>, and see how <i>J</i> changes.</p>
$differences
<p>Differences need no formula at all, and for that reason they are only an approximation, good to eight
digits or so. Shown is the entry of each gradient that has the largest magnitude. The errors are the largest
over all entries, relative to that one.</p>
<p>The names are those of the code: <code>dW$last</code> is ∂<i>J</i>/∂<i>W</i><sup>[$last]</sup>,
<code>A$last</code> comes out of the $output, <code>D1</code> is a mask and <code>A1_drop</code> what it
leaves of <code>A1</code>; <code>·</code> multiplies element by element. Compare the tables of the four
models: $compare.</p>
""")


def _compare(setting: Setting) -> str:
    l2 = "L2 adds <code>λ/m W</code> in the rows <code>dW</code> and changes no other formula"
    dropout = "dropout adds the rows in which <code>dA</code> is masked and divided"
    return "; ".join([l2 if setting.lambd else _no_l2, dropout if setting.keep_prob < 1 else _no_dropout])


_no_l2 = "with λ = 0, L2 adds nothing"
_no_dropout = "with keep_prob = 1, dropout adds nothing"


def derivation(
    experiment: Experiment, *, model: str, equations: str, source: str, words: str, error: str, examples: int
) -> str:
    """How the backward pass came to be written down, and where to walk through it."""
    setting = experiment.setting
    held = [
        name for name, is_there in (("L2", setting.lambd), ("dropout", setting.keep_prob < 1)) if is_there
    ]
    return _derivation.substitute(
        model=model,
        held=f", which has {listed(held)}" if held else "",
        equations=equations,
        source=source,
        words=words,
        error=error,
        examples=f"the first {examples} training examples" if examples > 1 else "the first training example",
    )


_derivation = Template("""
<p>While a cost is computed, minigrad records what is done with what. A table says what each function of
NumPy differentiates to. The chain rule puts the two together, and what comes out can be simplified and
written down as a person would have written it. Here that is done for the cost <i>J</i> of the trained model
<b>$model</b>$held, on the whole training set. Nobody entered these formulas: they follow from the record.</p>
$equations
<h3>The same as a program</h3>
<p>This is NumPy and nothing else, and it runs as it is (it lies beside this page, as
<a href="derivation.py">derivation.py</a>). It was run on the numbers and masks of the model: the largest
error of its gradients, relative to those of the machine&rsquo;s backward pass, is <b>$error</b>.</p>
<pre>$source</pre>
<details><summary>Where every line of the backward pass comes from, in words</summary>
<pre>$words</pre></details>
<h3>Step by step</h3>
<p><a href="steps.html">A page to walk through</a> shows both passes one step at a time, with the numbers of
$examples: what every operation computes on the way forward, and on the way back what every one of them
hands on, by which rule.</p>
""")


def ledger(model: str) -> str:
    """What a penalty is, and how to read the table."""
    return _ledger.substitute(model=model)


_ledger = Template("""
<p>What does the cost of the model <b>$model</b> charge for which parameter? This too is read off the record,
and not off the settings. A term of <i>J</i> that depends on parameters and on no data is a penalty. If it is
<i>c</i>&nbsp;‖<i>W</i>‖², it adds 2<i>c</i>&nbsp;<i>W</i> to the gradient, and 2<i>c</i> is what other
libraries call weight decay. The last two columns say how much of each gradient comes from the penalty and
how much from the data.</p>
""")


def graphs(setting: Setting) -> str:
    """How to read the drawn graphs."""
    missing = [_no_l2] * (not setting.lambd) + [_no_dropout] * (setting.keep_prob == 1)
    present = "With both L2 and dropout, all of that is there in training mode"
    return _graphs.substitute(training=f"Here, {' and '.join(missing)}" if missing else present)


_graphs = Template("""
<p>While a cost is computed, minigrad records how. These are the records, and the gradients were read off
them backwards. Boxes are given, ellipses computed. Green are the terms of the cost that depend on weights
and on no data: the penalty. Purple and dashed are the random numbers of dropout and the masks made of
them.</p>
<p>$training. In evaluation mode, on the dev set, there is no mask, no division and
no penalty. The four networks then have the same graph and differ only in their weights.</p>
""")
