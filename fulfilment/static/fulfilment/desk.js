/* The ship desk: the field keeps the focus, so that a scanner alone can work; a short tone says how it went. */
(() => {
  "use strict";
  const field = () => document.querySelector("[data-scan]");
  const busy = () => document.querySelector("dialog[open], details.pick[open]") || document.body.classList.contains("menu-open");
  const focus = () => {
    if (!busy()) field()?.focus({ preventScroll: true });
  };
  let audio;
  const tone = (kind) => {
    const pitch = { good: 880, done: 1320, bad: 220 }[kind];
    if (!pitch || !window.AudioContext) return;
    audio ??= new AudioContext();
    const sound = audio.createOscillator();
    const loud = audio.createGain();
    sound.frequency.value = pitch;
    loud.gain.value = 0.06;
    sound.connect(loud).connect(audio.destination);
    sound.start();
    sound.stop(audio.currentTime + (kind === "bad" ? 0.35 : 0.09));
  };
  // A clerk or scanner is quicker than the answer: what is typed meanwhile waits for its turn and is never lost.
  let asking = false;
  let rest = "";
  let waiting = [];
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.target.closest?.("#desk")) return;
    asking = true;
    if (field()) field().value = "";
  });
  document.addEventListener(
    "submit",
    (event) => {
      if (!asking || !event.target.matches(".ship-entry")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      waiting.push(field().value);
      field().value = "";
    },
    true,
  );
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id === "desk") rest = field()?.value ?? "";
  });
  // The new field takes over at once: an Enter between swap and settling must find what was typed before it.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "desk") return;
    if (document.querySelector("[data-desk]")?.dataset.sound === "bad") {
      waiting = []; // look at what is wrong first
      rest = "";
    }
    focus();
    field().value += rest;
    rest = "";
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.closest?.("#toasts")) {
      asking = false; // refused: the desk stays as it was
      waiting = [];
    }
    if (event.target.id !== "desk") return;
    asking = false;
    focus();
    tone(document.querySelector("[data-desk]")?.dataset.sound);
    if (!waiting.length) return;
    const typed = field().value;
    field().value = waiting.shift();
    field().form.requestSubmit();
    field().value += typed;
  });
  for (const gone of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(gone, () => {
      asking = false;
      waiting = [];
    });
  }
  // What is typed anywhere belongs into the field, a scanner's characters above all.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1 || busy()) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox") return;
    if (event.key === " " && event.target.closest("button, a, input")) return;
    focus();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("a, button, summary, input, label") && !String(getSelection())) focus();
  });
  focus();
})();
