// The widgets' script asks for formulas in the words of MathJax 2, the pages bring MathJax 3: translate.
window.addEventListener("load", () => {
  const mathjax = window.MathJax;
  if (mathjax && !mathjax.Hub) {
    mathjax.Hub = { Queue: (task) => mathjax.typesetPromise?.([task[2]]) };
  }
});
