"""A small convolutional network on handwritten digits: filters that are learnt, and what they see.

Two convolutions, each normalized over the batch, with a rectifier and a maximum over 2 x 2 pixels; what is
left of the picture is 2 x 2 pixels of 16 channels, and a Linear layer reads the digit off these.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn


def as_images(X):
    return X.reshape(-1, 1, 8, 8)  # (m, channels, height, width)


def network(rng):
    return nn.Sequential(
        as_images,
        *(nn.Conv2d(1, 8, 3, padding="same", rng=rng), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding="same", rng=rng), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Flatten(),
        nn.Linear(16 * 2 * 2, 10, rng=rng),
    )


def main(out="."):
    data = mg.data.digits()
    rng = np.random.default_rng(7)
    model = network(rng)
    optimizer = mg.optim.Adam(model.parameters(), lr=0.01)
    history = mg.fit(
        model, lambda model, X, y: nn.cross_entropy(model(X), y), data, optimizer, 8, batch_size=64, rng=rng
    )
    print(history)

    with mg.no_grad():
        guess = model.eval()(data.X_dev).data.argmax(axis=1)
        wrong = np.flatnonzero(guess != data.y_dev)
        accuracy = 1 - len(wrong) / len(guess)
        print(f"{accuracy:.1%} of {len(guess)} dev examples are right, {len(wrong)} wrong")
        seen = as_images(data.X_dev[:1])
        for layer in list(model)[1:4]:
            seen = layer(seen)  # (1, 8, 8, 8): one picture for each filter

    figure = Figure(figsize=(9, 3), layout="constrained")
    figure.suptitle("the filters of the first layer, and where they find in a digit what they look for")
    grid = figure.subplots(2, 9)
    filters = model[1].weight.data[:, 0]  # (8, 3, 3)
    largest = np.abs(filters).max()
    for axes, W, A in zip(grid.T[1:], filters, seen.data[0], strict=True):
        axes[0].imshow(W, cmap="coolwarm", vmin=-largest, vmax=largest)
        axes[1].imshow(A, cmap="gray_r")
    grid[1, 0].imshow(data.X_dev[0].reshape(8, 8), cmap="gray_r")
    for axes in grid.flat:
        axes.axis("off")
    figure.savefig(Path(out) / "17_convolution.png", dpi=100)

    # the gradient of a filter, against its sum written out
    layer, X = nn.Conv2d(1, 2, 3, rng=rng), rng.standard_normal((5, 1, 6, 6))
    g = rng.standard_normal((5, 2, 4, 4))
    layer(X).backward(g)
    dW = np.zeros((2, 1, 3, 3))
    for i, j in np.ndindex(3, 3):
        dW[:, 0, i, j] = np.sum(g * X[:, :, i : i + 4, j : j + 4], axis=(0, 2, 3))
    rule = np.max(np.abs(layer.weight.grad.data - dW))
    print(f"∂J/∂W and the sum of g times what the filter saw differ by {rule:.1e}")
    return {"accuracy": accuracy, "wrong": len(wrong), "costs": history["cost"], "rule": rule}


if __name__ == "__main__":
    main(*sys.argv[1:])
