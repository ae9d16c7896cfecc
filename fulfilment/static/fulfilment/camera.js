/* Scanning with a phone's camera, where the browser can read bars by itself; elsewhere the button stays away. */
(() => {
  "use strict";
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return;
  const WANTED = ["code_128", "code_39", "itf", "ean_13", "qr_code", "data_matrix", "pdf417", "codabar"];
  let detector;
  let stream;
  let last = "";
  let lastAt = 0;
  const eye = () => document.querySelector("[data-eye]");
  const show = () => {
    for (const button of document.querySelectorAll("[data-camera]")) button.hidden = Boolean(stream);
  };
  const stop = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    if (eye()) eye().hidden = true;
    show();
  };
  const enter = (code) => {
    const field = document.querySelector("[data-scan]");
    const step = field?.form.querySelector("[name=step]")?.value;
    // The same label is still before the camera, or somebody is typing its weight.
    if (!field || field.value || (code === last && (step !== "scan" || Date.now() - lastAt < 8000))) return;
    last = code;
    lastAt = Date.now();
    field.value = code;
    field.form.requestSubmit();
    navigator.vibrate?.(40);
  };
  const look = async () => {
    if (!stream) return;
    const video = eye()?.querySelector("video");
    if (video && video.srcObject !== stream) {
      // the desk was drawn anew
      eye().hidden = false;
      video.srcObject = stream;
      await video.play().catch(() => {});
    }
    if (video?.readyState >= 2 && !document.hidden) {
      try {
        const found = await detector.detect(video);
        if (found.length) enter(found[0].rawValue);
      } catch {
        /* a frame that could not be read */
      }
    }
    setTimeout(look, 200);
  };
  const start = async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    } catch {
      stop(); // not allowed, or no camera
      return;
    }
    show();
    look();
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-camera]")) start();
    else if (event.target.closest("[data-camera-off]")) stop();
  });
  document.addEventListener("htmx:afterSwap", show);
  window.addEventListener("pagehide", stop);
  BarcodeDetector.getSupportedFormats()
    .then((formats) => {
      const able = WANTED.filter((one) => formats.includes(one));
      if (!able.length) return;
      detector = new BarcodeDetector({ formats: able });
      show();
    })
    .catch(() => {});
})();
