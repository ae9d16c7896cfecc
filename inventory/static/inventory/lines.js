/* Line charts over time: <div data-lines="id of a JSON block">; {labels, lines: [{name, values, colour, dashed, step}],
   marks: [{at, name, colour}], level: {value, name}}. And the sliders of restocking. */
(() => {
  "use strict";
  const draw = (box) => {
    if (!window.echarts || box.dataset.drawn) return;
    box.dataset.drawn = "1";
    const given = JSON.parse(document.getElementById(box.dataset.lines).textContent);
    const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const colour = (name) => {
      probe.fillStyle = getComputedStyle(document.body).getPropertyValue(name).trim() || "#888";
      probe.fillRect(0, 0, 1, 1);
      const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
      return `rgb(${r},${g},${b})`;
    };
    const ink = colour("--ink-2");
    const line = colour("--line");
    const marks = (given.marks || []).map((one, index) => ({
      xAxis: one.at, lineStyle: { color: colour(one.colour), type: "solid", width: 1 },
      label: { formatter: one.name, color: ink, fontSize: 11, distance: [0, 8 + index * 12] },
    }));
    if (given.level) marks.push({ yAxis: given.level.value, lineStyle: { color: ink, type: "dashed", width: 1 }, label: { formatter: given.level.name, position: "insideEndTop", color: ink, fontSize: 11 } });
    const drawn = window.echarts.init(box, null, { renderer: "svg" });
    drawn.setOption({
      animation: false,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11 },
      grid: { left: 4, right: 14, top: 66, bottom: 0, containLabel: true },
      legend: { type: "scroll", top: 0, left: 0, right: 0, pageTextStyle: { color: ink }, itemWidth: 14, itemHeight: 8, itemGap: 12, textStyle: { color: ink, fontSize: 11 } },
      tooltip: { trigger: "axis", confine: true, backgroundColor: colour("--surface"), borderColor: line, textStyle: { color: colour("--ink"), fontSize: 12 } },
      xAxis: { type: "category", data: given.labels, boundaryGap: false, axisTick: { show: false }, axisLine: { lineStyle: { color: line } }, axisLabel: { color: ink, fontSize: 11, hideOverlap: true } },
      yAxis: { type: "value", minInterval: 1, splitLine: { lineStyle: { color: line } }, axisLabel: { color: ink, fontSize: 11 } },
      series: given.lines.map((one, index) => {
        const shade = colour(one.colour || `--chart-${(index % 6) + 1}`);
        return {
          name: one.name, type: "line", data: one.values, showSymbol: false, step: one.step ? "end" : false, color: shade,
          lineStyle: { width: 2, type: one.dashed ? "dashed" : "solid", color: shade }, itemStyle: { color: shade },
          markLine: index === 0 && marks.length ? { symbol: "none", silent: true, animation: false, data: marks } : undefined,
        };
      }),
    });
    new ResizeObserver(() => drawn.resize()).observe(box);
  };
  const all = (root) => root.querySelectorAll("[data-lines]").forEach(draw);
  if (document.readyState === "complete") all(document);
  else window.addEventListener("load", () => all(document));
  document.addEventListener("htmx:afterSwap", (event) => all(event.target));

  const form = document.querySelector("[data-what-if]");
  if (!form) return;
  const say = () => {
    for (const one of form.querySelectorAll(".slider")) {
      const told = one.querySelector("output");
      told.textContent = `${one.querySelector("input").value} ${told.dataset.unit}`;
    }
  };
  form.addEventListener("input", say);
  form.addEventListener("reset", () => setTimeout(() => {
    say();
    form.dispatchEvent(new CustomEvent("what-if-reset"));
  }));
  const target = document.getElementById("reckoned");
  form.addEventListener("htmx:beforeRequest", () => target.classList.add("busy"));
  form.addEventListener("htmx:afterRequest", () => target.classList.remove("busy"));
})();
