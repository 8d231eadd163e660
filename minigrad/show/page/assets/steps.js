"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const steps = data.steps;
  const by = (id) => document.getElementById(id);
  const pane = by("pane");
  const nodes = [...pane.querySelectorAll(".node")];
  const edges = [...pane.querySelectorAll(".edge")];
  const firstBackward = steps.findIndex((step) => !["start", "forward"].includes(step.kind));
  const phases = { start: "Start", forward: "Forward", seed: "Backward", backward: "Backward", sum: "Adding up", end: "Done" };
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let current = -1;
  let timer = 0;

  const element = (tag, text, name) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (name) made.className = name;
    return made;
  };

  const matrix = (one, isResult) => {
    const figure = element("figure", undefined, isResult ? "result" : "");
    const caption = element("figcaption");
    caption.append(element("b", one.name), " ", element("span", one.shape));
    const table = element("table", undefined, "matrix");
    table.setAttribute("aria-label", one.name + (one.shape ? ", shape " + one.shape : ""));
    for (const row of one.cells) {
      const line = table.insertRow();
      for (const [text, level] of row) {
        const cell = line.insertCell();
        cell.textContent = text;
        if (level) {
          cell.className = level > 0 ? "plus" : "minus";
          cell.style.setProperty("--a", (Math.abs(level) / 100 * 0.6).toFixed(2));
        }
      }
    }
    const scroll = element("div", undefined, "scroll");
    scroll.append(table);
    figure.append(caption, scroll);
    if (one.cut) figure.append(element("p", "shown: " + one.cut, "cut"));
    return figure;
  };

  const showMatrices = (step) => {
    const box = by("matrices");
    box.replaceChildren();
    box.classList.toggle("list", ["start", "end"].includes(step.kind));
    step.matrices.forEach(([sign, index], i) => {
      const pair = element("div", undefined, "pair"); // a sign stays with what follows it
      if (sign) pair.append(element("span", sign, "sign"));
      box.append(pair);
      const last = i === step.matrices.length - 1;
      pair.append(matrix(data.matrices[index], last && !["start", "end"].includes(step.kind)));
    });
    for (const scroll of box.querySelectorAll(".scroll")) {
      if (scroll.scrollWidth > scroll.clientWidth) scroll.tabIndex = 0;
    }
  };

  const light = (step, index) => {
    const backward = index >= firstBackward;
    nodes.forEach((node) => {
      const number = Number(node.dataset.node);
      const [computed, passed] = data.nodes[number];
      const past = backward ? passed < index : computed < index;
      node.classList.toggle("past", past && step.kind !== "start");
      node.classList.toggle("lit", step.lit.includes(number));
      node.classList.toggle("to", step.to.includes(number));
    });
    edges.forEach((edge) => edge.classList.toggle("lit", step.edges.includes(Number(edge.dataset.edge))));
    follow(step, index);
  };

  const follow = (step, index) => {
    if (pane.classList.contains("whole") || step.kind === "end") return;
    const wanted = step.kind === "start" ? [...steps[0].lit.slice(0, 1), ...(steps[1] || step).lit] : [...step.lit, ...step.to];
    const shown = nodes.filter((node) => wanted.includes(Number(node.dataset.node)));
    if (!shown.length) return;
    const outer = pane.getBoundingClientRect();
    const boxes = shown.map((node) => node.getBoundingClientRect());
    const middle = (a, b) => (Math.min(...boxes.map((box) => box[a])) + Math.max(...boxes.map((box) => box[b]))) / 2;
    const lit = shown.find((node) => node.matches('.lit')).getBoundingClientRect();
    let x = middle("left", "right"), y = middle("top", "bottom");
    if (Math.abs(x - (lit.left + lit.right) / 2) > outer.width / 2 - 60) x = (lit.left + lit.right) / 2;
    if (Math.abs(y - (lit.top + lit.bottom) / 2) > outer.height / 2 - 40) y = (lit.top + lit.bottom) / 2;
    const smooth = Math.abs(index - follow.last) === 1 && !still.matches;
    follow.last = index;
    pane.scrollTo({
      left: pane.scrollLeft + x - outer.left - outer.width / 2,
      top: pane.scrollTop + y - outer.top - outer.height / 2,
      behavior: smooth ? "smooth" : "instant",
    });
  };
  follow.last = -9;

  const remember = (index) => {
    try {
      history.replaceState(null, "", "#step=" + (index + 1));
    } catch (error) { // inside a notebook's frame there is no address to change
      if (error.name !== "SecurityError") throw error;
    }
  };

  const go = (wanted, keepAddress) => {
    const index = Math.max(0, Math.min(steps.length - 1, wanted));
    if (index === current) return;
    current = index;
    const step = steps[index];
    const phase = phases[step.kind];
    document.body.className = ["forward", "start"].includes(step.kind) ? "" : step.kind === "sum" ? "sum" : "backward";
    by("phase").textContent = phase;
    by("place").textContent = "step " + (index + 1) + " of " + steps.length;
    by("title").textContent = step.title;
    by("sentence").textContent = step.sentence;
    by("rule").replaceChildren(...step.rule.flatMap(([what, text]) => [element("dt", what), element("dd", text)]));
    showMatrices(step);
    light(step, index);
    by("step").scrollTop = 0;
    by("slider").value = index + 1;
    by("slider").setAttribute("aria-valuetext", "step " + (index + 1) + " of " + steps.length + ": " + step.title);
    by("progress").value = index + 1;
    by("count").textContent = (index + 1) + " / " + steps.length;
    by("status").textContent = "Step " + (index + 1) + " of " + steps.length + ". " + step.title + ". " + step.sentence;
    for (const id of ["first", "previous"]) by(id).disabled = index === 0;
    for (const id of ["next", "last"]) by(id).disabled = index === steps.length - 1;
    if (index === steps.length - 1) pause();
    if (!keepAddress) remember(index);
  };

  const pause = () => {
    clearInterval(timer);
    timer = 0;
    by("play-text").textContent = "Play";
  };

  const play = () => {
    if (timer) return pause();
    if (current === steps.length - 1) go(0);
    by("play-text").textContent = "Pause";
    timer = setInterval(() => go(current + 1), 1600);
  };

  const fromAddress = () => {
    const found = /^#step=(\d+)$/.exec(location.hash);
    return found ? Number(found[1]) - 1 : -1;
  };

  const byHand = (change) => () => { pause(); change(); };
  by("first").onclick = byHand(() => go(0));
  by("previous").onclick = byHand(() => go(current - 1));
  by("next").onclick = byHand(() => go(current + 1));
  by("last").onclick = byHand(() => go(steps.length - 1));
  by("slider").oninput = byHand(() => go(Number(by("slider").value) - 1));
  by("play").onclick = play;
  by("whole").onclick = () => {
    const whole = pane.classList.toggle("whole");
    by("whole").setAttribute("aria-pressed", String(whole));
    if (!whole) { follow.last = -9; follow(steps[current], current); }
  };
  nodes.forEach((node) => node.addEventListener("click", () => {
    const number = Number(node.dataset.node);
    const at = steps.findIndex((step, i) => i > current && step.lit.includes(number));
    const from = steps.findIndex((step) => step.lit.includes(number));
    if (at >= 0 || from >= 0) byHand(() => go(at >= 0 ? at : from))();
  }));
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.matches("input, .scroll, .wide")) return; // these have keys of their own
    const moves = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: steps.length - 1 };
    if (event.key in moves) {
      event.preventDefault();
      pause();
      go(moves[event.key]);
    } else if (event.key === "p" || event.key === "P") {
      play();
    }
  });
  addEventListener("hashchange", () => { if (fromAddress() >= 0) byHand(() => go(fromAddress(), true))(); });
  const asked = fromAddress();
  go(Math.max(0, asked), asked < 0);
})();
