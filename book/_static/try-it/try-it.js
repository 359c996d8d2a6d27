// The page "Try it": what happens when the reader chooses a face, moves the square and asks. See book/try-it.md for the
// elements, and the other files of this folder for each step.
(function (page) {
  const PAUSE = 150; // milliseconds without a change before the model is asked again
  const by = (name) => document.getElementById(`try-it-${name}`);
  const state = { model: null, ask: null, picture: null, small: null, answer: null, map: null, turn: 0, asked: 0, level: "0.9" };
  let crop, camera, waiting;

  const whereFrom = document.currentScript;

  async function start() {
    if (location.protocol === "file:") {
      return say("intro", "A browser lets a page ask its model only if a web server sends the page. Run “make serve” " +
        "in the repository and open the address that it prints, or read this book online.");
    }
    try {
      state.model = await page.describe(whereFrom.dataset.files);
    } catch {
      return say("intro", "The model's description could not be loaded. Load the page again to try once more.");
    }
    crop = new page.Crop({
      canvas: by("picture"), square: by("square"), corner: by("corner"),
      left: by("left"), top: by("top"), side: by("side"),
    }, onCrop);
    camera = new page.Camera(by("video"));
    offerFaces(state.model.faces);
    listen();
    by("choose").hidden = false;
    say("intro", "");
  }

  function say(where, words) {
    const place = by(`${where}-said`);
    if (place.textContent !== words) place.textContent = words;
    place.hidden = !words;
  }

  // Do something that may fail; what the reader can change is said in words, anything else as such.
  async function attempt(where, action) {
    say(where, "");
    by(`${where}-said`).classList.remove("unseen");
    try {
      await action();
    } catch (error) {
      by(`${where}-said`).classList.remove("unseen");
      say(where, error instanceof page.Refusal ? error.message : `That did not work: ${error.message}.`);
    }
  }

  function offerFaces(faces) {
    by("faces").replaceChildren(...faces.map(({ file, age, crop: part }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      const image = new Image(96, 96);
      image.src = whereFrom.dataset.files + file;
      image.alt = "";
      const words = document.createElement("span");
      words.textContent = `drawn as ${age}`;
      button.append(image, words);
      button.addEventListener("click", () => attempt("choose", async () => {
        const file = await (await fetch(image.src)).blob();
        const square = part && { left: part[0], top: part[1], side: part[2] };
        await read(file, `The face drawn as ${age}`, square, button);
      }));
      return button;
    }));
  }

  function listen() {
    by("file").addEventListener("change", (event) => {
      const [file] = event.target.files;
      if (file) take(file);
      event.target.value = ""; // so that the same file can be chosen again
    });
    by("choose").addEventListener("dragover", (event) => event.preventDefault());
    by("choose").addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
    });
    by("camera").addEventListener("click", () => attempt("choose", async () => {
      await camera.open();
      by("live").hidden = false;
      by("shoot").focus();
    }));
    by("shoot").addEventListener("click", () => attempt("choose", async () => {
      choose(camera.take());
      closeCamera();
    }));
    by("close").addEventListener("click", closeCamera);
    window.addEventListener("pagehide", closeCamera);
    by("largest").addEventListener("click", () => crop.set(page.largestSquare(state.picture)));
    by("ask").addEventListener("click", () => attempt("answer", answer));
    by("level").addEventListener("change", (event) => {
      state.level = event.target.value;
      if (state.answer) tell();
    });
    by("explain").addEventListener("click", () => attempt("map", explain));
  }

  function take(file) {
    return attempt("choose", () => read(file, file.name));
  }

  // What is chosen last counts, even if it is read sooner than what was chosen before.
  async function read(file, name, part, button) {
    const turn = (state.turn += 1);
    const picture = await page.readFile(file, name);
    if (turn === state.turn) choose(picture, part, button);
  }

  function closeCamera() {
    camera.close();
    by("live").hidden = true;
  }

  function choose(picture, part, button = null) {
    closeCamera();
    for (const other of by("faces").children) other.setAttribute("aria-pressed", String(other === button));
    state.picture = picture;
    for (const name of ["place", "answer", "map"]) by(name).hidden = false;
    by("drawn-said").hidden = !button;
    crop.part = null;
    crop.open(picture, part);
    say("choose", `${picture.name} is chosen: ${picture.width} × ${picture.height} pixels.`);
  }

  function onCrop() {
    cutOut();
    state.asked += 1;
    state.answer = null;
    by("heat").hidden = true;
    say("map", "");
    by("explain").disabled = true;
    clearTimeout(waiting);
    by("result").classList.toggle("old", true);
    if (state.ask) waiting = setTimeout(() => attempt("answer", answer), PAUSE);
  }

  // The pixels that the network is shown.
  function cutOut() {
    const { picture, model } = state;
    const { left, top, side } = crop.part;
    state.small = page.shrink(picture, { left, top, width: side, height: side }, model.side);
    page.show(state.small, model.side, by("small"));
  }

  async function answer() {
    const { files, scripts } = whereFrom.dataset;
    const button = by("ask");
    if (!state.ask) {
      if (button.getAttribute("aria-disabled") === "true") return;
      button.setAttribute("aria-disabled", "true");
      say("answer", "The model is being loaded …");
      try {
        state.ask = await page.open(files, scripts, state.model);
      } catch (error) {
        throw new page.Refusal(`The model could not be loaded (${error.message}). Load the page again to try once more.`);
      } finally {
        button.removeAttribute("aria-disabled");
      }
    }
    const asked = state.asked;
    const [outputs] = await state.ask(state.small.slice());
    if (asked !== state.asked) return;
    state.answer = page.read(outputs, state.model);
    tell();
  }

  function tell() {
    const { answer: found, level } = state;
    const interval = found.intervals[level];
    const percent = 100 * Number(level);
    by("result").hidden = false;
    by("result").classList.remove("old");
    by("age").textContent = found.age.toFixed(1);
    by("interval").textContent = interval
      ? `${percent} % interval: ${interval[0].toFixed(1)} to ${interval[1].toFixed(1)} years`
      : `no ${percent} % interval: too few pictures to calibrate it`;
    page.drawPosterior(by("posterior"), found, level);
    const captions = {
      age_group: "Age group",
      gender: "Gender, as a label would say",
      ethnicity: "Ethnicity, as a label would say",
    };
    const known = Object.keys(captions).filter((task) => found.tasks[task]);
    by("shares").replaceChildren(...known.map((task) => {
      const place = document.createElement("div");
      page.drawShares(place, found.tasks[task], captions[task]);
      return place;
    }));
    by("explain").disabled = false;
    by("answer-said").classList.add("unseen"); // it says again what is shown, for those who listen
    say("answer", `${found.age.toFixed(1)} years` +
      (interval ? `; ${percent} % interval ${interval[0].toFixed(0)} to ${interval[1].toFixed(0)}.` : "."));
  }

  async function explain() {
    const { asked, small, model, answer: before } = state;
    const bar = by("progress");
    if (!bar.hidden) return; // it is being drawn
    bar.hidden = false;
    bar.value = 0;
    const wanted = () => asked === state.asked;
    let found;
    try {
      found = await page.explain(state.ask, model, small, before.mean, (done, all) => { bar.value = done / all; }, wanted);
    } finally {
      bar.hidden = true;
    }
    if (!found) return;
    const most = page.drawMap(by("map-canvas"), by("bar"), small, found.map, model.side);
    by("heat").hidden = false;
    by("least").textContent = `−${most.toFixed(1)}`;
    by("most").textContent = `+${most.toFixed(1)} years`;
    const largest = found.changes.reduce((best, change) => (Math.abs(change) > Math.abs(best) ? change : best), 0);
    const [left, top] = found.places[found.changes.indexOf(largest)];
    state.map = found.map;
    by("map-canvas").setAttribute("aria-label", `Heat map over the square; strongest at the ${whereabouts(left, top)}.`);
    say("map", `The largest change: with the ${whereabouts(left, top)} covered, the answer is ` +
      `${Math.abs(largest).toFixed(1)} years ${largest < 0 ? "younger" : "older"}.`);
  }

  function whereabouts(left, top) {
    const { side, cover } = state.model;
    const third = (start) => Math.min(2, Math.floor((3 * (start + cover.side / 2)) / side));
    const words = [["upper left", "top", "upper right"], ["left", "middle", "right"], ["lower left", "bottom", "lower right"]];
    return words[third(top)][third(left)];
  }

  // What the page's tests look at.
  page.state = state;
  start();
})(window.TryIt);
