// The model in the reader's browser: its description and graph, and onnxruntime, fetched from this site when the first
// answer is asked for.
window.TryIt = window.TryIt || {};

(function (page) {
  const AT_A_TIME = 7; // covered pictures; between two batches the page can be used

  async function fetched(address) {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${address} is not there (${answer.status})`);
    return answer;
  }

  page.describe = async function (files) {
    return (await fetched(`${files}model.json`)).json();
  };

  function load(address) {
    return new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = done;
      script.onerror = () => failed(new Error(`${address} could not be loaded`));
      document.head.append(script);
    });
  }

  // Gives a function of pictures, bytes [number, 3, side, side], that returns each picture's outputs.
  page.open = async function (files, scripts, model) {
    const [graph] = await Promise.all([
      fetched(`${files}model.onnx`).then((answer) => answer.arrayBuffer()),
      load(`${scripts}ort.wasm.min.js`),
    ]);
    const ort = window.ort;
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = 1; // several need headers that a plain web server does not send
    const whole = (file) => new URL(scripts + file, document.baseURI).href;
    ort.env.wasm.wasmPaths = {
      mjs: whole("ort-wasm-simd-threaded.mjs"),
      wasm: whole("ort-wasm-simd-threaded.wasm"),
    };
    const session = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"] });
    const length = 3 * model.side * model.side;
    async function run(pictures) {
      const number = pictures.length / length;
      const given = new ort.Tensor("uint8", pictures, [number, 3, model.side, model.side]);
      const { outputs } = await session.run({ pictures: given });
      const each = outputs.data.length / number;
      return Array.from({ length: number }, (_, k) => outputs.data.slice(k * each, (k + 1) * each));
    }
    let last = Promise.resolve();
    return (pictures) => {
      const mine = last.then(() => run(pictures)); // one after the other
      last = mine.catch(() => {});
      return mine;
    };
  };

  // The heat map of a picture: change of the mean age in years by pixel [side * side]; null if `wanted` says no meanwhile.
  page.explain = async function (ask, model, small, mean, progress, wanted) {
    const { side, step, colour } = model.cover;
    const places = page.covers(model.side, side, step);
    const changes = [];
    for (let start = 0; start < places.length; start += AT_A_TIME) {
      const some = places.slice(start, start + AT_A_TIME);
      const outputs = await ask(page.cover(small, model.side, some, side, colour));
      if (!wanted()) return null;
      changes.push(...outputs.map((each) => page.meanAge(each, model) - mean));
      progress(changes.length, places.length);
      await new Promise((go) => setTimeout(go));
    }
    return { map: page.spread(changes, model.side, places, side), changes, places };
  };
})(window.TryIt);
