"use strict";
// A range input lies over each pair of pictures: mouse, touch, keys and screen readers all work on it.
for (const figure of document.querySelectorAll(".compare")) {
  const stage = figure.querySelector(".stage");
  const range = figure.querySelector("input");
  const button = figure.querySelector("button");
  const show = (percent) => stage.style.setProperty("--x", percent + "%");
  const update = () => show(range.value);
  range.addEventListener("input", update);
  const hold = () => show(100);
  button.addEventListener("pointerdown", hold);
  for (const end of ["pointerup", "pointerleave", "blur"]) button.addEventListener(end, update);
  figure.addEventListener("keydown", (event) => {
    const pressed = event.target === button && (event.key === " " || event.key === "Enter");
    if (event.key.toLowerCase() === "b" || pressed) hold();
  });
  figure.addEventListener("keyup", update);
  update();
}
