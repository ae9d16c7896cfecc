/* Pages of goods: a dropped file shows its name, columns chosen twice are said at once. */
(() => {
  "use strict";
  for (const drop of document.querySelectorAll("[data-drop]")) {
    const input = drop.querySelector("[data-drop-input]");
    const name = drop.querySelector("[data-drop-name]");
    input.addEventListener("change", () => {
      if (input.files.length) name.textContent = input.files[0].name;
    });
    for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, () => drop.classList.add("over"));
    for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  }
  /* Matching: what is typed in a row is ticked. */
  document.addEventListener("input", (event) => {
    const box = event.target.matches(".match-row input[name^=sku-]") && event.target.closest("tr")?.querySelector(".c-check input");
    if (box && box.checked !== Boolean(event.target.value.trim())) box.click();
  });
  document.addEventListener("change", (event) => {
    const chosen = event.target;
    if (!chosen.matches("[data-map]")) return;
    // A field comes from one column: the one chosen last.
    for (const other of document.querySelectorAll("[data-map]")) if (other !== chosen && chosen.value && other.value === chosen.value) other.value = "";
    for (const one of document.querySelectorAll("[data-map]")) one.closest("tr").classList.toggle("unmapped", !one.value);
  });
})();
