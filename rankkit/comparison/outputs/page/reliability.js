// A reliability diagram: what was predicted against what was observed, raw and calibrated.

const figures = JSON.parse(byId("figures").textContent);
const LOOKS = {
  "raw scores": { colour: "soft", symbol: "circle-open" },
  calibrated: { colour: "c1", symbol: "circle" },
};

function traceOf({ name, points }) {
  const look = LOOKS[name];
  return {
    type: "scatter", mode: "lines+markers", name,
    x: points.map((point) => point.predicted), y: points.map((point) => point.observed),
    text: points.map((point) => `${point.count} documents`),
    hovertemplate: "predicted %{x:.3f}, observed %{y:.3f}<br>%{text}<extra></extra>",
    marker: { color: colour(look.colour), symbol: look.symbol, size: 10, line: { width: 1.5, color: colour(look.colour) } },
    line: { color: colour(look.colour) },
  };
}

function drawReliability() {
  const label = "Share of relevant documents against the predicted probability; the table below has the figures.";
  const even = {
    type: "scatter", mode: "lines", name: "equal", x: [0, 1], y: [0, 1], hoverinfo: "skip",
    line: { color: colour("ink"), dash: "dot", width: 1 },
  };
  plot("plot", label, 480, () => ({
    traces: [even, ...figures.map(traceOf)],
    layout: {
      showlegend: true, legend: LEGEND, margin: { l: 56, r: 16, t: 44, b: 48 },
      xaxis: { title: { text: "predicted probability" }, range: [-0.02, 1.02] },
      yaxis: { title: { text: "share relevant", standoff: 14 }, range: [-0.02, 1.02] },
    },
  }));
}

async function start() {
  listenToSurroundings();
  if (!("DecompressionStream" in window)) {
    byId("plot").hidden = true;
    return;
  }
  await runPacked("plotly-packed");
  drawReliability();
  document.documentElement.dataset.ready = "";
}

start();
