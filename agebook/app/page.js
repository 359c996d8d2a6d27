// The page's own part: a picture from a file or from the camera, its bytes to the kernel, and what comes back.
// Nothing here asks any server for anything: the picture goes through the connection that the page has already.

const PATIENCE = 90; // seconds until the page says that no answer came

const BODY = `
<div class="take">
  <div><label for="agelib-file">A picture with faces</label>
    <input type="file" id="agelib-file" accept="image/*"></div>
  <button type="button" class="start">Use the camera</button>
  <button type="button" class="forget" hidden>Forget this picture</button>
</div>
<div class="camera" hidden>
  <video muted playsinline aria-label="What the camera sees"></video>
  <p><button type="button" class="snap">Take the picture</button>
    <button type="button" class="stop">Stop the camera</button></p>
</div>
<p class="status" role="status" aria-live="polite"></p>
<div class="answer"></div>
<section class="about" aria-label="About these answers">
  <p>A model guesses from the looks of a face. <b>It does not know anybody's age, gender or ethnicity.</b>
    The words for gender and ethnicity are those that the makers of a data set chose for the people in their pictures:
    somebody's reading of a face, and no statement about a person. Decide nothing about anybody with it.</p>
  <p><b>Nothing is kept.</b> The picture goes from this page to the program on the machine that serves it, is judged in its
    memory, and is gone with the next one or when you close the page. It is written to no disk and sent nowhere else.</p>
  <details open><summary>What the model was trained on, and how wrong it is for whom</summary>
    <div class="model"></div></details>
</section>`;

function render({ model, el }) {
  el.classList.add("agelib-app");
  el.innerHTML = BODY;
  const find = (name) => el.querySelector(name);
  const [input, status, answer, video] = ["input", ".status", ".answer", "video"].map(find);
  find(".model").innerHTML = model.get("about");
  let number = 0;
  let timer = null;
  let stream = null;

  function say(words, wrong = false) {
    status.classList.toggle("wrong", wrong);
    status.textContent = words;
  }

  function forget() {
    number += 1;
    clearTimeout(timer);
    answer.replaceChildren();
    find(".forget").hidden = true;
  }

  async function judge(picture, name) {
    forget();
    const asked = number;
    if (picture.size > model.get("limit")) {
      const [size, most] = [picture.size, model.get("limit")].map((bytes) => (bytes / 2 ** 20).toFixed(0));
      return say(`${name} has ${size} MB; at most ${most} are taken. It was not sent.`, true);
    }
    if (!picture.size) return say(`${name} is empty.`, true);
    say(`Looking at ${name} …`);
    timer = setTimeout(() => say("No answer came. Is the program still running? Then reload the page.", true), PATIENCE * 1000);
    model.send({ number: asked, name }, undefined, [await picture.arrayBuffer()]);
  }

  function receive(message) {
    if (message.number !== number) return; // of a picture that was forgotten
    clearTimeout(timer);
    if (message.problem) return say(message.problem, true);
    answer.innerHTML = message.told;
    say(`Done: ${answer.querySelector("h2").textContent}.`);
    find(".forget").hidden = false;
  }

  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
    find(".camera").hidden = true;
    find(".start").hidden = false;
  }

  async function start() {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
    } catch (error) {
      return say(`The camera cannot be used (${error.message}). Choose a file instead.`, true);
    }
    video.srcObject = stream;
    await video.play();
    find(".camera").hidden = false;
    find(".start").hidden = true;
    find(".snap").focus();
    say("The camera is on. Nothing is sent before you take a picture.");
  }

  function snap() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    stop();
    find(".start").focus();
    canvas.toBlob((picture) => judge(picture, "the camera's picture"), "image/png");
  }

  input.addEventListener("change", () => {
    if (input.files.length) judge(input.files[0], input.files[0].name);
    input.value = ""; // the same file may be chosen again
  });
  find(".start").addEventListener("click", start);
  find(".snap").addEventListener("click", snap);
  find(".stop").addEventListener("click", () => { stop(); say("The camera is off."); find(".start").focus(); });
  find(".forget").addEventListener("click", () => { forget(); say("The picture is forgotten."); input.focus(); });
  model.on("msg:custom", receive);
  return () => { clearTimeout(timer); stop(); model.off("msg:custom", receive); };
}

export default { render };
