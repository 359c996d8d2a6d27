// Move Swin's window: which patches a chosen one attends to, without and with a shift, and the mask between them.
diagrams.live("windows", (svg, controls) => {
  const { pointed } = diagrams;
  const SIDE = 8, WINDOW = 4;
  const state = { row: 1, column: 6, shift: 2 };
  const all = (count) => Array.from({ length: count }, (_, number) => number);
  const patches = all(SIDE * SIDE).map((number) => [Math.floor(number / SIDE), number % SIDE]);
  const mod = (value) => (value + SIDE) % SIDE;
  const block = (at, shift) => Math.floor(mod(at - shift) / WINDOW);

  // In one window after the cyclic shift, and not across the seam that the shift has made.
  const together = (one, other, shift) => [0, 1].every((axis) =>
    block(one[axis], shift) === block(other[axis], shift) && (one[axis] < shift) === (other[axis] < shift));

  const windowOf = (patch, shift) => all(WINDOW * WINDOW).map((number) => [
    mod(block(patch[0], shift) * WINDOW + Math.floor(number / WINDOW) + shift),
    mod(block(patch[1], shift) * WINDOW + (number % WINDOW) + shift),
  ]);

  const squares = (path, cells) => {
    const left = Number(path.dataset.left), top = Number(path.dataset.top), cell = Number(path.dataset.cell);
    path.setAttribute("d", cells.map(([row, column]) =>
      `M${left + column * cell} ${top + row * cell}h${cell}v${cell}h-${cell}z`).join(""));
  };

  function draw() {
    const chosen = [state.row, state.column];
    const counts = [0, state.shift].map((shift, grid) => {
      const path = svg.querySelector(`[data-grid="${grid}"]`);
      const left = Number(path.dataset.left), top = Number(path.dataset.top), cell = Number(path.dataset.cell);
      const seen = patches.filter((patch) => together(chosen, patch, shift));
      squares(path, seen);
      const lines = [shift, shift + WINDOW].filter((at) => at > 0 && at < SIDE);
      svg.querySelector(`[data-lines="${grid}"]`).setAttribute("d", lines.map((at) =>
        `M${left + at * cell} ${top}v${SIDE * cell}M${left} ${top + at * cell}h${SIDE * cell}`).join(""));
      const mark = svg.querySelector(`[data-chosen="${grid}"]`);
      mark.setAttribute("x", left + state.column * cell);
      mark.setAttribute("y", top + state.row * cell);
      svg.querySelector(`[data-count="${grid}"]`).textContent = `attends to ${seen.length} patches`;
      return seen.length;
    });
    const shared = windowOf(chosen, state.shift);
    const mask = svg.querySelector('[data-part="mask"]');
    squares(mask, shared.flatMap((one, i) =>
      shared.flatMap((other, j) => (together(one, other, state.shift) ? [] : [[i, j]]))));
    const row = shared.findIndex((patch) => patch[0] === state.row && patch[1] === state.column);
    svg.querySelector('[data-part="row"]').setAttribute("y", Number(mask.dataset.top) + row * mask.dataset.cell);
    svg.querySelector('[data-part="shift"]').textContent = `shifted by ${state.shift}`;
    controls.say(`Patch in row ${state.row + 1}, column ${state.column + 1}: it attends to ${counts[0]} patches in W-MSA ` +
      `and to ${counts[1]} in SW-MSA with a shift of ${state.shift}.`);
  }

  function move(down, right) {
    state.row = Math.max(0, Math.min(SIDE - 1, state.row + down));
    state.column = Math.max(0, Math.min(SIDE - 1, state.column + right));
    draw();
  }

  controls.button("←", () => move(0, -1), "Patch to the left");
  controls.button("→", () => move(0, 1), "Patch to the right");
  controls.button("↑", () => move(-1, 0), "Patch above");
  controls.button("↓", () => move(1, 0), "Patch below");
  controls.slider("shift of the windows", { min: 0, max: 3, step: 1, value: state.shift }, (shift) => {
    state.shift = shift;
    draw();
  });
  controls.keys({
    ArrowLeft: () => move(0, -1), ArrowRight: () => move(0, 1), ArrowUp: () => move(-1, 0), ArrowDown: () => move(1, 0),
  }, "Arrow keys choose another patch");
  svg.addEventListener("click", (event) => {
    const [x, y] = pointed(svg, event);
    for (const path of svg.querySelectorAll("[data-grid]")) {
      const { left, top, cell } = path.dataset;
      const [row, column] = [Math.floor((y - top) / cell), Math.floor((x - left) / cell)];
      if (row < 0 || row >= SIDE || column < 0 || column >= SIDE) continue;
      Object.assign(state, { row, column });
      draw();
    }
  });
  draw();
});
