"""The chain rule on scalars: every node hands its gradient on, times its own slope.

    u = x y,   v = sin u,   J = v + x²         ∂J/∂x = y cos(x y) + 2 x,   ∂J/∂y = x cos(x y)

x is used twice, so two gradients arrive at it, and they are added.
"""

import sys
from pathlib import Path

import numpy as np

import minigrad as mg


def main(out="."):
    x = mg.Tensor(1.5, requires_grad=True, name="x")
    y = mg.Tensor(-2.0, requires_grad=True, name="y")
    u = x * y
    v = np.sin(u)
    J = v + x**2
    u.name, v.name, J.name = "u", "v", "J"

    dv, du, dx, dy = mg.grad(J, [v, u, x, y], create_graph=True)  # gradients that can be differentiated again
    ddx = mg.grad(dx, x)
    print(f"J = {J:.4f}")
    print(f"∂J/∂v = 1                     {dv:9.4f}")
    print(f"∂J/∂u = ∂J/∂v cos u           {du:9.4f}")
    print(f"∂J/∂x = ∂J/∂u y + 2 x         {dx:9.4f}")
    print(f"∂J/∂y = ∂J/∂u x               {dy:9.4f}")
    print(f"∂²J/∂x² = -y² sin(x y) + 2    {ddx:9.4f}")

    for result in (u, v):
        result.retain_grad()
    J.backward()  # the same gradients, left in .grad, where the picture finds them
    mg.draw(J, show="values", gradients=True, direction="right").save(Path(out) / "01_chain_rule.svg")
    return {
        "J": J.item(), "dv": dv.item(), "du": du.item(), "dx": dx.item(), "dy": dy.item(), "ddx": ddx.item(),
        "x.grad": x.grad.item(), "y.grad": y.grad.item(),
    }  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
