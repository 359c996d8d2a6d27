// Follow a gradient back: values appear from the input to the loss, then derivatives from the loss to the input.
diagrams.live("gradient", (svg, controls) => {
  const { written } = diagrams;
  const two = (value) => written(value, 2, true);
  const start = Object.fromEntries(["x", "w1", "w2", "v1", "v2", "b1", "b2", "c"].map((name) => [
    name, Number(svg.querySelector(`[data-value="${name}"]`).textContent.replace("−", "-")),
  ]));
  const target = 2;
  const state = { ...start };

  function propagate({ x, w1, w2, v1, v2, b1, b2, c }) {
    const z1 = w1 * x + b1, z2 = w2 * x + b2;
    const h1 = Math.max(0, z1), h2 = Math.max(0, z2);
    const p = v1 * h1 + v2 * h2 + c;
    const dp = 2 * (p - target);
    const dh1 = dp * v1, dh2 = dp * v2;
    const dz1 = z1 > 0 ? dh1 : 0, dz2 = z2 > 0 ? dh2 : 0;
    return {
      z1, z2, h1, h2, p, L: (p - target) ** 2,
      dp, dv1: dp * h1, dv2: dp * h2, dh1, dh2, dz1, dz2, dw1: dz1 * x, dw2: dz2 * x, dx: dz1 * w1 + dz2 * w2,
    };
  }

  // What appears at each step, which boxes are lit, and the calculation in words.
  const STEPS = [
    { lit: ["x"], words: () => "Forward. The input and the weights are given." },
    { values: ["z1", "z2"], lit: ["z1", "z2"],
      words: (f) => `z₁ = w₁ · x + b₁ = ${two(state.w1)} · ${two(state.x)} + (${two(state.b1)}) = ${two(f.z1)}; z₂ likewise ${two(f.z2)}.` },
    { values: ["h1", "h2"], lit: ["h1", "h2"],
      words: (f) => `h = max(0, z): h₁ = ${two(f.h1)}, h₂ = ${two(f.h2)}.` },
    { values: ["p"], lit: ["p"],
      words: (f) => `p = v₁ · h₁ + v₂ · h₂ + c = ${two(state.v1)} · ${two(f.h1)} + (${two(state.v2)}) · ${two(f.h2)} + ${two(state.c)} = ${two(f.p)}.` },
    { values: ["L"], lit: ["L"],
      words: (f) => `L = (p − y)² = (${two(f.p)} − ${two(target)})² = ${two(f.L)}. Now backward.` },
    { derivatives: ["p"], lit: ["p"],
      words: (f) => `∂L/∂p = 2 · (p − y) = 2 · ${two(f.p - target)} = ${two(f.dp)}.` },
    { derivatives: ["v1", "v2"], lit: ["p"],
      words: (f) => `∂L/∂v₁ = ∂L/∂p · h₁ = ${two(f.dp)} · ${two(f.h1)} = ${two(f.dv1)}; ∂L/∂v₂ likewise ${two(f.dv2)}.` },
    { derivatives: ["h1", "h2"], lit: ["h1", "h2"],
      words: (f) => `∂L/∂h₁ = ∂L/∂p · v₁ = ${two(f.dp)} · ${two(state.v1)} = ${two(f.dh1)}; ∂L/∂h₂ likewise ${two(f.dh2)}.` },
    { derivatives: ["z1", "z2"], lit: ["z1", "z2"],
      words: (f) => `ReLU lets the derivative through where z is above 0: ∂L/∂z₁ = ${two(f.dz1)}, ∂L/∂z₂ = ${two(f.dz2)}.` },
    { derivatives: ["w1", "w2"], lit: ["z1", "z2"],
      words: (f) => `∂L/∂w₁ = ∂L/∂z₁ · x = ${two(f.dz1)} · ${two(state.x)} = ${two(f.dw1)}; ∂L/∂w₂ likewise ${two(f.dw2)}.` },
    { derivatives: ["x"], lit: ["x"],
      words: (f) => `Both ways add up: ∂L/∂x = ∂L/∂z₁ · w₁ + ∂L/∂z₂ · w₂ = ${two(f.dx)}.` },
  ];

  function show(step) {
    const found = { ...state, ...propagate(state) };
    const seen = { values: new Set(Object.keys(start)), derivatives: new Set() };
    for (const { values = [], derivatives = [] } of STEPS.slice(0, step + 1)) {
      values.forEach((name) => seen.values.add(name));
      derivatives.forEach((name) => seen.derivatives.add(name));
    }
    for (const text of svg.querySelectorAll("[data-value]")) {
      text.textContent = seen.values.has(text.dataset.value) ? two(found[text.dataset.value]) : "?";
    }
    for (const text of svg.querySelectorAll("[data-derivative]")) {
      text.textContent = seen.derivatives.has(text.dataset.derivative) ? two(found[`d${text.dataset.derivative}`]) : "";
    }
    for (const text of svg.querySelectorAll("[data-of]")) {
      text.style.visibility = seen.derivatives.has(text.dataset.of) ? "visible" : "hidden";
    }
    for (const box of svg.querySelectorAll("[data-node]")) {
      box.classList.toggle("strong", STEPS[step].lit.includes(box.dataset.node));
    }
    controls.say(`Step ${step + 1} of ${STEPS.length}. ${STEPS[step].words(found)}`);
  }

  const steps = controls.steps(STEPS.length, 0, show);
  controls.line();
  const change = (name) => (value) => { state[name] = value; steps.again(); };
  controls.slider("x", { min: -2, max: 3, step: 0.1, value: start.x }, change("x"));
  controls.slider("w₁", { min: -3, max: 3, step: 0.1, value: start.w1 }, change("w1"));
});
