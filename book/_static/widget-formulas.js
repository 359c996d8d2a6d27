// The widgets' script asks for formulas in the words of MathJax 2, the pages bring MathJax 3: translate.
// The state "complete" comes just before the event "load", on which the widgets are drawn.
document.addEventListener("readystatechange", () => {
  const mathjax = window.MathJax;
  if (document.readyState === "complete" && mathjax && !mathjax.Hub) {
    mathjax.Hub = { Queue: (task) => mathjax.typesetPromise?.([task[2]]) };
  }
});
