"use strict";
for (const root of document.querySelectorAll("[data-map]")) {
  const map = isthmusMap(root, JSON.parse(document.getElementById(root.dataset.map).textContent));
  isthmusHover(map);
  isthmusChoose(map);
  if (map.data.scene) isthmusScene(map);
  if (map.data.sounds) isthmusSound(map);
}
