// What is drawn of an answer: the posterior as a chart, shares as bars, the heat map with its scale.
window.TryIt = window.TryIt || {};

(function (page) {
  const WIDEST = 640, NARROWEST = 300, HIGH = 200, FLOOR = 150, EDGE = 12;

  // Blue below 0, white at 0, red above, as in the book's own figures (ColorBrewer's RdBu).
  const SCALE = ["#053061", "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7", "#fddbc7", "#f4a582", "#d6604d",
    "#b2182b", "#67001f"];

  function svg(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function element(name, attributes, ...inside) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...inside);
    return made;
  }

  page.drawPosterior = function (place, { age, ages, posterior, intervals }, level) {
    const wide = Math.min(Math.max(place.clientWidth, NARROWEST), WIDEST); // so that words keep their size
    const last = ages[ages.length - 1] + 4;
    const x = (years) => EDGE + (years / last) * (wide - 2 * EDGE);
    const most = Math.max(...posterior);
    const y = (share) => FLOOR - (share / most) * (FLOOR - 30);
    const chart = svg("svg", { viewBox: `0 0 ${wide} ${HIGH}`, role: "img" });
    const interval = intervals[level];
    const peak = ages[posterior.indexOf(most)];
    const words = `Probability of each age from ${ages[0]} to ${ages[ages.length - 1]} years: highest at ${peak}, ` +
      `mean ${age.toFixed(1)}` + (interval ? `; shaded: ${interval[0].toFixed(0)} to ${interval[1].toFixed(0)}.` : ".");
    chart.append(svg("title", {}, words));
    if (interval) {
      const width = Math.max(x(interval[1]) - x(interval[0]), 1);
      chart.append(svg("rect", { class: "interval", x: x(interval[0]), y: 22, width, height: FLOOR - 22 }));
    }
    const line = ages.map((years, k) => `L${x(years).toFixed(1)} ${y(posterior[k]).toFixed(1)}`).join("");
    const [from, to] = [ages[0], ages[ages.length - 1]].map(x);
    chart.append(svg("path", { class: "posterior", d: `M${from} ${FLOOR}${line}L${to} ${FLOOR}Z` }));
    chart.append(svg("line", { class: "floor", x1: EDGE, x2: wide - EDGE, y1: FLOOR, y2: FLOOR }));
    for (let years = 0; years <= last; years += 20) {
      chart.append(svg("line", { class: "floor", x1: x(years), x2: x(years), y1: FLOOR, y2: FLOOR + 5 }));
      chart.append(svg("text", { x: x(years), y: FLOOR + 22, "text-anchor": "middle" }, `${years}`));
    }
    chart.append(svg("text", { x: wide / 2, y: FLOOR + 44, "text-anchor": "middle" }, "age in years"));
    chart.append(svg("line", { class: "mean", x1: x(age), x2: x(age), y1: 22, y2: FLOOR }));
    const side = age > last / 2 ? "end" : "start";
    chart.append(svg("text", { class: "mean", x: x(age), y: 15, "text-anchor": side }, `mean ${age.toFixed(1)}`));
    place.replaceChildren(chart);
  };

  // A table of names with their shares; the bar is for the eye alone.
  page.drawShares = function (place, { names, shares, chosen }, caption) {
    const rows = names.map((name, k) => {
      const percent = `${(100 * shares[k]).toFixed(0)} %`;
      const bar = element("span", { class: "bar", style: `width: ${(100 * shares[k]).toFixed(2)}%` });
      return element("tr", name === chosen ? { class: "chosen" } : {},
        element("th", { scope: "row" }, name),
        element("td", { class: "bars", "aria-hidden": "true" }, bar),
        element("td", { class: "share" }, percent));
    });
    place.replaceChildren(element("table", {}, element("caption", {}, caption), element("tbody", {}, ...rows)));
  };

  function colourOf(share) {
    const at = ((share + 1) / 2) * (SCALE.length - 1);
    const first = Math.min(Math.floor(at), SCALE.length - 2);
    const [from, to] = [SCALE[first], SCALE[first + 1]].map((code) =>
      [1, 3, 5].map((start) => parseInt(code.slice(start, start + 2), 16)));
    return from.map((value, k) => value + (at - first) * (to[k] - value));
  }

  // The map over the picture's grey levels: strong values hide it, weak ones let it through.
  page.drawMap = function (canvas, bar, small, map, size) {
    const most = Math.max(...map.map(Math.abs)) || 1;
    canvas.width = canvas.height = size;
    const image = new ImageData(size, size);
    const all = size * size;
    for (let k = 0; k < all; k++) {
      const grey = (small[k] + small[k + all] + small[k + 2 * all]) / 3;
      const share = map[k] / most;
      const alpha = 0.25 + 0.55 * Math.sqrt(Math.abs(share));
      const colour = colourOf(share).map((value) => (1 - alpha) * grey + alpha * value);
      image.data.set([...colour, 255], 4 * k);
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    bar.style.background = `linear-gradient(to right, ${SCALE.join(", ")})`;
    return most;
  };
})(window.TryIt);
