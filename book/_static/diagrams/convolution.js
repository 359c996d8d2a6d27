// Step through a convolution: the kernel moves over the image, and each position gives one weighted sum.
diagrams.live("convolution", (svg, controls) => {
  const { written, pointed, element } = diagrams;
  const KERNELS = {
    "left edges": [-1, 0, 1, -1, 0, 1, -1, 0, 1],
    "upper edges": [-1, -1, -1, 0, 0, 0, 1, 1, 1],
    "outlines": [-1, -1, -1, -1, 8, -1, -1, -1, -1],
    "sum of nine": [1, 1, 1, 1, 1, 1, 1, 1, 1],
  };
  const at = (key, row, column) => svg.querySelector(`[data-${key}="${row},${column}"]`);
  const part = (name) => svg.querySelector(`[data-part="${name}"]`);
  const kernel = [...KERNELS["left edges"]];

  const image = (row, column) => Number(at("image", row, column).textContent);
  const products = (row, column, i) =>
    [0, 1, 2].map((j) => ({ weight: kernel[3 * i + j], value: image(row + i, column + j) }));
  const rowSum = (row, column, i) => products(row, column, i).reduce((sum, { weight, value }) => sum + weight * value, 0);
  const output = (row, column) => rowSum(row, column, 0) + rowSum(row, column, 1) + rowSum(row, column, 2);

  function move(rectangle, row, column) {
    const { side, left, top } = rectangle.dataset;
    rectangle.setAttribute("x", Number(left) + column * side);
    rectangle.setAttribute("y", Number(top) + row * side);
  }

  function show(step) {
    const row = Math.floor(step / 4), column = step % 4;
    move(part("window"), row, column);
    move(part("here"), row, column);
    for (let i = 0; i < 3; i += 1) {
      const terms = products(row, column, i).map(({ weight, value }) =>
        `${weight < 0 ? `(${written(weight)})` : written(weight)}·${value}`);
      svg.querySelector(`[data-terms="${i}"]`).textContent = terms.join(" + ");
      svg.querySelector(`[data-sum="${i}"]`).textContent = written(rowSum(row, column, i));
    }
    part("total").textContent = written(output(row, column));
    for (let other = 0; other < 16; other += 1) {
      const [r, c] = [Math.floor(other / 4), other % 4];
      at("output", r, c).textContent = other <= step ? written(output(r, c)) : "";
    }
    controls.say(`Position ${step + 1} of 16, row ${row + 1}, column ${column + 1}: the sum is ${written(output(row, column))}.`);
  }

  const inputs = element("div", { className: "diagram-kernel" });
  inputs.setAttribute("role", "group");
  inputs.setAttribute("aria-label", "Weights of the kernel");
  const fields = kernel.map((weight, place) => {
    const input = element("input", { type: "number", step: "any", value: weight });
    input.setAttribute("aria-label", `Weight in row ${Math.floor(place / 3) + 1}, column ${(place % 3) + 1}`);
    input.addEventListener("input", () => { set(place, input.valueAsNumber || 0); steps.again(); });
    return input;
  });
  inputs.append(...fields);

  function set(place, weight) {
    kernel[place] = Math.max(-99, Math.min(99, weight));
    at("kernel", Math.floor(place / 3), place % 3).textContent = written(kernel[place]);
  }

  const steps = controls.steps(16, 9, show);
  controls.line();
  controls.last.append(inputs);
  controls.choice("Kernel that answers to", Object.keys(KERNELS), (name) => {
    KERNELS[name].forEach((weight, place) => { fields[place].value = weight; set(place, weight); });
    steps.again();
  });
  svg.addEventListener("click", (event) => {
    const { side, left, top } = part("here").dataset;
    const [x, y] = pointed(svg, event);
    const [column, row] = [Math.floor((x - left) / side), Math.floor((y - top) / side)];
    if (row >= 0 && row < 4 && column >= 0 && column < 4) steps.go(4 * row + column);
  });
});
