// What all living diagrams share. One is a still drawing with `data-live="NAME"`, and NAME.js beside this file calls
// `diagrams.live("NAME", (svg, controls) => …)`: it reads the drawing's data- attributes (agebook/build/diagrams/living.py),
// adds controls below it, and changes the drawing. Nothing is fetched.
window.diagrams = (function () {
  const PACE = 1200; // milliseconds from one step to the next while it plays
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  function live(name, start) {
    for (const svg of document.querySelectorAll(`svg.diagram[data-live="${name}"]`)) start(svg, new Controls(svg));
  }

  function element(kind, properties = {}, ...children) {
    const made = Object.assign(document.createElement(kind), properties);
    made.append(...children);
    return made;
  }

  // Lines of controls below a drawing, and a line that says what has changed.
  class Controls {
    constructor(svg) {
      this.frame = svg.parentElement;
      this.said = element("p", { className: "diagram-said", role: "status" });
      this.place = element("div", { className: "diagram-controls" }, this.said);
      this.frame.after(this.place);
      this.line();
    }

    line() {
      this.last = element("div", { className: "diagram-line" });
      this.place.append(this.last);
    }

    say(words) {
      this.said.textContent = words;
    }

    button(words, action, name = words) {
      const made = element("button", { type: "button", textContent: words });
      if (name !== words) made.setAttribute("aria-label", name);
      made.addEventListener("click", action);
      this.last.append(made);
      return made;
    }

    slider(words, { min, max, step, value }, change) {
      const input = element("input", { type: "range", min, max, step });
      const shown = element("output");
      input.value = value;
      const tell = () => { shown.textContent = written(Number(input.value)); };
      input.addEventListener("input", () => { tell(); change(Number(input.value)); });
      tell();
      this.last.append(element("label", { className: "diagram-slider" }, element("span", { textContent: words }), input, shown));
      return { set: (to) => { input.value = to; tell(); } };
    }

    choice(words, names, change) {
      const select = element("select", {}, ...names.map((name) => element("option", { textContent: name })));
      select.addEventListener("change", () => change(select.value));
      this.last.append(element("label", {}, element("span", { textContent: words }), select));
      return select;
    }

    // Keys on the drawing itself, once it has the focus: name of the key → action.
    keys(actions, hint) {
      this.frame.setAttribute("aria-label", `${this.frame.getAttribute("aria-label")}. ${hint}`);
      this.frame.addEventListener("keydown", (event) => {
        const action = event.ctrlKey || event.altKey || event.metaKey ? undefined : actions[event.key];
        if (!action) return;
        event.preventDefault();
        action();
      });
    }

    // Buttons and keys that go through `count` steps; `show` draws the one it is given.
    steps(count, first, show) {
      let now = first;
      let playing = null;
      const to = (step) => {
        now = Math.max(0, Math.min(count - 1, step));
        show(now);
        if (now === count - 1) stop();
      };
      const stop = () => {
        clearInterval(playing);
        playing = null;
        if (play) play.textContent = "Play";
      };
      const toggle = () => {
        if (playing) return stop();
        if (now === count - 1) to(0);
        playing = setInterval(() => to(now + 1), PACE);
        if (play) play.textContent = "Pause";
      };
      const go = (step) => { stop(); to(step); };
      this.button("From the start", () => go(0));
      this.button("Back", () => go(now - 1));
      this.button("Next", () => go(now + 1));
      const play = calm.matches ? null : this.button("Play", toggle);
      const keys = { ArrowLeft: () => go(now - 1), ArrowRight: () => go(now + 1), Home: () => go(0), End: () => go(count - 1) };
      if (play) keys[" "] = toggle;
      this.keys(keys, "Arrow keys left and right step through it");
      show(now);
      return { go, again: () => show(now) };
    }
  }

  // A number as the drawings write it: a true minus, and no more places than asked for.
  function written(value, places = 2, fixed = false) {
    const rounded = Number(value.toFixed(places));
    return (fixed ? Math.abs(rounded).toFixed(places) : String(Math.abs(rounded))).replace(/^/, rounded < 0 ? "−" : "");
  }

  // Where the pointer is, in the coordinates of the drawing.
  function pointed(svg, event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [at.x, at.y];
  }

  return { live, written, pointed, element };
})();
