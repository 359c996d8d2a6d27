// Slide φ: depth, width and resolution of a network grow together, and its multiply-adds nearly double with each step.
diagrams.live("scaling", (svg, controls) => {
  const { written } = diagrams;
  const MOST = 6;
  const NAMES = { B0: 0, B1: 0.5, B2: 1, B3: 2, B4: 3, B5: 4, B6: 5, B7: 6 }; // φ of the published networks
  const part = (name) => svg.querySelector(`[data-part="${name}"]`);
  const value = (name, words) => { svg.querySelector(`[data-value="${name}"]`).textContent = words; };
  let now = 2;

  function scaled(phi) {
    const depth = 1.2 ** phi, width = 1.1 ** phi, resolution = 1.15 ** phi;
    return { depth, width, pixels: 224 * resolution, cost: depth * width ** 2 * resolution ** 2 };
  }

  function draw(phi) {
    now = Math.max(0, Math.min(MOST, Math.round(phi * 10) / 10));
    const { depth, width, pixels, cost } = scaled(now);
    const layers = part("layers"), wide = 60 * width;
    const { middle, bottom } = layers.dataset;
    layers.setAttribute("d", Array.from({ length: Math.round(5 * depth) }, (_, layer) =>
      `M${middle - wide / 2} ${bottom - 14 * layer}h${wide}v10h-${wide}z`).join(""));
    const image = part("image"), side = (60 * pixels) / 224;
    image.setAttribute("x", image.dataset.middle - side / 2);
    image.setAttribute("y", image.dataset.centre - side / 2);
    image.setAttribute("width", side);
    image.setAttribute("height", side);
    const cursor = part("cursor"), dot = part("dot");
    const x = Number(cursor.dataset.left) + now * cursor.dataset.step;
    cursor.setAttribute("d", `M${x} ${dot.dataset.bottom}V50`);
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", dot.dataset.bottom - dot.dataset.high * Math.log2(cost));
    value("φ", written(now, 1, true));
    value("depth", `× ${written(depth, 2, true)}`);
    value("width", `× ${written(width, 2, true)}`);
    value("resolution", written(pixels, 0));
    value("multiply-adds", `× ${written(cost, 2, true)}`);
    controls.say(`φ = ${written(now, 1)}: ${written(depth)} times the depth, ${written(width)} times the width, ` +
      `images of ${written(pixels, 0)} pixels, ${written(cost)} times the multiply-adds.`);
  }

  const slider = controls.slider("φ", { min: 0, max: MOST, step: 0.1, value: now }, draw);
  const go = (phi) => { draw(phi); slider.set(now); };
  controls.line();
  for (const [name, phi] of Object.entries(NAMES)) controls.button(name, () => go(phi), `Go to ${name}, φ = ${phi}`);
  controls.keys({
    ArrowLeft: () => go(now - 0.1), ArrowRight: () => go(now + 0.1), Home: () => go(0), End: () => go(MOST),
  }, "Arrow keys left and right slide φ");
  svg.addEventListener("click", (event) => {
    const { left, step } = part("cursor").dataset;
    const phi = (diagrams.pointed(svg, event)[0] - left) / step;
    if (phi > -0.3 && phi < MOST + 0.3) go(phi);
  });
  draw(now);
});
