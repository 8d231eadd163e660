"""Modules: what belongs to a model, its modes, its names, its state, its copies, its picture in text."""

import abc
import copy
import pickle
import weakref
from array import array
from collections import ChainMap, OrderedDict, UserDict, UserList, UserString, deque
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def three_layers(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(5, 4, rng=rng),
        nn.ReLU(),
        nn.Dropout(keep_prob=0.8, rng=seed + 1),
        nn.Linear(4, 3, rng=rng),
        nn.ReLU(),
        nn.Dropout(keep_prob=0.8, rng=seed + 2),
        nn.Linear(3, 1, rng=rng),
    )


class Tied(nn.Module):
    """An encoder and a decoder that share one weight, in an unusual order of definition."""

    def __init__(self):
        self.scale = nn.Parameter(2.0, name="s")
        self.encoder = nn.Linear(3, 3, rng=0)
        self.decoder = nn.Linear(3, 3, rng=1)
        self.decoder.weight = self.encoder.weight

    def forward(self, x):
        return self.scale * self.decoder(np.tanh(self.encoder(x)))


class Nested(nn.Module):
    """Modules in a list that grows, in a tuple and in a dict."""

    def __init__(self):
        self.layers = []
        for n in (5, 4):
            self.layers.append(nn.Linear(n, n - 1, rng=n))
        self.drops = (nn.Dropout(keep_prob=0.8, rng=1), nn.Dropout(keep_prob=0.8, rng=2))
        self.heads = {
            "mean": nn.Linear(3, 1, rng=3),
            "more": [nn.Sequential(nn.Linear(3, 2, rng=4), nn.Dropout(p=0.2, rng=5))],
        }

    def forward(self, x):
        for layer, drop in zip(self.layers, self.drops, strict=True):
            x = drop(np.tanh(layer(x)))
        return self.heads["mean"](x), self.heads["more"][0](x)


# ---- what belongs to a model


def test_parameters_come_in_definition_order():
    assert [path for path, _ in three_layers().named_parameters()] == [
        "0.weight", "0.bias", "3.weight", "3.bias", "6.weight", "6.bias",
    ]  # fmt: skip
    assert [path for path, _ in Tied().named_parameters()] == [
        "scale",
        "encoder.weight",
        "encoder.bias",
        "decoder.bias",
    ]
    assert [path for path, _ in Nested().named_parameters()] == [
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias",
        "heads.mean.weight", "heads.mean.bias", "heads.more.0.0.weight", "heads.more.0.0.bias",
    ]  # fmt: skip


def test_tied_parameters_come_once():
    model = Tied()
    parameters = list(model.parameters())
    assert len(parameters) == len({id(p) for p in parameters}) == 4
    layer = nn.Linear(3, 3, rng=0)
    assert len(list(nn.Sequential(layer, nn.Tanh(), layer).parameters())) == 2


def test_tied_parameters_get_the_sum_of_their_gradients(rng):
    model, x = Tied(), rng.standard_normal((7, 3))
    np.sum(model(x)).backward()
    W, W2 = model.encoder.weight, mg.Tensor(model.encoder.weight.data, requires_grad=True)
    W1 = mg.Tensor(W.data, requires_grad=True)
    b1, b2, s = model.encoder.bias.detach(), model.decoder.bias.detach(), model.scale.detach()
    np.sum(s * (np.tanh(x @ W1.T + b1) @ W2.T + b2)).backward()
    np.testing.assert_allclose(W.grad, W1.grad + W2.grad, atol=1e-12)


def test_what_is_trained_is_found_under_a_private_name_too():
    class Private(nn.Module):
        def __init__(self):
            self._scale = nn.Parameter(1.0)
            self._layer = nn.Linear(2, 2, rng=0)
            self._cache = mg.Tensor(0.0)

    model = Private()
    assert [path for path, _ in model.named_parameters()] == ["_scale", "_layer.weight", "_layer.bias"]
    assert "_cache" not in model.state_dict()


def test_a_tensor_that_is_no_parameter_is_state_but_not_trained():
    class Standardise(nn.Module):
        def __init__(self):
            self.mean = mg.Tensor(np.arange(3.0))
            self.strength = mg.constant(0.7, name="lambd")

        def forward(self, x):
            self.last = x - self.mean
            return self.last

    model = Standardise()
    model(mg.Tensor(np.ones((2, 3)), requires_grad=True))  # `last` is a result, not state
    assert not list(model.parameters())
    assert list(model.state_dict()) == ["mean"]
    model.load_state_dict({"mean": np.zeros(3)})
    assert not model.mean.data.any()


def test_a_model_that_holds_its_parent_is_walked_once():
    class Child(nn.Module):
        def __init__(self, parent):
            self.parent = parent
            self.layer = nn.Linear(2, 2, rng=0)

    class Parent(nn.Module):
        def __init__(self):
            self.child = Child(self)

    model = Parent()
    assert len(list(model.parameters())) == 2
    assert len(list(model.modules())) == 3
    assert repr(model).count("Linear") == 1
    model.eval()
    assert not model.child.layer.training


def test_forward_is_to_be_defined():
    class Empty(nn.Module):
        pass

    with pytest.raises(TypeError, match="Empty defines no forward"):
        Empty()(1.0)


def test_an_unknown_attribute_is_an_error():
    with pytest.raises(AttributeError, match="wieght"):
        _ = nn.Linear(2, 2, rng=0).wieght


def test_a_module_may_have_other_base_classes():
    class Base(nn.Module, abc.ABC):
        @abc.abstractmethod
        def forward(self, x): ...

    class Model(Base):
        def forward(self, x):
            return x

    assert Model()(3) == 3
    with pytest.raises(TypeError, match="abstract"):
        Base()


class Row(Sequence):
    """A sequence of the user's own."""

    def __init__(self, *entries):
        self.entries = entries

    def __getitem__(self, i):
        return self.entries[i]

    def __len__(self):
        return len(self.entries)


class Named(Mapping):
    """A mapping of the user's own."""

    def __init__(self, **entries):
        self.entries = entries

    def __getitem__(self, key):
        return self.entries[key]

    def __iter__(self):
        return iter(self.entries)

    def __len__(self):
        return len(self.entries)


def holding(container):
    model = nn.Sequential()
    model.parts = container
    return model


def two():
    return nn.Linear(2, 3, rng=0), nn.Parameter(np.ones(3), name="s")


@pytest.mark.parametrize(
    ("container", "keys"),
    [
        (list, "01"),
        (tuple, "01"),
        (deque, "01"),
        (UserList, "01"),
        (lambda entries: Row(*entries), "01"),
        (lambda entries: deque([UserList(entries)]), ("0.0", "0.1")),
        (lambda entries: dict(zip("ab", entries, strict=True)), "ab"),
        (lambda entries: OrderedDict(zip("ab", entries, strict=True)), "ab"),
        (lambda entries: UserDict(zip("ab", entries, strict=True)), "ab"),
        (lambda entries: MappingProxyType(dict(zip("ab", entries, strict=True))), "ab"),
        (lambda entries: ChainMap(dict(zip("ab", entries, strict=True))), "ab"),
        (lambda entries: Named(**dict(zip("ab", entries, strict=True))), "ab"),
        (lambda entries: {"a": deque(entries)}, ("a.0", "a.1")),
    ],
)
def test_containers_of_a_definite_order_are_searched(container, keys, rng):
    layer, scale = two()
    first, second = keys
    model = holding(container((layer, scale)))
    paths = [f"parts.{second}", f"parts.{first}.weight", f"parts.{first}.bias"]
    assert [path for path, _ in model.named_parameters()] == list(model.state_dict()) == paths
    np.sum(layer(rng.standard_normal((5, 2))) * scale).backward()
    before = model.state_dict()
    mg.optim.SGD(model.parameters(), lr=0.1).step()
    for path, value in model.state_dict().items():
        assert not np.array_equal(value, before[path])
    model.head = nn.Linear(3, 1, rng=1)
    assert names(model) == ["s", "W1", "b1", "W2", "b2"]
    model.load_state_dict({**model.state_dict(), **before})
    np.testing.assert_array_equal(scale, np.ones(3))


def test_layers_appended_to_a_deque_are_found_and_numbered():
    class Chain(nn.Module):
        def __init__(self):
            self.layers = deque()
            for n in (3, 2):
                self.layers.append(nn.Linear(n, n - 1, rng=n))

    assert names(Chain()) == ["W1", "b1", "W2", "b2"]


def objects(entries):
    found = np.empty((1, len(entries)), dtype=object)
    for i, entry in enumerate(entries):
        found[0, i] = entry
    return found


unordered = {
    "set": set,
    "frozenset": frozenset,
    "dict_keys": lambda entries: dict.fromkeys(entries).keys(),
    "dict_values": lambda entries: dict(enumerate(entries)).values(),
    "ndarray": objects,
}


@pytest.mark.parametrize("kind", unordered)
@pytest.mark.parametrize("entry", [0, 1])
@pytest.mark.parametrize("outer", [lambda x: x, lambda x: [x], lambda x: {"a": (1, x)}])
def test_parameters_in_a_container_without_an_order_are_refused(kind, entry, outer):
    model = nn.Sequential(nn.Linear(2, 2, rng=0))
    model.parts = before = [1.0]
    given = outer(unordered[kind]([3, two()[entry]]))
    what = ("Linear", "Parameter")[entry]
    with pytest.raises(
        TypeError, match=rf"^parts.*: a {kind} is not searched, so the {what} in it"
    ) as caught:
        model.parts = given
    assert str(caught.value).endswith("would not be trained; use a list")
    assert model.parts is before
    with pytest.raises(TypeError, match="use a list"):
        model.more = given
    assert not hasattr(model, "more")
    assert names(model) == ["W", "b"]


def test_a_set_that_is_filled_later_is_refused_when_it_is_looked_through():
    class Net(nn.Module):
        def __init__(self):
            self.layers = set()
            self.layers.add(nn.Linear(2, 2, rng=0))

    with pytest.raises(TypeError, match="layers: a set is not searched"):
        Net()
    model = holding(set())
    model.parts.add(nn.Linear(2, 2, rng=0))
    for look in (model.parameters, model.state_dict, model.eval):
        with pytest.raises(TypeError, match="use a list"):
            look()


@pytest.mark.parametrize(
    "value",
    [
        {1, "a"}, frozenset(), {"a": 1}.keys(), {"a": 1}.values(), iter([1]), range(10**12),
        {mg.Tensor(1.0)}, {np.random.default_rng(0)}, np.float64(1.0), np.ones(3), array("d", [1.0]),
        np.array([1, "a", None], dtype=object), np.zeros(2, dtype=[("a", object)]),
        "text", b"bytes", bytearray(2), memoryview(b"ab"), UserString("text"), np.str_("a"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_holds_nothing_to_train_may_be_an_attribute(value):
    model = holding(value)
    assert model.parts is value
    assert not list(model.parameters())
    assert not model.state_dict()


def test_a_proxy_is_what_it_stands_for_whatever_stood_in_its_place():
    class Plain:
        def __call__(self): ...  # as a Module has it: the two proxies are of one type

    plain, layer = Plain(), nn.Linear(2, 1, rng=0)
    model = holding(weakref.proxy(plain))
    assert not list(model.parameters())
    model.parts = weakref.proxy(layer)
    assert [id(p) for p in model.parameters()] == [id(layer.weight), id(layer.bias)]


# ---- modes


@pytest.mark.parametrize("build", [three_layers, Nested, Tied])
def test_train_and_eval_reach_every_module(build):
    model = build()
    assert all(module.training for module in model.modules())
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert model.train() is model
    assert all(module.training for module in model.modules())
    assert model.train(False) is model
    assert not any(module.training for module in model.modules())


def test_eval_of_a_part_leaves_the_rest():
    model = three_layers()
    model[2].eval()
    assert model.training
    assert not model[2].training
    assert model[5].training


def test_a_shared_module_has_one_mode():
    drop = nn.Dropout(keep_prob=0.5, rng=0)
    first, second = nn.Sequential(drop), nn.Sequential(nn.Linear(2, 2, rng=0), drop)
    first.eval()
    assert not second[1].training
    assert second.training
    second.train()
    assert first[0].training


@pytest.mark.parametrize("mode", [1, 0, "eval", None])
def test_a_mode_is_true_or_false(mode):
    model = three_layers()
    with pytest.raises(TypeError, match="train: mode is True or False"):
        model.train(mode)
    assert all(module.training for module in model.modules())


def test_zero_grad_forgets_all_gradients(rng):
    model = Nested()
    a, b = model(rng.standard_normal((7, 5)))
    (np.sum(a) + np.sum(b)).backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


# ---- names


def names(model):
    return [p.name for p in model.parameters()]


def test_layers_are_numbered():
    assert names(nn.Linear(2, 3, rng=0)) == ["W", "b"]
    assert names(nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU())) == ["W", "b"]
    assert names(three_layers()) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert names(Nested()) == ["W1", "b1", "W2", "b2", "W3", "b3", "W4", "b4"]
    without = nn.Sequential(nn.Linear(2, 2, bias=False, rng=0), nn.Linear(2, 2, rng=0))
    assert names(without) == ["W1", "W2", "b2"]
    many = nn.Sequential(*(nn.Linear(1, 1, rng=0) for _ in range(11)))
    assert names(many)[-1] == "b11"


def test_layers_appended_to_a_list_are_numbered():
    class Chain(nn.Module):
        def __init__(self, *sizes):
            self.layers = []
            for n_in, n_out in pairwise(sizes):
                self.layers.append(nn.Linear(n_in, n_out, rng=0))

    assert names(Chain(5, 4, 3)) == ["W1", "b1", "W2", "b2"]


def test_results_carry_the_letters_of_the_notes(rng):
    model, A = three_layers(), rng.standard_normal((7, 5))
    seen = []
    for layer in model:
        A = layer(A)
        seen.append(A.name)
    assert seen == ["Z1", "A1", "A1_drop", "Z2", "A2", "A2_drop", "Z3"]
    assert [model[2].mask.name, model[5].mask.name] == ["D1", "D2"]
    assert nn.Dropout(keep_prob=0.5, rng=0)(np.ones(3)).name == "X_drop"
    assert nn.Linear(2, 1, rng=0)(np.ones((1, 2))).name == "Z"


def test_adding_a_child_later_numbers_again():
    model = nn.Sequential(nn.Linear(2, 2, rng=0))
    assert names(model) == ["W", "b"]
    model.append(nn.ReLU()).append(nn.Linear(2, 2, rng=1))
    assert names(model) == ["W1", "b1", "W2", "b2"]
    assert model(np.ones((1, 2))).name == "Z2"


def test_a_model_inside_a_model_is_numbered_with_it():
    block = three_layers()
    outer = nn.Sequential(nn.Linear(5, 5, rng=0), block)
    assert names(outer) == ["W1", "b1", "W2", "b2", "W3", "b3", "W4", "b4"]


def test_exchanging_what_has_no_letters_keeps_the_numbers():
    class Block(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2, rng=0)
            self.activation = nn.ReLU()

    model = nn.Sequential(Block(), Block())
    model[1].activation = nn.Tanh()
    model[1].notes = [1, 2]
    assert names(model) == ["W1", "b1", "W2", "b2"]


def test_names_that_a_user_gives_are_respected():
    class Net(nn.Module):
        def __init__(self):
            self.scale = nn.Parameter(1.0, name="s")
            self.mixing = nn.Parameter(np.eye(2), name="W2")
            self.first = nn.Linear(2, 2, rng=0)
            self.second = nn.Linear(2, 2, rng=0)

    net = Net()
    assert names(net) == ["s", "W2", "W1", "b1", "W2", "b2"]
    net.first.weight.name = "W7"
    net.second.weight.name = "embedding"
    net.third = nn.Linear(2, 2, rng=0)
    assert names(net) == ["s", "W2", "W7", "b1", "embedding", "b2", "W3", "b3"]
    assert net.second(np.ones((1, 2))).name is None
    unnamed = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=0))
    unnamed[0].weight = nn.Parameter(np.eye(2))
    assert names(unnamed) == [None, "b1", "W2", "b2"]


def test_a_tied_weight_keeps_its_first_number():
    net = Tied()
    net.head = nn.Linear(3, 1, rng=2)
    assert names(net) == ["s", "W1", "b1", "b2", "W3", "b3"]


# ---- state


def test_state_is_what_a_model_needs_to_go_on(rng):
    x = rng.standard_normal((7, 5))
    model, other = three_layers(0), three_layers(10)
    model(x)
    state = model.state_dict()
    assert list(state) == ["0.weight", "0.bias", "2.rng", "3.weight", "3.bias", "5.rng", "6.weight", "6.bias"]
    other.load_state_dict(state)
    np.testing.assert_array_equal(model(x), other(x))


def test_a_state_is_a_snapshot():
    model = three_layers()
    state = model.state_dict()
    before = {key: copy.deepcopy(value) for key, value in state.items()}
    with mg.no_grad():
        for p in model.parameters():
            p -= 1.0
    model(np.ones((2, 5)))
    for key, value in before.items():
        np.testing.assert_equal(state[key], value)
    with pytest.raises(ValueError, match="read-only"):
        state["0.weight"][0, 0] = 1.0
    loaded = {key: copy.deepcopy(value) for key, value in before.items()}
    model.load_state_dict(loaded)
    loaded["0.weight"][:] = np.nan
    assert np.isfinite(model[0].weight.data).all()


def snapshot(model):
    return {key: copy.deepcopy(value) for key, value in model.state_dict().items()}


def test_all_that_is_wrong_with_a_state_is_listed_and_nothing_is_loaded():
    model = three_layers()
    before = snapshot(model)
    state = snapshot(three_layers(3))
    del state["0.bias"]
    state["extra"] = np.zeros(2)
    state["3.weight"] = np.zeros((4, 3))
    state["6.weight"] = np.array([["a", "b", "c"]])
    state["6.bias"] = np.ones(1) * 1j
    state["2.rng"] = np.random.default_rng(0).bit_generator.state | {"bit_generator": "MT19937"}
    state["5.rng"] = {**state["5.rng"], "state": {"state": "x", "inc": 3}}
    with pytest.raises(RuntimeError) as caught:
        model.load_state_dict(state)
    message = str(caught.value)
    assert "0.bias is missing" in message
    assert "extra is unknown" in message
    assert "3.weight has shape (4, 3), wanted (3, 4)" in message
    assert "6.weight is <U1, wanted float64" in message
    assert "6.bias is complex128, wanted float64" in message
    assert "2.rng cannot be used" in message
    assert "5.rng cannot be used" in message
    np.testing.assert_equal(snapshot(model), before)
    assert "\n" not in message


def test_a_state_that_is_not_strict_passes_over_keys_but_not_over_shapes():
    model, state = three_layers(), snapshot(three_layers(3))
    del state["0.bias"]
    state["extra"] = np.zeros(2)
    bias = model[0].bias.data.copy()
    result = model.load_state_dict(state, strict=False)
    assert result.missing == ["0.bias"]
    assert result.unexpected == ["extra"]
    np.testing.assert_array_equal(model[6].weight, state["6.weight"])
    np.testing.assert_array_equal(model[0].bias, bias)
    before = snapshot(model)
    with pytest.raises(RuntimeError, match=r"6\.bias has shape \(\), wanted \(1,\)"):
        model.load_state_dict({**snapshot(three_layers(5)), "6.bias": 3.0}, strict=False)
    np.testing.assert_equal(snapshot(model), before)


@pytest.mark.parametrize("state", [None, 3, "state", [("0.weight", 1)]])
def test_a_state_is_a_dict(state):
    with pytest.raises(TypeError, match="wanted a dict"):
        three_layers().load_state_dict(state)


def test_a_state_keeps_the_models_dtype_and_takes_tensors():
    model = nn.Linear(2, 3, rng=0, dtype=np.float32)
    model.load_state_dict({"weight": mg.Tensor(np.ones((3, 2)), requires_grad=True), "bias": [1, 2, 3]})
    assert model.weight.dtype == model.bias.dtype == np.float32
    np.testing.assert_array_equal(model.bias, [1, 2, 3])


def test_a_graph_from_before_the_state_was_loaded_is_refused(rng):
    model = three_layers()
    J = np.sum(model(rng.standard_normal((7, 5))))
    model.load_state_dict(three_layers(1).state_dict())
    with pytest.raises(RuntimeError, match="stale"):
        J.backward()


def test_tied_parameters_are_saved_once():
    assert list(Tied().state_dict()) == ["scale", "encoder.weight", "encoder.bias", "decoder.bias"]


def test_two_parts_of_one_name_are_refused():
    class Twins(nn.Module):
        def __init__(self):
            self.parts = {"1": nn.Linear(2, 2, rng=0), 1: nn.Linear(2, 2, rng=1)}

    with pytest.raises(ValueError, match=r"two parts of the state are called parts\.1\.weight"):
        Twins().state_dict()


# ---- copies


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
class TestCopies:
    def test_ties_are_kept(self, copied, rng):
        model = Tied()
        twin = copied(model)
        assert twin.decoder.weight is twin.encoder.weight
        assert twin.encoder.weight is not model.encoder.weight
        assert names(twin) == names(model)
        assert [p.decay for p in twin.parameters()] == [True, True, False, False]
        x = rng.standard_normal((7, 3))
        np.testing.assert_array_equal(twin(x), model(x))
        np.sum(twin(x)).backward()
        assert all(p.grad is None for p in model.parameters())
        assert all(p.grad is not None for p in twin.parameters())

    def test_generators_go_on_where_they_were(self, copied, rng):
        shared = np.random.default_rng(3)
        model = nn.Sequential(nn.Dropout(keep_prob=0.8, rng=shared), nn.Dropout(keep_prob=0.8, rng=shared))
        x = rng.standard_normal((50, 50))
        model(x)
        twin = copied(model)
        assert twin[0].rng is twin[1].rng is not shared
        np.testing.assert_array_equal(twin[1].mask, model[1].mask)
        np.testing.assert_array_equal(twin(x), model(x))
        np.testing.assert_array_equal(twin(x), model(x))

    def test_mode_gradients_and_numbering_are_kept(self, copied, rng):
        model = three_layers()
        np.sum(model(rng.standard_normal((7, 5)))).backward()
        model[2].eval()
        twin = copied(model)
        assert [module.training for module in twin.modules()] == [
            module.training for module in model.modules()
        ]
        for p, q in zip(model.parameters(), twin.parameters(), strict=True):
            assert isinstance(q, nn.Parameter)
            np.testing.assert_array_equal(p.grad, q.grad)
        twin.append(nn.Linear(1, 1, rng=0))
        assert names(twin)[-2:] == ["W4", "b4"]
        assert names(copied(nn.Sequential(nn.Linear(2, 2, rng=0))).append(nn.Linear(2, 2, rng=0))) == [
            "W1", "b1", "W2", "b2",
        ]  # fmt: skip
        assert names(model)[-2:] == ["W3", "b3"]
        assert repr(copied(model)) == repr(model)


# ---- how a model is shown


def test_the_tree_shows_shapes_and_the_number_of_parameters():
    assert repr(three_layers()) == (
        "Sequential()                 43 parameters\n"
        "  0: Linear(5, 4)            W1 (4, 5), b1 (4,)  24 parameters\n"
        "  1: ReLU()\n"
        "  2: Dropout(keep_prob=0.8)\n"
        "  3: Linear(4, 3)            W2 (3, 4), b2 (3,)  15 parameters\n"
        "  4: ReLU()\n"
        "  5: Dropout(keep_prob=0.8)\n"
        "  6: Linear(3, 1)            W3 (1, 3), b3 (1,)  4 parameters"
    )


def test_tied_parameters_are_counted_once():
    assert repr(Tied()) == (
        "Tied()                   s ()  16 parameters\n"
        "  encoder: Linear(3, 3)  W1 (3, 3), b1 (3,)  12 parameters\n"
        "  decoder: Linear(3, 3)  W1 (3, 3) tied, b2 (3,)  3 parameters"
    )
    layer = nn.Linear(3, 3, rng=0)
    assert repr(nn.Sequential(layer, np.tanh, layer)) == (
        "Sequential()       12 parameters\n"
        "  0: Linear(3, 3)  W (3, 3), b (3,)  12 parameters\n"
        "  1: np.tanh\n"
        "  2: Linear(3, 3)  W (3, 3) tied, b (3,) tied"
    )


def test_nested_models_are_indented():
    text = repr(Nested())
    assert "  heads.more.0: Sequential()\n    0: Linear(3, 2)" in text
    assert "  layers.0: Linear(5, 4)" in text
    assert text.splitlines()[0].endswith("51 parameters")


def test_large_numbers_are_grouped():
    assert repr(nn.Linear(784, 256, rng=0)) == "Linear(784, 256)  W (256, 784), b (256,)  200,960 parameters"


# ---- Sequential


def test_sequential_applies_its_layers_in_order(rng):
    model, x = three_layers().eval(), rng.standard_normal((7, 5))
    expected = x
    for layer in model:
        expected = layer(expected)
    np.testing.assert_array_equal(model(x), expected)
    assert len(model) == 7
    assert model[0] is next(iter(model))
    assert model[-1].n_out == 1
    np.testing.assert_array_equal(nn.Sequential(np.square, lambda t: t + 1)(np.array([2.0])), [5.0])
    assert nn.Sequential()(3) == 3


def test_a_module_that_becomes_an_attribute_later_is_applied(rng):
    model, x = nn.Sequential(nn.Linear(5, 4, rng=0)), rng.standard_normal((7, 5))
    model.head = nn.Linear(4, 1, rng=1)
    assert len(model) == 2
    np.testing.assert_array_equal(model(x), model.head(model[0](x)))
    assert names(model) == ["W1", "b1", "W2", "b2"]
    assert "  head: Linear(4, 1)" in repr(model)


@pytest.mark.parametrize("layers", [([],), (3,), ("relu",), (nn.ReLU,), ({"a": 1},)])
def test_sequential_takes_modules_one_by_one(layers):
    with pytest.raises(TypeError, match="give the layers one by one"):
        nn.Sequential(*layers)
    with pytest.raises(TypeError, match="give the layers one by one"):
        nn.Sequential().append(layers[0])
